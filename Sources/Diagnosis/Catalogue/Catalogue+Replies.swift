import MailModel

extension Catalogue {
  /// What peers reply, by text; enhanced status codes (RFC 3463) and reply codes where the text says
  /// nothing.
  static let replies: [FailureRule] = [
    rule(
      "reply.greylisted",
      .greylisted,
      .remote,
      [
        "greylist", "graylist", "greylisted", "grey-listed", "temporarily rejected, try again",
        "please try again later (greyl", "postgrey", "try again in 5 minutes", "deferred for greyl",
      ],
      .verifyError,
      example:
        "450 4.2.0 <b@example.net>: Recipient address rejected: Greylisted, see http://x/help",
      "The peer makes unknown senders wait; the mail goes out by itself."
    ),
    rule(
      "reply.rate-limited",
      .rateLimited,
      .remote,
      [
        "rate limit", "rate-limit", "too many connections", "too many messages",
        "too many recipients",
        "throttl", "too busy", "try again later, too many", "concurrent connections",
        "limit exceeded",
        "rate exceeded", "exceeded the maximum", "sending too fast",
        "deferred due to user complaints",
        "too many concurrent", "connection limit", "temporarily deferred", "421 4.7.28",
        "service not available, too busy", "system load", "resources temporarily unavailable",
        "too many sessions",
      ],
      .libraryReason,
      unless: ["reputation", "tls rate", "tls sessions", "over quota"],
      example: "421 4.3.2 Connection rate limit exceeded",
      "The peer takes no more from us for now."
    ),
    rule(
      "reply.reputation",
      .reputationBlocked,
      .remote,
      [
        "reputation", "blacklist", "block list", "blocklist", "black list", "spamhaus", "dnsbl",
        "rbl", "barracuda", "spamcop", "listed at", "your ip", "is blocked", "blocked using",
        "sender denied", "poor reputation", "not allowed to connect", "unsolicited", "s3140",
        "banned sending ip", "client host rejected", "blocked by", "ptr record", "reverse dns",
        "cannot find your hostname", "cannot find your reverse",
      ],
      .libraryReason,
      unless: ["certificate", "your ipv6 address is greylisted"],
      example:
        "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation",
      "The peer refuses our address for its reputation."
    ),
    rule(
      "reply.policy",
      .policyRejected,
      .remote,
      [
        "relay access denied", "relaying denied", "relay not permitted", "policy", "dmarc", "spf",
        "dkim", "sender address rejected", "access denied", "not permitted",
        "administrative prohibition",
        "sender verify failed", "administratively", "prohibited", "not authorized",
        "sender rejected",
        "transaction failed", "domain not found", "helo command rejected", "rejected by",
      ],
      .alert,
      unless: [
        "certificate", "tls policy", "mta-sts", "sts-policy", "starttls", "security policy",
      ],
      example: "554 5.7.1 <b@example.net>: Relay access denied",
      "The peer's rules do not allow this mail."
    ),
    rule(
      "reply.content",
      .contentRejected,
      .remote,
      [
        "spam", "virus", "malware", "content filter", "message content rejected", "phish",
        "content rejected", "message rejected", "attachment", "infected", "header rejected",
        "does not comply", "rfc 5322", "message format",
      ],
      .libraryReason,
      unless: ["spamhaus", "spamcop"],
      example: "550 5.7.1 Message rejected as spam by content filter",
      "The peer refuses what the message holds."
    ),
    rule(
      "reply.too-large",
      .messageTooLarge,
      .remote,
      [
        "message size exceeds", "message too large", "message too big", "size limit",
        "exceeds size",
        "too large", "552 5.3.4", "5.2.3", "message file too big", "maximum message size",
        "exceeds fixed limit", "exceeds maximum",
      ],
      .libraryReason,
      unless: ["packet too large", "mailbox"],
      example: "552 5.3.4 Message size exceeds fixed limit",
      "The message is larger than the peer takes."
    ),
    rule(
      "reply.authentication",
      .authenticationFailure,
      .unknown,
      [
        "authentication required", "authentication failed", "authentication failure",
        "authentication credentials invalid", "auth failure", "sasl", "username and password",
        "535 5.7", "530 5.7.1", "authenticate", "invalid login", "smtp auth", "535 ", "534 ",
      ],
      .alert,
      unless: [
        "certificate", "tls_server", "tls_rcpt", "4.7.0 authentication failed",
        "5.7.0 authentication failed", "ruleset=tls", "dane",
      ],
      example: "535 5.7.8 Error: authentication failed",
      "User name or password was not accepted, or none was given."
    ),
    rule(
      "status.crypto",
      .otherTLS,
      .unknown,
      [],
      .smtpCode,
      and: ["4.7.5", "5.7.5", "4.7.4"],
      example: "421 4.7.5",
      "The enhanced status code says that cryptography failed."
    ),
    FailureRule(
      id: "status.security",
      failureClass: .policyRejected,
      responsible: .remote,
      specificity: .smtpCode,
      pattern: .enhancedStatus(class: 5, subject: 7, detail: nil),
      example: "550 5.7.26 refused",
      meaning: "The peer refuses for reasons of policy."
    ),
    FailureRule(
      id: "status.system-full",
      failureClass: .other,
      responsible: .remote,
      specificity: .enhancedStatus,
      pattern: .any([
        .contains("insufficient system storage"), .contains("system not accepting"),
        .contains("local error in processing"), .contains("temporary local problem"),
        .contains("internal server error"), .contains("try again later"),
        .contains("temporary failure"), .contains("service unavailable"),
        .all([.contains("not available"), .not(.replyCode(421))]), .contains("lookup failed"),
        .contains("queue file write error"),
      ]),
      example: "452 4.3.1 Insufficient system storage",
      meaning: "The peer has a trouble of its own."
    ),
  ]

  /// The recipient's mailbox.
  static let mailboxes: [FailureRule] = [
    rule(
      "mailbox.full",
      .mailboxFull,
      .remote,
      [
        "mailbox full", "over quota", "quota exceeded", "mailbox is full", "exceeded storage",
        "out of storage", "overquota", "exceeds quota", "user quota", "mailbox size limit",
        "over its quota", "insufficient storage for", "inbox is full", "mailfolder is full",
        "storage quota", "exceeds the quota",
      ],
      .verifyError,
      example: "452 4.2.2 The email account that you tried to reach is over quota",
      "The recipient's mailbox is full."
    ),
    rule(
      "mailbox.unknown",
      .mailboxUnavailable,
      .remote,
      [
        "user unknown", "unknown user", "no such user", "does not exist", "mailbox unavailable",
        "unrouteable address", "no such recipient", "unknown recipient", "invalid recipient",
        "recipient not found", "mailbox not found", "unknown or illegal alias",
        "undeliverable address",
        "recipient rejected", "account disabled", "account has been disabled", "no mailbox here",
        "address unknown", "not a valid mailbox", "account is disabled", "recipnotfound",
        "inactive", "user doesn't exist", "address rejected", "mailbox disabled", "5.1.1",
      ],
      .libraryReason,
      unless: [
        "greylist", "certificate", "sender address rejected", "domain", "host or domain",
        "quota", "rate limit", "try later", "service is unavailable",
      ],
      example:
        "550 5.1.1 <b@example.net>: Recipient address rejected: User unknown in virtual mailbox table",
      "The peer knows no such mailbox."
    ),
    FailureRule(
      id: "mailbox.status",
      failureClass: .mailboxUnavailable,
      responsible: .remote,
      specificity: .enhancedStatus,
      pattern: .enhancedStatus(class: 5, subject: 1, detail: nil),
      example: "550 5.1.10 RESOLVER.ADR",
      meaning: "The peer does not take mail for this address."
    ),
  ]

  /// Sockets and DNS.
  static let network: [FailureRule] = [
    rule(
      "network.refused",
      .connectionRefused,
      .remote,
      ["connection refused", "econnrefused", "10061", "defer (111)"],
      .alert,
      example: "connect to mx.example.net[192.0.2.1]:25: Connection refused",
      "Nothing listens on the peer's mail port, or a firewall answers for it."
    ),
    rule(
      "network.timeout",
      .connectionTimeout,
      .unknown,
      [
        "connection timed out", "timed out while", "operation timed out", "timeout after",
        "no route to host", "network is unreachable", "host is unreachable", "etimedout",
        "connection timeout", "smtp timeout", "timed out", "defer (110)", "connect timeout",
        "timeout on connection", "timeout waiting", "defer (113)", "command timeout",
      ],
      .enhancedStatus,
      example: "connect to mx.example.net[192.0.2.1]:25: Connection timed out",
      "The peer, or the path to it, does not answer."
    ),
    rule(
      "network.lost",
      .connectionLost,
      .unknown,
      [
        "lost connection", "connection reset", "broken pipe", "remote host closed connection",
        "connection lost", "econnreset", "connection closed", "connection dropped", "defer (104)",
        "unexpected eof", "closed connection", "premature", "defer (-18)", "hung up",
      ],
      .enhancedStatus,
      example: "lost connection with mx.example.net[192.0.2.1] while sending RCPT TO",
      "The peer ended the session before it was through."
    ),
    rule(
      "dns.failure",
      .dnsFailure,
      .unknown,
      [
        "host not found", "name server", "host lookup did not complete", "nxdomain", "servfail",
        "domain not found", "name service error", "no mx found", "all relevant mx records point to",
        "lookup failed", "host unknown", "dns error", "no such host", "name or service not known",
        "host lookup failed", "unrouteable mail domain", "null mx", "nullmx", "name server timeout",
        "temporary lookup failure", "could not resolve", "no valid address record",
        "mx record", "domain must resolve", "dns lookup", "mail server for",
        "lowest numbered mx record points to local host", "no address associated",
        "dns.record-not-found", "does not accept mail",
      ],
      .alert,
      unless: ["tlsa", "dane", "sender address rejected", "helo", "cannot find your"],
      example:
        "Host or domain name not found. Name service error for name=example.net type=MX: Host not found, try again",
      "The destination's mail hosts cannot be looked up."
    ),
    FailureRule(
      id: "reply.busy",
      failureClass: .rateLimited,
      responsible: .remote,
      specificity: .smtpCode,
      pattern: .replyCode(421),
      example: "421 Service not available, closing transmission channel",
      meaning: "The peer takes no session now."
    ),
    FailureRule(
      id: "reply.other",
      failureClass: .other,
      responsible: .unknown,
      specificity: .smtpCode,
      pattern: .any(
        [450, 451, 452, 454, 455, 500, 501, 502, 503, 504, 550, 551, 552, 553, 554, 571].map(
          TextPattern.replyCode
        )
      ),
      example: "451 Requested action aborted",
      meaning: "The peer refuses; its text does not say why."
    ),
  ]
}
