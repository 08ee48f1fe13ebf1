import MailModel

/// From SMTP replies to our classes: what the text says of TLS, given whether the session was
/// encrypted; then the enhanced status code (RFC 3463), then the words, then the reply code.
extension FailureNumbers {
  /// A refusal by reply. `isEncrypted`: whether the session was.
  static func reply(_ text: String, isEncrypted: Bool) -> FailureClass {
    let lower = text.lowercased()
    if let found = other(lower), found != .policyRejected { return found }
    // Who wants to see our certificate wants TLS.
    if !isEncrypted, demandsTLS(lower) || rejectsCertificate(lower) {
      return .tlsRequiredByReceiver
    }
    if isEncrypted, rejectsCertificate(lower) { return .clientCertificateRejected }
    if let found = other(lower) ?? status(lower) { return found }
    if lower.hasPrefix("421") { return .rateLimited }
    return .other
  }

  /// A refusal of the command STARTTLS. That a server is about to close (421) has nothing to do with
  /// the command; what echoes it back overwritten is not the server.
  static func startTLS(_ text: String) -> FailureClass {
    if text.hasPrefix("421") { return .rateLimited }
    return text.uppercased().contains("XXXXXX") ? .startTLSStripped : .startTLSRefused
  }

  /// Whether a reply in clear asks for TLS: 530 of RFC 3207 section 4, X.7.10 of RFC 7504's registry
  /// ("encryption needed"), or words to that effect.
  private static func demandsTLS(_ lower: String) -> Bool {
    if hasStatus(lower, "7.10") || hasStatus(lower, "7.11") { return true }
    let subjects = ["starttls", "tls", "encrypt", "ssl", "secure connection", "secure channel"]
    guard subjects.contains(where: lower.contains) else { return false }
    let demands = [
      "must", "require", "need", "first", "only", "please", "mandatory", "without", "use ",
      "enforced", "refus", "not accept", "not allowed", "unencrypted", "not encrypted", "expected",
    ]
    return demands.contains(where: lower.contains)
  }

  /// Whether a reply in a TLS session complains of our certificate.
  private static func rejectsCertificate(_ lower: String) -> Bool {
    guard lower.contains("certificate") || lower.contains("client cert") else { return false }
    let complaints = [
      "verif", "reject", "not trusted", "untrusted", "required", "self-signed", "self signed",
      "expired", "no client cert", "unknown", "invalid", "denied", "not accept", "fail", "present",
      "missing", "bad",
    ]
    return complaints.contains(where: lower.contains)
  }

  /// What words tell that has nothing to do with TLS.
  private static func other(_ lower: String) -> FailureClass? {
    for (failure, words) in vocabulary where words.contains(where: lower.contains) {
      return failure
    }
    return nil
  }

  private static let vocabulary: [(FailureClass, [String])] = [
    (.greylisted, ["greylist", "graylist", "grey list", "gray list", "grey-list", "postgrey"]),
    (
      .mailboxFull,
      [
        "mailbox full", "quota", "mailbox is full", "inbox is full", "4.2.2", "5.2.2",
        "out of storage",
      ]
    ),
    (
      .rateLimited,
      [
        "rate limit", "rate-limit", "4.7.650", "too many", "too busy", "throttl",
        "sending too fast",
        "4.7.28", "limit exceeded",
      ]
    ),
    (
      .reputationBlocked,
      ["blocklist", "block list", "blacklist", "dnsbl", "spamhaus", "reputation", "blocked using"]
    ),
    (.messageTooLarge, ["too large", "too big", "size limit", "exceeds maximum", "5.3.4"]),
    (
      .contentRejected, ["spam", "virus", "malware", "content filter", "content rejected", "phish"]
    ),
    (
      .mailboxUnavailable,
      [
        "5.1.1", "5.1.10", "user unknown", "no such user", "unknown user", "unknown recipient",
        "mailbox unavailable", "no mailbox", "does not exist", "recipient not found",
        "address unknown",
      ]
    ),
    (
      .authenticationFailure,
      ["authentication required", "authentication failed", "5.7.8", "535 ", "must authenticate"]
    ),
    (
      .policyRejected,
      [
        "relay", "access denied", "not permitted", "policy", "administrative",
        "client host rejected",
      ]
    ),
  ]

  private static func status(_ lower: String) -> FailureClass? {
    switch true {
    case hasStatus(lower, "2.2"): .mailboxFull
    case hasStatus(lower, "1.1"), hasStatus(lower, "1.2"), hasStatus(lower, "2.1"):
      .mailboxUnavailable
    case hasStatus(lower, "3.4"): .messageTooLarge
    case hasStatus(lower, "6.0"), hasStatus(lower, "6.1"): .contentRejected
    case lower.contains("5.7."), lower.contains("4.7."): .policyRejected
    default: nil
    }
  }

  /// Whether the enhanced status code of the reply ends so.
  private static func hasStatus(_ lower: String, _ detail: String) -> Bool {
    let words = lower.split { $0 == " " || $0 == "-" }.prefix(3)
    return words.contains { $0 == "5." + detail || $0 == "4." + detail }
  }
}
