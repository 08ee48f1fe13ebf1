import Diagnosis
import Forecast
package import FoundationEssentials
package import MailModel
package import Store
package import Triage

/// Makes the daily report from analyses of the day and of the days before it.
package struct ReportBuilder {
  package var store: TriageStore
  package var builder: AnalysisBuilder
  package var zone: TimeZone
  package var isRedacted: Bool

  package init(store: TriageStore, builder: AnalysisBuilder, zone: TimeZone, isRedacted: Bool) {
    self.store = store
    self.builder = builder
    self.zone = zone
    self.isRedacted = isRedacted
  }

  /// The report of the day that begins at `from`. Throws ``StoreError``.
  package func report(from: Timestamp, to: Timestamp) throws -> Report {
    var today = builder
    today.window = Window(from: from, to: to)
    let analysis = try today.build(store)
    let days = try figuresBefore(from)
    return Report(
      from: from,
      to: to,
      now: builder.now,
      generatedAt: builder.generatedAt,
      headline: ReportBuilder.headline(analysis),
      tasks: ReportBuilder.tasks(analysis),
      figures: figures(analysis, days),
      incidents: incidents(analysis),
      deadlines: deadlines(analysis),
      charts: try charts(analysis, from: from, to: to),
      coverage: coverage(analysis),
      tlsCoverage: ReportBuilder.tlsCoverage(analysis),
      isRedacted: isRedacted
    )
  }

  /// Whose fault it looks like, in one sentence.
  static func headline(_ analysis: Analysis) -> String {
    let tls = analysis.destinations.filter {
      $0.incident?.tlsIsCause == .yes && ($0.incident?.state == .active || $0.queued > 0)
    }
    guard !tls.isEmpty else {
      return analysis.totals.queued > 0
        ? "TLS holds nothing up; \(analysis.totals.queued) messages wait for other reasons."
        : "No destination is in trouble."
    }
    let counts = Dictionary(grouping: tls) { $0.incident?.responsible ?? .unknown }.mapValues(
      \.count
    )
    let who =
      (counts[.local] ?? 0) * 2 > tls.count
      ? "It looks like us"
      : (counts[.path] ?? 0) * 2 > tls.count ? "It looks like the path" : "It looks like them"
    let waiting = tls.reduce(0) { $0 + $1.queued }
    return "\(who): TLS holds up mail to \(tls.count) destinations; \(waiting) messages wait."
  }

  /// The three things to do first.
  static func tasks(_ analysis: Analysis) -> [Report.Task] {
    analysis.destinations.filter {
      $0.queued > 0 && $0.incident != nil && $0.incident?.state == .active
    }
    .sorted { left, right in
      let a = left.forecast?.fixBy?.microseconds ?? Int64.max
      let b = right.forecast?.fixBy?.microseconds ?? Int64.max
      let tlsA = left.incident?.tlsIsCause == .yes ? 0 : 1
      let tlsB = right.incident?.tlsIsCause == .yes ? 0 : 1
      return (tlsA, a, -left.queued, left.domain) < (tlsB, b, -right.queued, right.domain)
    }.prefix(3).map { one in
      let usable = one.remedies.first { $0.refused == nil }
      let advice = one.incident.flatMap { Advice.sentences(for: $0.failureClass).first }
      return Report.Task(
        title: usable?.title ?? "\(one.domain): \(advice ?? "find out why")",
        destination: one.domain,
        deadline: one.forecast?.fixBy,
        saves: one.forecast?.savedIfFixed ?? 0,
        detail: one.incident?.meaning ?? ""
      )
    }
  }

  private func figuresBefore(_ from: Timestamp) throws -> [Analysis.Totals] {
    try (1...7).map { day in
      let start = from.advanced(bySeconds: Double(-day) * 86_400)
      let end = from.advanced(bySeconds: Double(1 - day) * 86_400)
      var totals = Analysis.Totals()
      for tally in try store.tallies(in: Window(from: start, to: end)) {
        switch tally.outcome {
        case .delivered: totals.delivered += tally.count
        case .deferred: totals.deferred += tally.count
        case .bounced: totals.bounced += tally.count
        case .expired: break
        }
      }
      totals.expired = try store.expiries(in: Window(from: start, to: end)).values.reduce(0, +)
      return totals
    }
  }

  private func figures(_ analysis: Analysis, _ before: [Analysis.Totals]) -> [Report.Figure] {
    let known = before.filter { $0.delivered + $0.deferred + $0.bounced + $0.expired > 0 }
    func figure(_ name: String, _ path: KeyPath<Analysis.Totals, Int>) -> Report.Figure {
      let yesterday = before.first.flatMap {
        $0.delivered + $0.deferred + $0.bounced > 0 ? $0[keyPath: path] : nil
      }
      let mean =
        known.isEmpty
        ? nil : Double(known.reduce(0) { $0 + $1[keyPath: path] }) / Double(known.count)
      return Report.Figure(
        name: name,
        today: analysis.totals[keyPath: path],
        yesterday: yesterday,
        weekMean: mean
      )
    }
    return [
      figure("Delivered", \.delivered), figure("Deferred", \.deferred),
      figure("Refused for good", \.bounced), figure("Expired", \.expired),
      Report.Figure(
        name: "TLS failures",
        today: analysis.totals.tlsFailures,
        yesterday: nil,
        weekMean: nil
      ),
      Report.Figure(
        name: "Delivered in clear after TLS failed",
        today: analysis.totals.deliveredInClear,
        yesterday: nil,
        weekMean: nil
      ),
      Report.Figure(
        name: "Messages waiting",
        today: analysis.totals.queued,
        yesterday: nil,
        weekMean: nil
      ),
    ]
  }

  private func incidents(_ analysis: Analysis) -> [Report.Incident] {
    let byDomain = Dictionary(
      analysis.destinations.map { ($0.domain, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    return analysis.incidents.prefix(60).map { incident in
      let members = incident.domains.compactMap { byDomain[$0] }
      return Report.Incident(
        id: incident.id,
        domains: incident.domains,
        nextHops: incident.nextHops,
        state: incident.state.rawValue,
        failureClass: incident.failureClass,
        tlsIsCause: incident.tlsIsCause,
        responsible: incident.responsible,
        confidence: incident.confidence,
        confirmedBy: members.first?.confirmedBy,
        onset: incident.onset,
        trigger: incident.trigger,
        attempts: incident.attempts,
        waiting: incident.waiting,
        meaning: incident.meaning,
        evidence: members.flatMap(\.evidence).prefix(8).map {
          Report.Evidence(path: $0.path, offset: $0.offset, text: $0.text)
        },
        remedies: members.first?.remedies ?? [],
        notice: incident.responsible == .remote && incident.tlsIsCause == .yes
          ? RemoteNotice(incident, now: analysis.now, zone: zone).text : nil
      )
    }
  }

  private func deadlines(_ analysis: Analysis) -> [Report.Deadline] {
    analysis.destinations.filter { $0.queued > 0 }.map { one in
      Report.Deadline(
        domain: one.domain,
        waiting: one.queued,
        oldest: one.oldestQueued,
        failureClass: one.incident?.failureClass,
        firstExpiry: one.forecast?.firstExpiry,
        lastExpiry: one.forecast?.lastExpiry,
        fixBy: one.forecast?.fixBy,
        expiring24h: one.forecast?.expiring24h ?? 0,
        basis: one.forecast?.basis.rawValue ?? ""
      )
    }.sorted {
      ($0.fixBy?.microseconds ?? Int64.max, $0.domain) < (
        $1.fixBy?.microseconds ?? Int64.max, $1.domain
      )
    }
  }

  private func coverage(_ analysis: Analysis) -> [Report.Coverage] {
    analysis.sources.map {
      Report.Coverage(
        path: $0.path,
        kind: $0.format ?? $0.kind,
        lines: $0.lines,
        recognized: $0.recognized,
        unrecognized: $0.unrecognized,
        newest: $0.newest,
        troubles: []
      )
    }
  }

  static func tlsCoverage(_ analysis: Analysis) -> [String] {
    [
      "TLS protects mail on its way from server to server; it says nothing about what happens to it on either server.",
      "A delivery in clear is seen where the server logs its TLS sessions; where it does not, such deliveries are not counted.",
      "Certificate failures that a server logs in one text for all kinds are named by their family only; a probe tells the kind.",
    ]
  }
}
