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
  /// What could not be read in this run, by path, in sentences.
  package var troubles: [String: [String]] = [:]

  package init(store: TriageStore, builder: AnalysisBuilder, zone: TimeZone, isRedacted: Bool) {
    self.store = store
    self.builder = builder
    self.zone = zone
    self.isRedacted = isRedacted
  }

  /// The report of the day that begins at `from`. Throws ``StoreError``.
  package func report(from: Timestamp, to: Timestamp) throws -> Report {
    let bounds = LocalTime(zone: zone).daysBefore(from, count: 7) + [to]
    // What goes on today began, as a rule, on another day: the causes are sought in the whole week.
    var week = builder
    week.window = Window(from: bounds.first ?? from, before: to)
    var analysis = try week.build(store)
    analysis.incidents.removeAll {
      $0.state != .active && $0.waiting == 0 && $0.lastSeen < from
    }
    let days = try ReportDays(store, builder.classifier, bounds: bounds)
    let (charts, waiting) = try charts(analysis, days)
    return Report(
      from: from,
      to: to,
      now: builder.now,
      generatedAt: builder.generatedAt,
      headline: Headline(analysis).sentence,
      tasks: ReportBuilder.tasks(analysis),
      figures: figures(days, waiting: waiting),
      changes: changes(analysis, days, from: from),
      incidents: incidents(analysis),
      moreIncidents: max(0, analysis.incidents.count - ReportBuilder.incidentLimit),
      deadlines: deadlines(analysis),
      charts: charts,
      coverage: coverage(analysis),
      schedules: analysis.schedules.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" },
      protections: protections(days.today),
      tlsCoverage: ReportBuilder.tlsCoverage(analysis),
      isUnderstood: analysis.tellsOfMail,
      isRedacted: isRedacted
    )
  }

  static let incidentLimit = 60

  private func incidents(_ analysis: Analysis) -> [Report.Incident] {
    let byDomain = Dictionary(
      analysis.destinations.map { ($0.domain, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    return analysis.incidents.prefix(ReportBuilder.incidentLimit).map { incident in
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
        notice: RemoteNotice.isDue(incident)
          ? RemoteNotice(incident, evidence: members.flatMap(\.evidence).map(\.text), zone: zone)
            .text
          : nil
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
    let read = analysis.sources.map {
      Report.Coverage(
        path: $0.path,
        kind: $0.format ?? $0.kind,
        lines: $0.lines,
        recognized: $0.recognized,
        unrecognized: $0.unrecognized,
        newest: $0.newest,
        troubles: troubles[$0.path] ?? []
      )
    }
    // What could not be read at all is no source.
    let unread = Set(troubles.filter { !$0.value.isEmpty }.keys).subtracting(read.map(\.path))
    return read
      + unread.sorted().map { path in
        Report.Coverage(
          path: path,
          kind: "–",
          lines: 0,
          recognized: 0,
          unrecognized: 0,
          newest: nil,
          troubles: troubles[path] ?? []
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
