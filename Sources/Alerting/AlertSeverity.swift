/// How urgent an alert is.
package enum AlertSeverity: Int, Comparable, CaseIterable, Hashable, Sendable {
  case info = 0
  case warning = 1
  case critical = 2

  /// The name in JSON and in `MAILTRIAGE_SEVERITY`.
  package var name: String {
    switch self {
    case .info: "info"
    case .warning: "warning"
    case .critical: "critical"
    }
  }

  /// The severity of that name, or nil.
  package init?(name: String) {
    guard let match = AlertSeverity.allCases.first(where: { $0.name == name }) else { return nil }
    self = match
  }

  package static func < (left: AlertSeverity, right: AlertSeverity) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What an alert says happened.
package enum AlertState: String, CaseIterable, Hashable, Sendable {
  case firing
  case resolved
  case endedInBounces = "ended-in-bounces"
}

/// The rules that alerts come from.
package enum AlertRule: String, CaseIterable, Hashable, Sendable {
  case newIncident = "new-incident"
  case fixByNear = "fix-by-near"
  case ndrWave = "ndr-wave"
  case backlogGrowth = "backlog-growth"
  case allDestinations = "all-destinations"
  case inboundDrop = "inbound-drop"
  case noInput = "no-input"
  case test
}
