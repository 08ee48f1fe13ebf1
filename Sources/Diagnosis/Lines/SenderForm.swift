import MailModel

/// How lines and replies look of mail programs that have no folder of their own here.
struct SenderForm: Sendable {
  var name: String
  /// Syslog tags under which it logs.
  var tags: [String] = []
  /// Any of these in a line tells it.
  var marks: [String]
  var sending: [String] = []
  var receiving: [String] = []
  /// The side of lines that name neither.
  var usualSide: Side?
  /// Texts of a success.
  var successes: [String] = []
  /// It writes underscores for blanks in what it quotes.
  var writesUnderscores = false

  static let all: [SenderForm] = [
    SenderForm(
      name: "opensmtpd",
      tags: ["smtpd"],
      marks: [
        "smtp-out: ", " mta error reason=", " mta delivery ", "smtp disconnected reason=",
        "smtp failed-command", "mta cert-check", "io_dispatch_accept_tls", "mta closing reason=",
      ],
      sending: ["smtp-out: ", " mta ", "for action"],
      receiving: [" smtp ", "accept_tls"],
      successes: ["result=\"ok\"", "started tls on session", "cert-check result=\"verified\""]
    ),
    SenderForm(
      name: "kumomta",
      tags: ["kumod"],
      marks: ["kumod", "kumomta internal"],
      usualSide: .sending
    ),
    SenderForm(
      name: "qmail",
      marks: [" deferral: ", " failure: ", " success: ", "qmail-", "connected_to_"],
      usualSide: .sending,
      successes: [": success: "],
      writesUnderscores: true
    ),
    SenderForm(
      name: "exchange",
      marks: [
        "exchange", "sendconnector", "tls negotiation failed with error", "led=4", "led=5",
        "primary target ip address", "lastattemptedservername", "proxy session setup failed on",
        "communicating with target host", "tls negotiation succeeded", "sp_prot_", "queue.expired",
        "outboundproxytarget", "default frontend", "resolver.", "storedrv", "security status ",
        "attempted failover to alternate host", "starttls is required to send mail",
        "\\outbound", "chain validation status", "\\default ",
      ],
      sending: [
        "led=", "primary target ip", "lastattempted", "sendconnector", "proxy session setup",
        "communicating with target host", "\\outbound", "_client ", "internet mail\\",
        "to send mail", "failover",
      ],
      receiving: [
        "default frontend", "\\inbound", "\\default ", "_server ", "client proxy",
        "client frontend",
      ],
      successes: ["negotiation succeeded"]
    ),
    SenderForm(
      name: "haraka",
      tags: ["haraka"],
      marks: ["haraka", "[core]", "[outbound]"],
      sending: ["[outbound", "client=outbound"],
      receiving: ["[core]", "[smtp]", "[tls]"]
    ),
    SenderForm(
      name: "stalwart",
      tags: ["stalwart"],
      marks: ["queueid = ", "(delivery.", "(dane.", "(mta-sts.", "(smtp."],
      usualSide: .sending
    ),
    SenderForm(
      name: "dovecot",
      tags: ["dovecot"],
      marks: ["dovecot: ", "imap-login: ", "pop3-login: ", "submission-login: "],
      usualSide: .receiving
    ),
  ]
}

extension SenderForm {
  /// What libraries and SMTP itself let see, whoever wrote the line.
  static let anyone = SenderForm(
    name: "",
    marks: [],
    sending: [
      "ssl_connect", "get_server_hello", "get_server_certificate", "process_server_certificate",
      "process_ske", "choose_client_version", "process_server_hello", "st_connect",
      "diagnostic-code:", "remote server returned", "construct_client_hello", "23_client_hello",
      "(in reply to ", "server certificate", "verify server",
    ],
    receiving: [
      "ssl_accept", "accept_tls", "get_client_hello", "process_client_hello", "connection from ",
      "get_client_certificate", "process_client_certificate", "st_accept", "] smtpd",
    ],
    successes: [
      "tls connection established", "tls connection reused", "negotiation succeeded",
      "started tls on session",
    ]
  )
}
