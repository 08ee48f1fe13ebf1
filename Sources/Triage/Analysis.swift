package import Diagnosis
package import Forecast
package import MailModel
package import Store

/// Everything that is known about the window: what `analyze` prints, and what reports and alerts are
/// made from.
package struct Analysis: Sendable {
  package var now: Timestamp
  package var generatedAt: Timestamp
  package var window: Window
  package var totals: Totals
  package var destinations: [Destination]
  package var incidents: [Incident]
  /// The newest stamp of any input.
  package var newest: Timestamp?
  package var sources: [SourceCursor]
  /// One rule per server with waiting mail, in words.
  package var schedules: [String: String]
  package var schedule: [ScheduledMessage]
  package var queue: QueueView

  /// Whether anything that was read told of mail: a line that was understood, or a queue. Where nothing
  /// did, that no destination is in trouble is not known.
  package var tellsOfMail: Bool {
    !queue.snapshots.isEmpty || sources.contains { $0.recognized > 0 }
  }

  /// Counts over all destinations; attempts and results count per-recipient result lines.
  package struct Totals: Hashable, Sendable {
    package var messages = 0
    package var recipients = 0
    package var delivered = 0
    package var deferred = 0
    package var bounced = 0
    package var expired = 0
    package var tlsFailures = 0
    package var deliveredInClear = 0
    package var queued = 0

    package init() {}
  }

  /// One destination with traffic in the window or mail waiting.
  package struct Destination: Sendable {
    package var history: DestinationHistory
    package var queued: Int
    package var oldestQueued: Timestamp?
    package var forecast: DestinationForecast?
    package var evidence: [EvidenceLine]
    package var remedies: [Remedy]
    /// What an experiment said last: `retry`, or nil.
    package var confirmedBy: String?
    /// Messages that waited a quarter of an hour before the newest line, as the log tells; nil where
    /// it tells nothing of this destination.
    package var waitedBefore: Int?

    /// Where the backlog is going.
    package var trend: BacklogTrend? {
      waitedBefore.map { $0 < queued ? .growing : $0 > queued ? .draining : .steady }
    }

    package var domain: String { history.domain }
    package var incident: Incident? { history.incident }
  }
}

/// Where a backlog is going.
package enum BacklogTrend: String, CaseIterable, Hashable, Sendable {
  case growing
  case steady
  case draining
}
