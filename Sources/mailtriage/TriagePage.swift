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

  init(_ analysis: Analysis, inputs: [InputReport], zone: TimeZone) {
    self.analysis = analysis
    self.inputs = inputs
    time = LocalTime(zone: zone)
  }

  /// A line of the table: one destination, or one hop that carries several.
  struct Row {
    /// The domain, or the hop where it carries several.
    var name: String
    var domains: Int
    var waiting: Int
    /// What a repair in time saves.
    var saved: Int
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

  /// What waits for a repair, the most urgent first.
  var trouble: [Row] {
    let waiting = analysis.destinations.filter { $0.queued > 0 && $0.incident != nil }
    let groups = Dictionary(grouping: waiting) { destination -> String in
      let hop =
        destination.history.nextHops.first.map(IncidentFinder.hostName) ?? destination.domain
      return "\(destination.incident?.failureClass.rawValue ?? "")|\(hop)"
    }
    return groups.values.compactMap(row).sorted {
      (urgency($0), $1.waiting, $0.fixBy ?? .far, $0.name)
        < (urgency($1), $0.waiting, $1.fixBy ?? .far, $1.name)
    }
  }

  /// Upper ends, in hours, of the classes of time left: within one, what has most mail comes first.
  private static let urgencies: [Double] = [1, 3, 8, 24, 48]

  private func urgency(_ row: Row) -> Int {
    guard let fixBy = row.fixBy else { return TriagePage.urgencies.count + 1 }
    let hours = fixBy.seconds(since: analysis.now) / 3600
    return TriagePage.urgencies.firstIndex { hours < $0 } ?? TriagePage.urgencies.count
  }

  private func row(_ group: [Analysis.Destination]) -> Row? {
    guard
      let first = group.max(by: { ($0.queued, $1.domain) < ($1.queued, $0.domain) }),
      let incident = first.incident
    else { return nil }
    let hop = first.history.nextHops.first.map(IncidentFinder.hostName)
    let remedy = group.flatMap(\.remedies).first { $0.refused == nil }
    let advice = Advice.sentences(for: incident.failureClass).first ?? ""
    let isOver = group.allSatisfy { $0.incident?.state == .recovered }
    return Row(
      name: group.count == 1 ? first.domain : hop ?? first.domain,
      domains: group.count,
      waiting: group.reduce(0) { $0 + $1.queued },
      saved: group.reduce(0) { $0 + ($1.forecast?.savedIfFixed ?? 0) },
      trend: trend(group),
      oldest: group.compactMap(\.oldestQueued).min(),
      cause: incident.failureClass.rawValue,
      label: Advice.label(for: incident.failureClass),
      firstExpiry: group.compactMap { $0.forecast?.firstExpiry }.min(),
      fixBy: group.compactMap { $0.forecast?.fixBy }.min(),
      remedy: isOver ? "Nothing: newer mail goes through." : remedy?.title ?? advice,
      brief: isOver ? "flows again" : Advice.brief(for: incident.failureClass),
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

  /// What stands first: the headline, and what takes from it where nothing of this run's input was
  /// understood.
  var leads: [String] {
    let headline = Headline(analysis).sentence
    let caveat = InputCaveat(inputs, isMore: analysis.tellsOfMail)?.sentence
    return (analysis.tellsOfMail ? [caveat, headline] : [headline, caveat]).compactMap { $0 }
  }

  /// What is said above the table: how fresh the newest line is, how much was understood, and which
  /// inputs of earlier runs the answer covers too.
  var head: [String] {
    let mail = analysis.sources.reduce(0) { $0 + $1.recognized + $1.unrecognized }
    let lines = analysis.sources.reduce(0) { $0 + $1.lines }
    let fresh =
      analysis.newest.map { newest in
        let age = max(0, analysis.now.seconds(since: newest))
        return "newest line \(time.short(newest)), \(LocalTime.length(age)) old"
      } ?? "no log line read"
    let unknown = analysis.sources.reduce(0) { $0 + $1.unrecognized }
    let share = mail == 0 ? "" : "\(TriagePage.share(mail - unknown, of: mail)) of "
    let others = lines > mail ? ", and \(lines - mail) lines of other programs" : ""
    return ["As of \(time.long(analysis.now)); \(fresh)."]
      + (lines == 0 ? [] : ["Understood: \(share)\(mail) lines of mail\(others)."])
      + [self.others].compactMap { $0 }
  }

  /// `all`, `99.9 %`: never rounded up to all.
  private static func share(_ part: Int, of whole: Int) -> String {
    guard part < whole else { return "all" }
    return "\((Double(part) / Double(whole) * 1000).rounded(.down) / 10) %"
  }

  /// Inputs of earlier runs that the answer covers too, by whole names: a directory once.
  private var others: String? {
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
    let directory = place.map { OutsideText($0.isEmpty ? "/" : String($0)).terminal(limit: 200) }
    return "Also from earlier runs" + (directory.map { ", in \($0)" } ?? "") + ": "
      + listed.joined(separator: ", ")
      + (names.count > 2 ? " and \(names.count - 2) more." : ".")
  }

  /// The moment that matters most.
  var deadline: String? {
    let rows = trouble.filter { $0.fixBy != nil && $0.incident.state != .recovered }
    let tls = rows.filter { $0.incident.tlsIsCause == .yes }
    let first = (tls.isEmpty ? rows : tls).min {
      ($0.fixBy ?? .far, $1.waiting, $0.name) < ($1.fixBy ?? .far, $0.waiting, $1.name)
    }
    guard let first, let fixBy = first.fixBy else { return nil }
    let left = fixBy.seconds(since: analysis.now)
    let saved = (tls.isEmpty ? rows : tls).reduce(0) { $0 + $1.saved }
    return
      "Fix by \(time.short(fixBy)) (\(left > 0 ? "in \(LocalTime.length(left))" : "now")) to save "
      + "\(Headline.messages(saved)); \(OutsideText(first.name).terminal(limit: 60)) "
      + "bounces first."
  }
}

extension TriagePage {
  /// What was already returned, what went out in clear, what is proven and where the moments are from.
  var foot: [String] {
    [returned, clear, proven].compactMap { $0 }
      + analysis.schedules.sorted { $0.key < $1.key }.map { server, rule in
        let mark = rule.contains(AnalysisBuilder.assumed) ? "* " : ""
        return "\(mark)Deadlines by \(server)'s rule: \(rule)."
      }
  }

  private static func names(_ domains: [String]) -> String {
    domains.prefix(2).map { OutsideText($0).terminal(limit: 40) }.joined(separator: ", ")
      + (domains.count > 2 ? "…" : "")
  }

  private var returned: String? {
    let totals = analysis.totals
    guard totals.bounced + totals.expired > 0 else { return nil }
    let tls = analysis.destinations.filter {
      $0.incident?.tlsIsCause == .yes && $0.history.bounced + $0.history.expired > 0
    }
    let still = tls.filter { $0.incident?.state != .recovered }
    let counts = [(totals.bounced, "refused"), (totals.expired, "expired")]
      .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    guard !tls.isEmpty else { return "Already returned: \(counts)." }
    let fate =
      still.isEmpty
      ? ""
      : ", \(still.count == tls.count ? "where" : "at \(still.count) of them") new mail fails too"
    return "Already returned: \(counts); by TLS at \(Headline.destinations(tls.count)) "
      + "(\(TriagePage.names(tls.map(\.domain))))\(fate)."
  }

  private var clear: String? {
    guard analysis.totals.deliveredInClear > 0 else { return nil }
    let names = analysis.destinations.filter { $0.history.deliveredInClear > 0 }
    return "In clear after TLS failed: "
      + "\(Headline.messages(analysis.totals.deliveredInClear)) to "
      + "\(Headline.destinations(names.count)) (\(TriagePage.names(names.map(\.domain))))."
  }

  private var proven: String? {
    let proven = analysis.destinations.filter { $0.confirmedBy != nil && $0.incident != nil }
    guard !proven.isEmpty else { return nil }
    let names = proven.prefix(3).map {
      OutsideText($0.domain).terminal(limit: 40)
        + ($0.incident?.tlsIsCause == .no ? " (not TLS)" : "")
    }
    return "Proven by a retry: " + names.joined(separator: ", ") + "."
  }
}

extension Timestamp {
  static let far = Timestamp(microseconds: Int64.max)
}
