import MailModel

/// The small facts of an attempt in one integer, as the store keeps them: two bits of outcome, one of
/// tried, two of security.
struct AttemptFacts: Hashable, Sendable {
  let packed: Int64

  init(outcome: DeliveryOutcome, tried: Bool, security: TransportSecurity) {
    packed = Int64(outcome.rawValue | (tried ? 4 : 0) | security.rawValue << 3)
  }

  init(packed: Int64) { self.packed = packed }

  var outcome: DeliveryOutcome { DeliveryOutcome(rawValue: Int(packed & 3)) ?? .deferred }
  var tried: Bool { packed & 4 != 0 }
  var security: TransportSecurity { TransportSecurity(rawValue: Int(packed >> 3 & 3)) ?? .unknown }
}

/// A recipient's state in the store.
enum StoredStatus: Int64, Sendable {
  case unknown = 0
  case delivered = 1
  case deferred = 2
  case bounced = 3
  case expired = 4

  init(_ outcome: DeliveryOutcome) {
    switch outcome {
    case .delivered: self = .delivered
    case .deferred: self = .deferred
    case .bounced: self = .bounced
    case .expired: self = .expired
    }
  }

  /// The state for readers; a held message's waiting recipients are held. What was to be tried again
  /// when the message left the queue for good (deleted by the operator, or its last line is not
  /// among the inputs) has no end that is known.
  func status(isHeld: Bool, hasEnded: Bool) -> RecipientStatus {
    switch self {
    case .deferred where hasEnded: .unknown
    case .unknown: isHeld ? .held : .unknown
    case .delivered: .delivered
    case .deferred: isHeld ? .held : .deferred
    case .bounced: .bounced
    case .expired: .expired
    }
  }
}
