import Diagnosis
import Forecast
import FoundationEssentials
import Intake
import MailModel
import Reporting
import Store
import Triage

/// The triage as a person reads it: whose fault it looks like, how fresh and complete the input is,
/// then the destinations in trouble with their deadlines and what to do.
struct TriagePage {
  let analysis: Analysis
  let inputs: [InputReport]
  let time: LocalTime
  let redaction: Redaction

  /// Rows of the first screen: 100 columns by 30 lines hold them with head and foot.
  static let rows = 14

  init(_ analysis: Analysis, inputs: [InputReport], zone: TimeZone, _ redaction: Redaction) {
    self.analysis = analysis
    self.inputs = inputs
    time = LocalTime(zone: zone)
    self.redaction = redaction
  }

  /// A line of the table: one destination, or one hop that carries several.
  struct Row {
    var name: String
    var waiting: Int
    var trend: String
    var oldest: Timestamp?
    var cause: String
    var firstExpiry: Timestamp?
    var fixBy: Timestamp?
    var remedy: String
    /// What to do, in a few words.
    var brief: String
    var incident: Incident
  }

  /// Active trouble, the nearest deadline first among what waits.
  var trouble: [Row] {
    let active = analysis.destinations.filter {
      guard let incident = $0.incident else { return false }
      return incident.state == .active || $0.queued > 0
    }
    let groups = Dictionary(grouping: active) { destination -> String in
      let hop =
        destination.history.nextHops.first.map(IncidentFinder.hostName) ?? destination.domain
      return "\(destination.incident?.failureClass.rawValue ?? "")|\(hop)"
    }
    return groups.values.compactMap(row).sorted {
      ($1.waiting, $0.fixBy ?? .far, $0.name) < ($0.waiting, $1.fixBy ?? .far, $1.name)
    }
  }

  private func row(_ group: [Analysis.Destination]) -> Row? {
    guard let first = group.max(by: { $0.queued < $1.queued }), let incident = first.incident else {
      return nil
    }
    let name =
      group.count == 1
      ? first.domain
      : "\(first.history.nextHops.first.map(IncidentFinder.hostName) ?? first.domain)"
        + " (\(group.count) domains)"
    let expiries = group.compactMap { $0.forecast?.firstExpiry }
    let remedy = group.flatMap(\.remedies).first { $0.refused == nil }
    let advice = Advice.sentences(for: incident.failureClass).first ?? ""
    return Row(
      name: name,
      waiting: group.reduce(0) { $0 + $1.queued },
      trend: trend(group),
      oldest: group.compactMap(\.oldestQueued).min(),
      cause: incident.failureClass.rawValue,
      firstExpiry: expiries.min(),
      fixBy: group.compactMap { $0.forecast?.fixBy }.min(),
      remedy: remedy?.title ?? advice,
      brief: Advice.brief(for: incident.failureClass),
      incident: incident
    )
  }

  /// Whether what waits grows: failures of late beside deliveries of late.
  private func trend(_ group: [Analysis.Destination]) -> String {
    let delivered = group.compactMap(\.history.lastDelivered).max()
    let failed = group.compactMap(\.history.lastFailed).max()
    guard let failed else { return "" }
    return delivered.map { $0 > failed } ?? false ? "draining" : "growing"
  }

  /// Whose fault it looks like, in one sentence.
  var verdict: String {
    let rows = trouble.filter { $0.incident.tlsIsCause != .no || $0.waiting > 0 }
    guard !rows.isEmpty else { return "No destination is in trouble: nothing waits for a repair." }
    let tls = rows.filter { $0.incident.tlsIsCause == .yes }
    let waiting = tls.reduce(0) { $0 + $1.waiting }
    guard !tls.isEmpty else {
      return "Not TLS: \(rows.count) destinations wait for other reasons, see the table."
    }
    let counts = Dictionary(grouping: tls) { $0.incident.responsible }.mapValues(\.count)
    let who =
      if (counts[.local] ?? 0) * 2 > tls.count {
        "It looks like us"
      } else if (counts[.path] ?? 0) * 2
        > tls.count
      { "It looks like the path" } else { "It looks like them" }
    return "\(who): TLS holds up mail to \(tls.count) destinations (\(waiting) messages wait)."
  }

  /// How fresh the newest line is and how much was understood.
  var coverage: String {
    let logs = analysis.sources
    let lines = logs.reduce(0) { $0 + $1.lines }
    let recognized = logs.reduce(0) { $0 + $1.recognized }
    let unrecognized = logs.reduce(0) { $0 + $1.unrecognized }
    let mail = recognized + unrecognized
    let share = mail > 0 ? Double(recognized) / Double(mail) * 100 : 0
    let fresh =
      analysis.newest.map {
        "newest line \(time.short($0)), \(LocalTime.length(max(0, analysis.now.seconds(since: $0)))) old"
      } ?? "no log line read"
    return "As of \(time.long(analysis.now)); \(fresh); \(lines) lines, "
      + "\(mail) of mail, \((share * 10).rounded() / 10) % of those understood."
  }

  /// What was already returned, and what went out in clear.
  var losses: [String] {
    var lines: [String] = []
    let totals = analysis.totals
    if totals.bounced + totals.expired > 0 {
      let tls = analysis.destinations.filter {
        $0.incident?.tlsIsCause == .yes && $0.history.bounced + $0.history.expired > 0
      }
      let names = tls.prefix(3).map { OutsideText($0.domain).terminal(limit: 40) }
        .joined(separator: ", ")
      lines.append(
        "Already returned: \(totals.bounced) refused, \(totals.expired) expired"
          + (tls.isEmpty ? "." : "; by TLS at \(tls.count) destinations (\(names)…).")
      )
    }
    if totals.deliveredInClear > 0 {
      let names = analysis.destinations.filter { $0.history.deliveredInClear > 0 }
      lines.append(
        "Went out in clear after TLS failed: \(totals.deliveredInClear) messages to \(names.count) destinations."
      )
    }
    for (server, rule) in analysis.schedules.sorted(by: { $0.key < $1.key }) {
      lines.append("Deadlines by \(server)'s rule: \(rule).")
    }
    return lines
  }
}

extension Timestamp {
  static let far = Timestamp(microseconds: Int64.max)
}
