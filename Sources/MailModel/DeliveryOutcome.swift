/// What one delivery attempt came to, as the server logged it.
package enum DeliveryOutcome: Int, CaseIterable, Hashable, Sendable {
  case delivered = 0
  case deferred = 1
  case bounced = 2
  /// The message ran out of time with this attempt.
  case expired = 3

  /// The name used in JSON.
  package var name: String {
    switch self {
    case .delivered: "delivered"
    case .deferred: "deferred"
    case .bounced: "bounced"
    case .expired: "expired"
    }
  }
}

/// Where a recipient of a message stands.
package enum RecipientStatus: String, CaseIterable, Hashable, Sendable {
  case delivered
  case deferred
  case bounced
  case expired
  case held
  case unknown
}

/// How an attempt's session was protected.
package enum TransportSecurity: Int, CaseIterable, Hashable, Sendable {
  /// The log does not say.
  case unknown = 0
  case clear = 1
  /// Encrypted; the peer is not authenticated, or the log does not say whether it was.
  case encrypted = 2
  /// Encrypted, and the peer authenticated as the policy asks.
  case authenticated = 3
}
