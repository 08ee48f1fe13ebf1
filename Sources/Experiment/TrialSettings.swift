package import MailModel

/// How one trial protects the session.
package struct TLSDemand: Hashable, Sendable {
  /// Whether TLS is used.
  package enum Use: Hashable, Sendable {
    case never
    /// In clear where STARTTLS is not offered or refused.
    case opportunistic
    case required
  }

  /// What the peer's certificate must show.
  package enum Verification: Hashable, Sendable {
    case nothing
    /// A trusted chain and one of these names; an empty list asks for the chain alone.
    case names([String])
    /// Digests of certificate or public key, lower-case hex without colons; their length tells the
    /// algorithm.
    case fingerprints([String])
    /// Usable records, and the names that count for those of usage 2 (RFC 7672 section 3.2.2).
    case dane([TLSARecord], names: [String])
    /// The policy cannot be met at all, for this reason: DANE demanded and no usable record.
    case impossible(FailureClass)
  }

  package var use: Use
  package var verification: Verification = .nothing
  package var serverName: String?
  package var caFile: String?
  package var caPath: String?
  package var authorities = TLSPolicy.SystemAuthorities.otherwise
  package var clientCertificate: String?
  package var clientKey: String?
  /// `TLSv1.2` and the like.
  package var minimumProtocol: String?
  package var maximumProtocol: String?
  package var ciphers: String?
  /// Bits that the session's cipher has at least.
  package var minimumCipherBits: Int?
  /// OpenSSL's security level; nil is the library's default.
  package var securityLevel: Int?
  /// That for the peer's chain; nil is the same as the session's.
  package var chainSecurityLevel: Int?

  package init(use: Use) { self.use = use }
}

/// A DANE record (RFC 6698).
package struct TLSARecord: Hashable, Sendable {
  package var usage: UInt8
  package var selector: UInt8
  package var matching: UInt8
  package var data: [UInt8]

  package init(usage: UInt8, selector: UInt8, matching: UInt8, data: [UInt8]) {
    self.usage = usage
    self.selector = selector
    self.matching = matching
    self.data = data
  }

  /// Whether a mail client can go by it: of usage 2 or 3 (RFC 7672 section 3.1.3), with a selector
  /// and a digest that are known, the digest whole.
  package var isUsable: Bool {
    guard usage == 2 || usage == 3, selector <= 1 else { return false }
    return switch matching {
    case 0: !data.isEmpty
    case 1: data.count == 32
    case 2: data.count == 64
    default: false
    }
  }
}

/// All that one trial needs to know.
package struct TrialSettings: Hashable, Sendable {
  package var rung: LadderRung
  /// A numeric address, IPv4 or IPv6.
  package var address: String
  package var port: UInt16
  package var demand: TLSDemand
  /// TLS from the first byte.
  package var isImplicit = false
  /// The name given in EHLO.
  package var heloName: String
  /// Empty is the null sender.
  package var sender = ""
  /// None stops the trial after EHLO.
  package var recipients: [String] = []
  /// A whole message with any line ends; nil stops the trial after RCPT TO.
  package var content: [UInt8]?
  /// The message demands TLS for itself (RFC 8689).
  package var requiresTLS = false
  /// Seconds for each stage.
  package var timeout: Double = 30

  package init(
    rung: LadderRung,
    address: String,
    port: UInt16,
    demand: TLSDemand,
    heloName: String
  ) {
    self.rung = rung
    self.address = address
    self.port = port
    self.demand = demand
    self.heloName = heloName
  }

  /// The only recipient, where there is one.
  package var recipient: String? {
    get { recipients.first }
    set { recipients = newValue.map { [$0] } ?? [] }
  }
}

/// A step of an SMTP session.
package enum Stage: String, CaseIterable, Hashable, Sendable {
  case connect, banner, ehlo, starttls, handshake, verification
  case ehloAgain = "ehlo-again"
  case mail, rcpt, data
  /// The reply to the message's last line.
  case end
}

/// What one stage came to.
package struct StageRecord: Hashable, Sendable {
  package var stage: Stage
  package var isOK: Bool
  /// The reply, or the error; from outside, bounded.
  package var detail: String
  package var seconds: Double

  package init(stage: Stage, isOK: Bool, detail: String, seconds: Double) {
    self.stage = stage
    self.isOK = isOK
    self.detail = detail
    self.seconds = seconds
  }
}

/// What one trial came to.
package struct Trial: Hashable, Sendable {
  package var rung: LadderRung
  /// Whether the session was encrypted, or failed on the way there.
  package var usedTLS: Bool
  package var peer: String
  /// The local address that the connection came from.
  package var source: String?
  package var stages: [StageRecord] = []
  package var failedStage: Stage?
  package var failureClass: FailureClass?
  package var facts: TLSFacts?
  package var capabilities: [String] = []
  /// Findings that are no failure: injected plaintext, a mangled STARTTLS.
  package var notes: [String] = []

  package init(rung: LadderRung, usedTLS: Bool, peer: String) {
    self.rung = rung
    self.usedTLS = usedTLS
    self.peer = peer
  }

  package var isOK: Bool { failedStage == nil }
  /// Whether TLS itself failed, or the reply said that TLS was why.
  package var failedByTLS: Bool {
    failureClass.map { $0.isTLS && $0 != .tlsRequiredByReceiver } ?? false
  }
}

extension Trial {
  /// Whether the last EHLO reply has the keyword.
  package func offers(_ keyword: String) -> Bool {
    capabilities.contains {
      $0.split { $0 == " " || $0 == "=" }.first?.uppercased() == keyword
    }
  }
}
