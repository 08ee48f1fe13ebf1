package import MailModel

/// How an incident stands.
package enum IncidentState: String, CaseIterable, Hashable, Sendable {
  case active
  /// Mail flows again.
  case recovered
  /// Nothing waits because it was returned.
  case endedInBounces = "ended-in-bounces"
}

/// Failing attempts with one cause towards one destination, or towards the destinations of one hop.
package struct Incident: Hashable, Sendable {
  package var id: String
  package var domains: [String]
  package var nextHops: [String]
  package var failureClass: FailureClass
  package var tlsIsCause: TLSCause
  package var responsible: Responsible
  /// The share of the evidence that agrees, times how telling its texts are; 0 to 1.
  package var confidence: Double
  package var state: IncidentState
  package var onset: Timestamp
  package var lastSeen: Timestamp
  /// What happened on the server shortly before the onset, in words.
  package var trigger: String?
  package var attempts: Int
  package var waiting: Int
  package var meaning: String
  /// Where single attempts stand in the log, the cause's line first; eight at most.
  package var evidence: [LinePosition]
}

/// What a destination went through.
package struct DestinationHistory: Hashable, Sendable {
  package var domain: String
  package var nextHops: [String]
  package var delivered: Int
  package var deferred: Int
  package var bounced: Int
  package var expired: Int
  package var deliveredInClear: Int
  /// A destination of which the window tells nothing.
  package static func quiet(_ domain: String) -> DestinationHistory {
    DestinationHistory(
      domain: domain,
      nextHops: [],
      delivered: 0,
      deferred: 0,
      bounced: 0,
      expired: 0,
      deliveredInClear: 0,
      counts: [:]
    )
  }

  /// Failures by class, the most frequent first.
  package var failures: [(failureClass: FailureClass, count: Int)] {
    counts.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
      .map { ($0.key, $0.value) }
  }
  package var counts: [FailureClass: Int]
  package var lastDelivered: Timestamp?
  package var lastFailed: Timestamp?
  /// The dominating incident; nil where nothing failed.
  package var incident: Incident?
}

/// Something that happened to a server at a moment.
package struct ServerMoment: Hashable, Sendable {
  package var at: Timestamp
  package var kind: ServerMarker.Kind

  package init(at: Timestamp, kind: ServerMarker.Kind) {
    self.at = at
    self.kind = kind
  }
}
