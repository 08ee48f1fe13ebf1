package import MailModel

/// What is known about a destination's own demands on TLS.
package struct DestinationPolicies: Hashable, Sendable {
  package var hasDANE: Bool
  package var hasEnforcedSTS: Bool
  package var probedAt: Timestamp

  package init(hasDANE: Bool, hasEnforcedSTS: Bool, probedAt: Timestamp) {
    self.hasDANE = hasDANE
    self.hasEnforcedSTS = hasEnforcedSTS
    self.probedAt = probedAt
  }
}

/// Says why a remedy may not be used. No remedy weakens what a destination, a message or the operator
/// has demanded, and what is not known is not assumed.
package enum Guards {
  /// Why a remedy may not be used; nil where it may.
  static func refusal(
    _ remedy: Remedy,
    domain: String,
    failureClass: FailureClass,
    policy: TLSPolicy?,
    policies: DestinationPolicies?,
    requiresTLS: Bool,
    now: Timestamp
  ) -> String? {
    refusal(
      remedy.weakens,
      domain: domain,
      failureClass: failureClass,
      policy: policy,
      policies: policies,
      requiresTLS: requiresTLS,
      now: now
    )
  }

  /// Why mail to `domain` may not go with so much given up; nil where it may.
  package static func refusal(
    _ weakening: Weakening,
    domain: String,
    failureClass: FailureClass,
    policy: TLSPolicy?,
    policies: DestinationPolicies?,
    requiresTLS: Bool,
    now: Timestamp
  ) -> String? {
    guard weakening > .nothing else { return nil }
    if failureClass == .certificateRevoked {
      return "The certificate is revoked: there is no way around that."
    }
    if requiresTLS { return "A waiting message demands TLS for itself (REQUIRETLS)." }
    if let policy, policy.origin == .destination, policy.level != .may, policy.level != .none,
      weakens(weakening, below: policy.level)
    {
      let place = policy.source.map { " in \($0)" } ?? ""
      return "Level \(policy.level.rawValue) is demanded for this very destination\(place); "
        + "change that demand yourself if it no longer holds."
    }
    guard let policies, now.seconds(since: policies.probedAt) < 86_400 else {
      return "Not known whether the destination demands TLS (DANE, MTA-STS). "
        + "First run: mailtriage probe \(HostName(domain)?.description ?? "HOST")"
    }
    if policies.hasDANE { return "The destination publishes DANE records: they promise TLS." }
    if policies.hasEnforcedSTS { return "The destination enforces MTA-STS: it promises TLS." }
    return nil
  }

  /// Whether it takes away what the level demands.
  private static func weakens(_ weakening: Weakening, below level: TLSLevel) -> Bool {
    switch weakening {
    case .nothing: false
    case .authentication: level != .encrypt
    case .encryptionStrength: false
    case .encryption: true
    }
  }
}
