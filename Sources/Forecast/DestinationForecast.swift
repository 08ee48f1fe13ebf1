package import MailModel

/// What waits for one destination and until when it can be saved.
package struct DestinationForecast: Hashable, Sendable {
  package var domain: String
  /// Messages that wait.
  package var queued: Int
  /// The first and last NDR, as long as the destination keeps failing.
  package var firstExpiry: Timestamp?
  package var lastExpiry: Timestamp?
  /// The attempt before which a repair must be in place so that nothing is returned.
  package var fixBy: Timestamp?
  /// The last attempt of the last message: after it nothing can be saved.
  package var tooLateAt: Timestamp?
  /// NDRs within 24 hours.
  package var expiring24h: Int
  /// Messages that a repair in time saves: those that would expire.
  package var savedIfFixed: Int
  package var basis: ScheduleBasis

  /// Sums up the schedules of one domain.
  package init(domain: String, _ messages: [ScheduledMessage], now: Timestamp) {
    self.domain = domain
    queued = Set(messages.map(\.queueID)).count
    let expiries = messages.compactMap(\.expiresAt)
    firstExpiry = expiries.min()
    lastExpiry = expiries.max()
    let lastAttempts = messages.compactMap(\.lastAttempt)
    fixBy = lastAttempts.min()
    tooLateAt = lastAttempts.max()
    expiring24h = expiries.count { $0 <= now.advanced(bySeconds: 86_400) }
    savedIfFixed = messages.count { $0.expiresAt != nil && !$0.isReturnedUntried }
    basis = messages.first?.basis ?? .serverDefault
  }
}

extension ScheduledMessage {
  /// The last attempt before the message is returned; nil where it never is, or is without one.
  package var lastAttempt: Timestamp? {
    guard let expiresAt, !isReturnedUntried else { return nil }
    // The list is cut at a thousand attempts; servers known so far try once more when they return.
    if attempts.count >= 1000 { return expiresAt }
    return attempts.last { $0 <= expiresAt } ?? expiresAt
  }

  /// Attempts until the message is returned.
  package var attemptsLeft: Int { attempts.count }
}
