import MailModel

extension IncidentFinder {
  /// Coarse texts take the class that finer ones of the same destination give: "Server certificate
  /// not verified" beside "certificate has expired" is the latter. So do suspended deliveries, which
  /// repeat a reason without a session.
  static func refined(_ tallies: [ClassifiedTally]) -> [ClassifiedTally] {
    guard tallies.contains(where: mayBeRefined) else { return tallies }
    var fine: [Family: [Classification: Int]] = [:]
    for one in tallies {
      guard let found = one.classification, let failureClass = found.failureClass,
        !failureClass.isCoarse
      else { continue }
      for family in Family.of(failureClass) {
        fine[family, default: [:]][found, default: 0] += one.tally.count
      }
    }
    let hasTold = tallies.contains {
      $0.heldUp && ($0.tally.tried || $0.classification?.failureClass != .other)
    }
    return tallies.map { one in
      // A result without a session that says nothing repeats what another one said.
      if hasTold, !one.tally.tried, one.classification?.failureClass == .other {
        return ClassifiedTally(tally: one.tally, classification: nil, wasDeliveredInClear: false)
      }
      guard let found = one.classification, let failureClass = found.failureClass,
        let family = Family.coarse(failureClass),
        let best = fine[family]?.max(by: { ($0.value, $1.key.ruleID) < ($1.value, $0.key.ruleID) })
      else { return one }
      var refined = one
      refined.classification = best.key
      return refined
    }
  }

  private static func mayBeRefined(_ one: ClassifiedTally) -> Bool {
    guard let failureClass = one.classification?.failureClass else { return false }
    return failureClass == .other && !one.tally.tried || Family.coarse(failureClass) != nil
  }

  /// Coarse classes and what may be behind them.
  private enum Family: Hashable {
    case certificate
    case handshake

    static func coarse(_ failureClass: FailureClass) -> Family? {
      switch failureClass {
      case .validationFailure: .certificate
      case .otherTLS: .handshake
      default: nil
      }
    }

    static func of(_ failureClass: FailureClass) -> [Family] {
      switch failureClass {
      case .certificateSelfSigned, .certificateNotTrusted, .certificateExpired,
        .certificateNotYetValid, .certificateHostMismatch, .certificateRevoked, .weakSignature,
        .tlsaInvalid, .weakKey:
        [.certificate]
      case .protocolVersionMismatch, .noSharedCipher, .handshakeTimeout, .handshakeDisconnected,
        .plaintextOnTLSPort, .clientCertificateRejected:
        [.handshake]
      default: []
      }
    }
  }
}
