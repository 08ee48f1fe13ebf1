/// What a change gives up, in rising order.
package enum Weakening: String, CaseIterable, Hashable, Comparable, Sendable {
  case nothing
  case authentication
  case encryptionStrength = "encryption-strength"
  case encryption

  package static func < (left: Weakening, right: Weakening) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
  }
}

/// The single changes that the retry ladder tries, least weakening first.
package enum LadderRung: String, CaseIterable, Hashable, Sendable {
  case asConfigured = "as-configured"
  case noClientCertificate = "no-client-certificate"
  case certificateName = "certificate-name"
  case pinnedCertificate = "pinned-certificate"
  case noVerification = "no-verification"
  case tls12AtMost = "tls-1.2-at-most"
  case olderProtocol = "older-protocol"
  case lowerSecurityLevel = "lower-security-level"
  case plaintext

  /// What this rung gives up against the configured policy.
  package var weakens: Weakening {
    switch self {
    case .asConfigured, .noClientCertificate, .certificateName, .pinnedCertificate: .nothing
    case .noVerification: .authentication
    case .tls12AtMost, .olderProtocol, .lowerSecurityLevel: .encryptionStrength
    case .plaintext: .encryption
    }
  }
}

/// A change that lets a destination's mail flow, in the configuration language of the server in use.
package struct Remedy: Hashable, Sendable {
  /// One line, imperative.
  package var title: String
  package var weakens: Weakening
  /// The ladder's rung that this applies; nil where it is no change of policy (tell the remote side).
  package var rung: LadderRung?
  /// Configuration to add, with the file named in a comment; may be empty.
  package var configuration: String
  /// Shell commands, one each.
  package var apply: [String]
  package var verify: [String]
  /// Makes the waiting mail move: one canary message first.
  package var flush: [String]
  package var undo: [String]
  /// When a weakening is to be taken back; nil for what may stay.
  package var validUntil: Timestamp?
  package var risk: String
  /// Why it may not be used; nil where it may.
  package var refused: String?

  package init(
    title: String,
    weakens: Weakening,
    rung: LadderRung? = nil,
    configuration: String = "",
    apply: [String] = [],
    verify: [String] = [],
    flush: [String] = [],
    undo: [String] = [],
    validUntil: Timestamp? = nil,
    risk: String = "",
    refused: String? = nil
  ) {
    self.title = title
    self.weakens = weakens
    self.rung = rung
    self.configuration = configuration
    self.apply = apply
    self.verify = verify
    self.flush = flush
    self.undo = undo
    self.validUntil = validUntil
    self.risk = risk
    self.refused = refused
  }
}

/// What a server's folder needs to know to write remedies. Every text in it came from outside:
/// names are checked by ``HostName`` before they reach a snippet.
package struct RemedyRequest: Sendable {
  package var domain: HostName
  /// Hosts that carry the destination's mail, as names, the most used first.
  package var nextHops: [HostName]
  package var failureClass: FailureClass
  package var responsible: Responsible
  package var policy: TLSPolicy?
  package var configuration: (any MailServerConfiguration)?
  /// Names in the certificate that the peer showed, from a probe.
  package var certificateNames: [HostName]
  /// SHA-256 of the peer's certificate and public key, lower-case hex without colons, from a probe.
  package var certificateFingerprint: String?
  package var publicKeyFingerprint: String?
  /// The least change that worked in a retry, where one was made.
  package var provenRung: LadderRung?
  /// Queue ids that wait for it, oldest first, a few.
  package var waitingQueueIDs: [String]
  /// Until when a weakening should stand.
  package var validUntil: Timestamp
  package var now: Timestamp

  package init(
    domain: HostName,
    nextHops: [HostName],
    failureClass: FailureClass,
    responsible: Responsible,
    policy: TLSPolicy? = nil,
    configuration: (any MailServerConfiguration)? = nil,
    certificateNames: [HostName] = [],
    certificateFingerprint: String? = nil,
    publicKeyFingerprint: String? = nil,
    provenRung: LadderRung? = nil,
    waitingQueueIDs: [String] = [],
    validUntil: Timestamp,
    now: Timestamp
  ) {
    self.domain = domain
    self.nextHops = nextHops
    self.failureClass = failureClass
    self.responsible = responsible
    self.policy = policy
    self.configuration = configuration
    self.certificateNames = certificateNames
    self.certificateFingerprint = certificateFingerprint
    self.publicKeyFingerprint = publicKeyFingerprint
    self.provenRung = provenRung
    self.waitingQueueIDs = waitingQueueIDs
    self.validUntil = validUntil
    self.now = now
  }
}
