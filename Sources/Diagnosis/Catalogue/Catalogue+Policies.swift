import MailModel

extension Catalogue {
  /// STARTTLS missing, refused, stripped or demanded; DANE; MTA-STS.
  static let policies: [FailureRule] = [
    rule(
      "starttls.not-offered",
      .startTLSNotSupported,
      .remote,
      [
        "tls is required, but was not offered", "server did not offer tls support",
        "other side does not support starttls", "tls required but not supported by remote host",
        "does not support tls", "starttls is not advertised", "starttls is required to send mail",
        "must support tls to receive mail", "requiretls support required",
        "tls service was not offered", "no server was found that supports requiretls",
        "no tls achieved", "starttls not supported", "did not advertise starttls",
        "no starttls available", "starttls not available", "doesn't support starttls",
        "starttls not offered", "starttls unavailable", "server does not offer starttls", "5.7.30",
        "arg1=none", "does not advertise starttls", "4.7.321", "5.7.321", "starttls not found",
        "warning=dane configured in dns but no starttls",
      ],
      .verifyError,
      example: "TLS is required, but was not offered by host mx.example.net[192.0.2.1]",
      "Our policy demands TLS and the peer does not offer STARTTLS."
    ),
    rule(
      "starttls.refused",
      .startTLSRefused,
      .remote,
      [
        "refused to start tls", "attempt to start tls failed", "tls not available",
        "tls currently unavailable", "starttls rejected", "after starttls:",
        "maximum tls rate exceeded", "unable to initialize security subsystem",
        "tls temporarily unavailable", "starttls temporarily not possible", "starttls failed.",
        "too many new tls sessions", "unable to negotiate tls", "starttls is currently unavailable",
        "tls is not available", "arg1=temp", "arg1=protocol", "tls unavailable",
        "454 tls", "starttls refused", "starttls command rejected", "after pipelined starttls:",
        "tls is currently not available", "tls not currently available",
        "starttls temporarily unavailable", "tls handshake refused", "reply to starttls",
        "response to starttls", "reply to the starttls", "(in reply to starttls",
        "cannot start tls now", "454 4.3.3 tls",
      ],
      .verifyError,
      unless: ["was not offered", "try_tls", "tls_server, arg1=none"],
      example: "454 4.7.0 TLS not available due to temporary reason",
      "The peer offers STARTTLS and then refuses it: its own TLS set-up is broken."
    ),
    rule(
      "starttls.stripped",
      .startTLSStripped,
      .path,
      [
        "xxxxxxxa", "xxxxxxxb", "220 *****", "220-*****", "****************", "250-xxxxxxx",
        "250 xxxxxxx", "250-xxxx", "250 xxxx", "250 xxxa", "250 xxxb", "220 **** ",
        "enabling pix workarounds",
      ],
      .verifyError,
      example: "250-XXXXXXXA",
      "Something on the path overwrites STARTTLS: a firewall's SMTP fix-up, or an attack."
    ),
    rule(
      "starttls.demanded-by-us",
      .tlsRequiredByReceiver,
      .remote,
      ["must issue a starttls command", "encryption required", "5.7.10", "tls required"],
      .verifyError,
      side: .receiving,
      unless: ["for action", "for relaying"],
      example: "NOQUEUE: reject: MAIL from unknown[192.0.2.1]: 530 5.7.0 Must issue a STARTTLS "
        + "command first",
      "A client came in clear where we demand TLS."
    ),
    rule(
      "starttls.demanded",
      .tlsRequiredByReceiver,
      .local,
      [
        "must issue a starttls command", "must issue a start tls command",
        "must issue starttls", "issue a starttls", "tls encryption required",
        "encryption required", "requires tls", "tls required", "starttls required",
        "encryption needed", "require tls", "please use starttls", "must use tls",
        "must use starttls", "tls is required", "starttls first", "requires encryption",
        "use starttls", "plaintext connections are not", "secure connection required",
        "tls connection required", "must be sent over tls", "unencrypted", "encryption is required",
        "5.7.10", "requires a secure connection", "requires the use of tls", "only over tls",
        "requires starttls", "mandatory tls", "tls mandatory", "tls is mandatory", "over ssl/tls",
        "start tls first", "starttls is required", "tls must be used", "enforces tls",
        "only accept tls", "only accepts tls", "requires an encrypted", "use of tls is required",
        "encrypted connection required", "must be encrypted", "without tls",
        "wasn't sent over", "not sent over a tls", "use a tls connection",
        "to use a secure connection",
      ],
      .verifyError,
      unless: [
        "but was not offered", "refused to start", "but our tls", "but unavailable",
        "delivering unencrypted", "but an attempt", "authentication required",
        "but the server did not", "to authenticate", "not supported by remote host", "for action",
        "for relaying", "required tls certificate", "is required for ",
      ],
      example: "530 5.7.0 Must issue a STARTTLS command first",
      "The peer takes mail over TLS only and we came in clear: turn TLS on for it."
    ),
    rule(
      "version.reply",
      .protocolVersionMismatch,
      .local,
      [
        "mismatch in tls version", "tls version mismatch", "tls version is not available",
        "tls version not supported", "tls version is not supported", "tls version too old",
        "minimum tls version", "unsupported tls version",
      ],
      .libraryReason,
      example:
        "550 5.7.4 Command rejected : a mismatch in TLS versions: Preferred TLS 1.3 for the recipient: b@example.net",
      "The peer takes the mail over a newer TLS version only."
    ),
    rule(
      "client-certificate.reply",
      .clientCertificateRejected,
      .remote,
      [
        "client certificate", "certificate required", "your certificate",
        "no valid client certificate",
      ],
      .libraryReason,
      unless: ["greylist", "certificate of origin", "alert", "spam"],
      example:
        "451 4.7.1 <b@example.net>: Recipient address rejected: TLS client certificate verification failed: self-signed certificate",
      "The peer does not take the certificate that we show as a client."
    ),
    rule(
      "dane.required",
      .daneRequired,
      .remote,
      [
        "lookup not dnssec", "no tlsa records found", "mx rrset is insecure",
        "hosts_require_dane", "dane required", "non dnssec destination", "not dnssec",
      ],
      .verifyError,
      unless: ["strict = false"],
      example: "DANE error: mx.example.net lookup not DNSSEC",
      "Our policy demands DANE and the destination has no usable, signed TLSA record."
    ),
    rule(
      "dane.optional",
      nil,
      .unknown,
      ["strict = false"],
      .verifyError,
      example: "TLSA record not found (dane.tlsa-record-not-found) strict = false",
      "No TLSA record, and none is demanded. This is no failure."
    ),
    rule(
      "dane.invalid",
      .tlsaInvalid,
      .remote,
      [
        "no matching dane tlsa", "no matching tlsa", "4.7.323", "5.7.323",
        "failed dane validation", "dane check failed", "dane_fail", "tlsa records unusable",
        "no usable tlsa", "tlsa record mismatch", "dane authentication failed", "num=65:",
        "tlsa record does not match", "no tlsa record matches", "dane verification failed",
        "dane validation failed", "tlsa mismatch",
        "dane.tlsa-record-invalid", "dane.no-certificates",
      ],
      .verifyError,
      example: "450 4.7.323 tlsa-invalid: The domain failed DANE validation.",
      "The peer's certificate matches none of its TLSA records."
    ),
    rule(
      "dane.dnssec",
      .dnssecInvalid,
      .remote,
      [
        "4.7.324", "5.7.324", "tlsa lookup defer", "tlsa lookup fail",
        "tlsa lookup error", "dnssec status lookup error", "could not be securely resolved",
        "dane tlsa lookup problem", "dnssec validation failure", "dnssec bogus",
        "dnssec validation failed", "dnssec: bogus", "tlsa lookup failed", "tlsa lookup problem",
      ],
      .verifyError,
      example: "DANE error: tlsa lookup DEFER",
      "The TLSA record cannot be looked up securely: the zone's DNSSEC, or our resolver, is broken."
    ),
    rule(
      "sts.fetch",
      .stsPolicyFetchError,
      .remote,
      [
        "sts lookup temp fail", "mta-sts.policy-fetch-error",
        "unable to fetch mta-sts",
      ],
      .verifyError,
      example: "450 4.7.0 STS lookup temp fail",
      "The destination's MTA-STS policy cannot be fetched."
    ),
    rule(
      "sts.policy",
      .stsPolicyInvalid,
      .remote,
      [
        "does not match sts mx pattern", "not authorized by mta-sts",
        "mta-sts.policy-error", "mta-sts policy invalid", "mta-sts.not-authorized",
        "mta-sts validation failed", "mta-sts",
      ],
      .libraryReason,
      unless: ["_mta-sts", "sts-webpki", "fetch"],
      example: "MX name 'mx.example.net' does not match STS MX pattern for 'example.net'",
      "The destination's MTA-STS policy is not valid or does not name this mail host."
    ),
  ]

  /// Servers that have no folder here, and sides of a session that only some of them name.
  static let otherServers: [FailureRule] = [
    rule(
      "postfix.starttls-zero",
      .otherTLS,
      .unknown,
      ["starttls=0/"],
      .libraryReason,
      side: .receiving,
      example: "disconnect from a.example[192.0.2.1] ehlo=1 starttls=0/1 commands=1/2",
      "A client asked for STARTTLS and the handshake did not come about."
    ),
    rule(
      "opensmtpd.network",
      .connectionLost,
      .unknown,
      ["network error on destination mxs"],
      .smtpCode,
      example: "stat=\"Network error on destination MXs\"",
      "No mail host of the destination took the mail; the session's own lines say why."
    ),
    rule(
      "exchange.wrapper",
      .connectionTimeout,
      .unknown,
      ["4.4.1 connection timed out"],
      .alert,
      example: "421 4.4.1 Connection timed out.",
      "The peer does not answer."
    ),
    rule(
      "exchange.secure-domain",
      .localTLSMisconfiguration,
      .local,
      ["temporarily disallowed this secure domain"],
      .verifyError,
      example: "451 4.7.3 The admin has temporarily disallowed this secure domain",
      "Our own domain security settings hold this domain back."
    ),
    rule(
      "exchange.auth",
      .authenticationFailure,
      .unknown,
      ["cannot achieve exchange server authentication", "starttls to authenticate"],
      .verifyError,
      example: "451 5.7.3 Cannot achieve Exchange Server authentication",
      "The two Exchange servers cannot authenticate each other."
    ),
    rule(
      "success.session",
      nil,
      .unknown,
      [
        "cert-check result=\"verified\"", "cert-check result=\"unverified\"",
        "negotiation succeeded",
        "started tls on session", "tls connection established",
      ],
      .verifyError,
      unless: ["reject=", "starttls=client, error"],
      example: "smtp-out: Started TLS on session 8d0c0948745ecee3: version=TLSv1.3",
      "The session went well."
    ),
    rule(
      "noise.route",
      nil,
      .unknown,
      [
        "disabling route", "discarding ehlo keywords", "hangup after", "pass old", "pass new",
        "host offered starttls", "setting up tls connection", "ssl_accept:before",
        "ready to start tls", "go ahead with tls", "begin tls negotiation",
      ],
      .verifyError,
      example: "smtp-out: Disabling route [] <-> 192.0.2.1 (mx.example) for 15s",
      "A consequence or a note, no failure of its own."
    ),
  ]
}
