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
        "grey listed", "gray-listed", "first contact", "temporary rejected, try", "come back later",
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
        "too many recipients", "too many mails", "too many emails", "mail bomb",
        "throttl", "too busy", "try again later, too many", "concurrent connections",
        "limit exceeded",
        "rate exceeded", "exceeded the maximum", "sending too fast",
        "deferred due to user complaints",
        "too many concurrent", "connection limit", "temporarily deferred", "421 4.7.28",
        "service not available, too busy", "system load", "resources temporarily unavailable",
        "too many sessions", "too quickly", "too much mail", "too many open connections",
        "sending quota", "sending limit", "send limit", "daily limit", "hourly limit",
        "server busy", "slow down", "unusual rate", "messages per", "connections per",
        "retry later with fewer", "too frequent", "excessive",
      ],
      .libraryReason,
      unless: ["poor reputation", "to ip reputation", "tls rate", "tls session", "over quota"],
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
        "blocked - see", "ipcheck", "block listed", "blacklisted", "blocklisted", "listed in",
        "bad reputation", "low reputation", "has been blocked", "ip address is not", "spam source",
        "talos", "senderscore", "sender score", "cloudmark", "sorbs", "uceprotect", "listed by",
        "policy blocked your ip", "traffic not accepted from this ip", "your host",
        "cannot find your hostname", "cannot find your reverse",
      ],
      .libraryReason,
      unless: [
        "certificate", "your ipv6 address is greylisted", "unauthenticated", "potential security",
        "sender is un",
      ],
      example:
        "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation",
      "The peer refuses our address for its reputation."
    ),
    rule(
      "reply.sender-unverified",
      .policyRejected,
      .local,
      [
        "sender verify failed", "verification failed for <", "sender callout",
        "unable to verify sender", "could not verify sender", "cannot verify sender",
      ],
      .verifyError,
      example: "550 Verification failed for <~~~> 550 Sender verify failed",
      "The peer asked back for our sender's address and did not get it confirmed."
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
        "unable to relay", "sender is unauthenticated", "partner connector", "relay not allowed",
        "we do not relay", "not allowed", "does not pass", "permissions to send as",
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
        "does not comply", "rfc 5322", "message format", "potential security issue",
        "message content", "junk mail", "suspicious", "objectionable", "content restrictions",
      ],
      .libraryReason,
      unless: ["spamhaus", "spamcop", "ip address"],
      example: "550 5.7.1 Message rejected as spam by content filter",
      "The peer refuses what the message holds."
    ),
    rule(
      "reply.too-large",
      .messageTooLarge,
      .remote,
      [
        "message size exceeds", "message too large", "message too big", "size limit",
        "exceeds size", "exceeded google's message size", "maximum size", "maximum fixed size",
        "too large", "552 5.3.4", "5.2.3", "message file too big", "maximum message size",
        "exceeds fixed limit", "exceeds maximum",
      ],
      .libraryReason,
      unless: ["packet too large", "mailbox"],
      example: "552 5.3.4 Message size exceeds fixed limit",
      "The message is larger than the peer takes."
    ),
    rule(
      "reply.login-failed",
      .authenticationFailure,
      .unknown,
      [
        "auth failure (", "sasl login", "sasl plain", "sasl cram", "checkpass failed",
        "authenticator failed", "sasl authentication failed", "authentication unsuccessful",
      ],
      .verifyError,
      example:
        "AUTH failure (LOGIN): user not found (-20) SASL(-13): user not found: checkpass failed",
      "A login failed: user name or password was not accepted."
    ),
    rule(
      "reply.authentication",
      .authenticationFailure,
      .unknown,
      [
        "authentication required", "authentication failed", "authentication failure",
        "authentication credentials invalid", "auth failure", "sasl", "username and password",
        "535 5.7", "530 5.7.1", "authenticate", "invalid login", "smtp auth", "535 ", "534 ",
        "535-", "534-", "authentication unsuccessful", "incorrect authentication",
        "not authenticated", "authentication is required", "authenticator failed",
        "authentication mechanism", "bad credentials", "no mechanism available",
      ],
      .alert,
      unless: [
        "certificate", "tls_server", "tls_rcpt", "4.7.0 authentication failed",
        "5.7.0 authentication failed", "ruleset=tls", "dane", "requires all senders",
        "transport stream",
        "unauthenticated",
      ],
      example: "535 5.7.8 Error: authentication failed",
      "User name or password was not accepted, or none was given."
    ),
    status("crypto", .otherTLS, .unknown, subject: 7, details: [4, 5], "Cryptography failed."),
    status(
      "login",
      .authenticationFailure,
      .unknown,
      subject: 7,
      details: [8, 9],
      "The login failed."
    ),
    status("mailbox-full", .mailboxFull, .remote, subject: 2, details: [2], "The mailbox is full."),
    status(
      "too-large",
      .messageTooLarge,
      .local,
      subject: 3,
      details: [4],
      "The message is larger than the peer takes."
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
        .contains("lookup failure"), .contains("temporary server error"),
        .contains("resources are temporarily unavailable"), .contains("configuration error"),
        .all([.contains("not available"), .not(.replyCode(421))]), .contains("lookup failed"),
        .contains("queue file write error"), .contains("mail system full"),
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
        "storage quota", "exceeds the quota", "storage limit", "mailbox has exceeded",
        "quotaexceeded", "out of space", "disk quota", "no space left in mailbox",
      ],
      .verifyError,
      unless: ["sending quota", "user sending"],
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
        "this user doesn't have", "invalid mailbox", "user not found", "recipient no longer",
        "no such mailbox", "unknown local part", "unknown address", "could not be found",
        "no such person", "not our customer", "not exist", "no mailbox", "mailbox for",
        "account that you tried to reach", "recipient unknown", "address not found",
      ],
      .libraryReason,
      unless: [
        "greylist", "certificate", "sender address rejected", "domain", "host or domain",
        "quota", "rate limit", "try later", "service is unavailable", "send limit",
        "command rejected", "sender is not", "listed",
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
      ["connection refused", "econnrefused", "10061", "defer (111)", "actively refused"],
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
        "unable to connect", "socketerror: timedout", "10060", "able to establish an smtp",
        "couldn't establish", "i/o timeout", "ehostunreach", "enetunreach",
      ],
      .enhancedStatus,
      example: "connect to mx.example.net[192.0.2.1]:25: Connection timed out",
      "The peer, or the path to it, does not answer."
    ),
    rule(
      "network.no-connection",
      .connectionTimeout,
      .unknown,
      ["could not connect", "cannot connect to", "failed to connect", "can't connect"],
      .smtpCode,
      example: "450 4.4.317 Cannot connect to remote server",
      "No connection came about; the text does not say why."
    ),
    rule(
      "network.lost",
      .connectionLost,
      .unknown,
      [
        "lost connection", "connection reset", "broken pipe", "remote host closed connection",
        "connection lost", "econnreset", "connection closed", "connection dropped", "defer (104)",
        "unexpected eof", "closed connection", "premature", "defer (-18)", "hung up",
        "connection died", "closed abruptly", "connection aborted", "forcibly closed",
        "connection was closed", "unexpected disconnection", "remote closed",
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
        "could not resolve", "no valid address record", "dns query failed", "unable to look up",
        "domain doesn't exist", "getaddrinfo", "enotfound", "name resolution",
        "mx record", "domain must resolve", "dns lookup", "mail server for",
        "lowest numbered mx record points to local host", "no address associated",
        "dns.record-not-found", "does not accept mail",
      ],
      .alert,
      unless: [
        "tlsa", "dane", "sender address rejected", "helo", "cannot find your", "dnsbl",
        "does not resolve to address",
      ],
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

  /// A rule for an enhanced status code where the text says nothing more.
  private static func status(
    _ id: String,
    _ failureClass: FailureClass,
    _ responsible: Responsible,
    subject: Int,
    details: [Int],
    _ meaning: String
  ) -> FailureRule {
    FailureRule(
      id: "status." + id,
      failureClass: failureClass,
      responsible: responsible,
      specificity: .smtpCode,
      pattern: .any(details.map { .enhancedStatus(class: nil, subject: subject, detail: $0) }),
      example: "421 4.\(subject).\(details[0])",
      meaning: "The enhanced status code is all that tells: " + meaning.prefix(1).lowercased()
        + meaning.dropFirst()
    )
  }
}
