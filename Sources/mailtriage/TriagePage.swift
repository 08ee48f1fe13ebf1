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

  /// The first screen of 100 by 30, with a line left for the prompt.
  static let columns = 100
  static let lines = 29
  /// Destinations that are listed however much else there is to say.
  static let fewestRows = 8

  init(_ analysis: Analysis, inputs: [InputReport], zone: TimeZone, _ redaction: Redaction) {
    self.analysis = analysis
    self.inputs = inputs
    time = LocalTime(zone: zone)
    self.redaction = redaction
  }

  /// A line of the table: one destination, or one hop that carries several.
  struct Row {
    /// The domain, or the hop where it carries several.
    var name: String
    var domains: Int
    var waiting: Int
    var trend: String
    var oldest: Timestamp?
    var cause: String
    /// The cause in a few letters.
    var label: String
    var firstExpiry: Timestamp?
    var fixBy: Timestamp?
    var remedy: String
    /// What to do, in a few words.
    var brief: String
    /// The deadlines rest on the server's defaults: nothing states its settings.
    var isAssumed: Bool
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
    let hop = first.history.nextHops.first.map(IncidentFinder.hostName)
    let expiries = group.compactMap { $0.forecast?.firstExpiry }
    let remedy = group.flatMap(\.remedies).first { $0.refused == nil }
    let advice = Advice.sentences(for: incident.failureClass).first ?? ""
    return Row(
      name: group.count == 1 ? first.domain : hop ?? first.domain,
      domains: group.count,
      waiting: group.reduce(0) { $0 + $1.queued },
      trend: trend(group),
      oldest: group.compactMap(\.oldestQueued).min(),
      cause: incident.failureClass.rawValue,
      label: Advice.label(for: incident.failureClass),
      firstExpiry: expiries.min(),
      fixBy: group.compactMap { $0.forecast?.fixBy }.min(),
      remedy: remedy?.title ?? advice,
      brief: Advice.brief(for: incident.failureClass),
      isAssumed: group.contains { $0.forecast?.basis == .serverDefault },
      incident: incident
    )
  }

  /// Whether what waits grows, against a quarter of an hour before.
  private func trend(_ group: [Analysis.Destination]) -> String {
    let known = group.filter { $0.waitedBefore != nil }
    guard !known.isEmpty else { return "" }
    let before = known.reduce(0) { $0 + ($1.waitedBefore ?? 0) }
    let waiting = known.reduce(0) { $0 + $1.queued }
    let trend: BacklogTrend =
      before < waiting ? .growing : before > waiting ? .draining : .steady
    return trend.rawValue
  }

  /// Inputs of earlier runs that the answer covers too, by whole names: a directory once.
  var others: String? {
    let present = Set(inputs.map(\.path))
    let paths = Set(analysis.sources.map(\.path)).subtracting(present).sorted()
    guard !paths.isEmpty, !inputs.isEmpty else { return nil }
    let cuts = paths.map { path in
      path.lastIndex(of: "/").map { (path[..<$0], path[$0...].dropFirst()) }
    }
    let directories = Set(cuts.map { $0?.0 })
    let isShared = directories.count == 1 && paths.count > 1
    let place = isShared ? directories.first.flatMap { $0 } : nil
    let names = zip(paths, cuts).map { path, cut in place == nil ? path[...] : cut?.1 ?? path[...] }
    let listed = names.prefix(2).map { OutsideText(String($0)).terminal(limit: 200) }
    return "Also from earlier runs"
      + (place.map { ", in " + OutsideText($0.isEmpty ? "/" : String($0)).terminal(limit: 200) }
        ?? "")
      + ": " + listed.joined(separator: ", ")
      + (names.count > 2 ? " and \(names.count - 2) more." : ".")
  }

  /// Whose fault it looks like, in one sentence.
  var verdict: String {
    let rows = trouble.filter { $0.incident.tlsIsCause != .no || $0.waiting > 0 }
    guard !rows.isEmpty else { return "No destination is in trouble: nothing waits for a repair." }
    let tls = rows.filter { $0.incident.tlsIsCause == .yes }
    let waiting = tls.reduce(0) { $0 + $1.waiting }
    guard !tls.isEmpty else {
      let count = TriagePage.destinations(rows.reduce(0) { $0 + $1.domains })
      return "Not TLS: \(count) in trouble for other reasons, see the table."
    }
    let counts = Dictionary(grouping: tls) { $0.incident.responsible }.mapValues(\.count)
    let who =
      if (counts[.local] ?? 0) * 2 > tls.count {
        "It looks like us"
      } else if (counts[.path] ?? 0) * 2
        > tls.count
      { "It looks like the path" } else { "It looks like them" }
    let count = TriagePage.destinations(tls.reduce(0) { $0 + $1.domains })
    return "\(who): TLS holds up mail to \(count) (\(waiting) messages wait)."
  }

  private static func destinations(_ count: Int) -> String {
    count == 1 ? "1 destination" : "\(count) destinations"
  }

  /// How fresh the newest line is and how much was understood.
  var coverage: [String] {
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
    return [
      "As of \(time.long(analysis.now)); \(fresh).",
      "Understood: \((share * 10).rounded() / 10) % of \(mail) lines of mail, "
        + "\(lines - mail) other lines.",
    ]
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
          + (tls.isEmpty
            ? "."
            : "; by TLS at \(TriagePage.destinations(tls.count)) (\(names)\(tls.count > 3 ? "…" : "")).")
      )
    }
    if totals.deliveredInClear > 0 {
      let names = analysis.destinations.filter { $0.history.deliveredInClear > 0 }
      lines.append(
        "Went out in clear after TLS failed: \(totals.deliveredInClear) messages to "
          + TriagePage.destinations(names.count) + "."
      )
    }
    let proven = analysis.destinations.filter { $0.confirmedBy != nil && $0.incident != nil }
    if !proven.isEmpty {
      let names = proven.prefix(3).map {
        OutsideText($0.domain).terminal(limit: 40)
          + ($0.incident?.tlsIsCause == .no ? " (not TLS)" : "")
      }
      lines.append("Proven by a retry: " + names.joined(separator: ", ") + ".")
    }
    for (server, rule) in analysis.schedules.sorted(by: { $0.key < $1.key }) {
      let mark = rule.contains(AnalysisBuilder.assumed) ? "* " : ""
      lines.append("\(mark)Deadlines by \(server)'s rule: \(rule).")
    }
    return lines
  }
}

extension Timestamp {
  static let far = Timestamp(microseconds: Int64.max)
}
