import MailModel

/// A rung in words that hold for every server; one whose change means something else says so itself.
extension LadderRung {
  /// What the change does, imperative.
  func title(for domain: HostName) -> String {
    switch self {
    case .asConfigured: "Demand TLS for \(domain)"
    case .noClientCertificate: "Show no client certificate to \(domain)"
    case .certificateName: "Accept the name in the certificate of \(domain)"
    case .pinnedCertificate: "Pin the certificate of \(domain)"
    case .noVerification: "Encrypt to \(domain) without authentication"
    case .tls12AtMost: "Use TLS 1.2 at most for \(domain)"
    case .olderProtocol: "Allow older TLS versions for \(domain)"
    case .lowerSecurityLevel: "Allow weaker ciphers for \(domain)"
    case .plaintext: "Allow plaintext to \(domain)"
    }
  }

  /// What who makes the change has to live with.
  var risk: String {
    switch self {
    case .asConfigured, .noClientCertificate: "None for the mail's secrecy."
    case .certificateName: "Whoever holds a certificate for that name can take the mail."
    case .pinnedCertificate: "Mail waits again when the peer changes its certificate."
    case .noVerification: "Someone on the path can pose as the peer and read the mail."
    case .tls12AtMost: "TLS 1.2 is sound; TLS 1.3 is not used."
    case .olderProtocol, .lowerSecurityLevel: "Recorded sessions may be broken later."
    case .plaintext: "Anyone on the path can read and change the mail."
    }
  }
}
