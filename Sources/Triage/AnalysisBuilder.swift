package import Diagnosis
import Forecast
package import MailModel
package import Store

/// Puts together what the store holds, what the rules say and what the servers know.
package struct AnalysisBuilder: Sendable {
  package var servers: [any MailServer]
  package var configurations: [any MailServerConfiguration]
  package var window: Window
  package var now: Timestamp
  package var generatedAt: Timestamp
  /// Servers whose mail or log the store holds. Where several are known, they and those whose
  /// configuration is given are the ones whose language a remedy is written in.
  package var serversInUse: Set<MailServerID> = []

  package init(
    servers: [any MailServer],
    configurations: [any MailServerConfiguration],
    window: Window,
    now: Timestamp,
    generatedAt: Timestamp
  ) {
    self.servers = servers
    self.configurations = configurations
    self.window = window
    self.now = now
    self.generatedAt = generatedAt
  }

  /// A classifier with the general rules and those of the servers.
  package var classifier: FailureClassifier {
    FailureClassifier(serverRules: servers.flatMap(\.failureRules))
  }

  /// The analysis. Throws ``StoreError``.
  package func build(_ store: TriageStore) throws -> Analysis {
    let queue = try QueueView(store, now: now)
    var tallies = TallyClassifier(classifier: classifier)
    let finder = try incidentFinder(store, queue)
    let logged = try loggedHistories(store, queue, finder, &tallies)
    let asQueued = QueueDiagnosis(
      queue,
      domains: Set(logged.filter { $0.incident == nil }.map(\.domain)),
      classifier: &tallies,
      finder: finder
    )
    let proofs = try Proof.all(in: store, now: now)
    let (histories, incidents) = named(
      logged.map { history in
        var known = asQueued.histories[history.domain].map(history.explained) ?? history
        if let incident = known.incident, let proof = proofs[known.domain] {
          known.incident = proof.corrected(incident)
        }
        return known
      },
      by: finder
    )
    let (schedule, rules) = try schedules(store, queue, histories)
    var analysis = Analysis(
      now: now,
      generatedAt: generatedAt,
      window: window,
      totals: Analysis.Totals(),
      destinations: [],
      incidents: incidents,
      newest: nil,
      sources: try store.sources(),
      schedules: rules,
      schedule: schedule,
      queue: queue
    )
    analysis.newest = analysis.sources.compactMap(\.newest).max()
    analysis.destinations = try destinations(
      histories,
      analysis: analysis,
      proofs,
      asQueued.evidence,
      store
    )
    analysis.totals = try totals(logged, analysis: analysis, store)
    return analysis
  }

  private func incidentFinder(_ store: TriageStore, _ queue: QueueView) throws -> IncidentFinder {
    IncidentFinder(
      moments: try store.serverMoments(in: Window()).map {
        ServerMoment(at: $0.at, kind: $0.kind)
      },
      waiting: queue.byDomain.mapValues(\.count),
      now: min(now, try store.sources().compactMap(\.newest).max() ?? now)
    )
  }

  /// What the log tells of each destination, and those with waiting mail of which it tells nothing.
  private func loggedHistories(
    _ store: TriageStore,
    _ queue: QueueView,
    _ finder: IncidentFinder,
    _ classifier: inout TallyClassifier
  ) throws -> [DestinationHistory] {
    let waiting = queue.byDomain
    // Each is held once: they are most of what an analysis holds.
    var classified: [String: [ClassifiedTally]] = [:]
    try store.forEachTally(in: window) {
      classified[$0.domain, default: []].append(classifier.classify($0))
    }
    var histories = finder.histories(byDomain: classified)
    let expiries = try store.expiries(in: window)
    for index in histories.indices {
      histories[index].expired = expiries[histories[index].domain] ?? 0
      if histories[index].expired > 0, waiting[histories[index].domain] == nil,
        histories[index].incident?.state != .endedInBounces,
        histories[index].lastDelivered.map({ $0 < histories[index].lastFailed ?? now }) ?? true
      {
        histories[index].incident?.state = .endedInBounces
      }
    }
    let known = Set(histories.map(\.domain))
    let quiet = waiting.keys.filter { !known.contains($0) }.sorted()
    return histories + quiet.map(DestinationHistory.quiet)
  }

  /// The incidents over all destinations, and the destinations with the names of theirs.
  private func named(
    _ histories: [DestinationHistory],
    by finder: IncidentFinder
  ) -> ([DestinationHistory], [Incident]) {
    let incidents = finder.incidents(of: histories)
    let names = Dictionary(
      incidents.flatMap { incident in incident.domains.map { ($0, incident.id) } },
      uniquingKeysWith: { first, _ in first }
    )
    let named = histories.map { history in
      var named = history
      if let name = names[history.domain] { named.incident?.id = name }
      return named
    }
    return (named, incidents)
  }

  /// The servers' own rules run forward over what waits.
  private func schedules(
    _ store: TriageStore,
    _ queue: QueueView,
    _ histories: [DestinationHistory]
  ) throws -> ([ScheduledMessage], [String: String]) {
    var scheduled: [ScheduledMessage] = []
    var rules: [String: String] = [:]
    let hops = Dictionary(
      histories.map { ($0.domain, $0.nextHops.map(IncidentFinder.hostName)) },
      uniquingKeysWith: { first, _ in first }
    )
    for var snapshot in queue.snapshots {
      snapshot.nextHops = hops
      guard let server = servers.first(where: { $0.id == snapshot.server }) else { continue }
      let schedule = server.schedule(
        configuration: configurations.first { $0.server == server.id },
        observed: try store.observations(server.observations, of: server.id, before: now)
      )
      rules[server.name] = "\(schedule.summary) (\(AnalysisBuilder.basis(schedule.basis)))"
      scheduled += schedule.scheduled(snapshot, now: now)
    }
    return (scheduled, rules)
  }

  private static func basis(_ basis: ScheduleBasis) -> String {
    switch basis {
    case .configuration: "from its configuration"
    case .observed: "as the log shows it"
    case .serverDefault: assumed
    }
  }

  /// How a rule is called whose settings nothing states.
  package static let assumed = "the server's defaults, assumed"

  /// What waits is compared with what waited a quarter of an hour before the newest line.
  private static let trendSeconds = 900.0

  private func destinations(
    _ histories: [DestinationHistory],
    analysis: Analysis,
    _ proofs: [String: Proof],
    _ queueEvidence: [String: [EvidenceLine]],
    _ store: TriageStore
  ) throws -> [Analysis.Destination] {
    let waiting = analysis.queue.byDomain
    let byDomain = Dictionary(grouping: analysis.schedule) { $0.domain }
    let messages = Dictionary(
      grouping: analysis.queue.messages.flatMap { message in
        Set(message.recipients.filter { !$0.isDone }.map(\.address.mailDomain)).map {
          ($0, message)
        }
      }
    ) { $0.0 }
    let then = min(now, analysis.newest ?? now).advanced(bySeconds: -AnalysisBuilder.trendSeconds)
    let before = try store.waiting(at: then)
    return try histories.map { history in
      let queued = messages[history.domain]?.map(\.1) ?? []
      return Analysis.Destination(
        history: history,
        queued: waiting[history.domain]?.count ?? 0,
        oldestQueued: waiting[history.domain]?.oldest,
        forecast: byDomain[history.domain].map {
          DestinationForecast(domain: history.domain, $0, now: now)
        },
        evidence: try queueEvidence[history.domain]
          ?? history.incident?.evidence.compactMap { try store.line(at: $0) } ?? [],
        remedies: remedies(history, queued: queued, proof: proofs[history.domain] ?? Proof()),
        confirmedBy: history.incident.flatMap { proofs[history.domain]?.confirmation(of: $0) },
        waitedBefore: history.lastFailed == nil ? nil : before[history.domain] ?? 0
      )
    }
  }

  /// What to do about a destination's incident, in the language of the server that holds its mail.
  package func remedies(
    _ history: DestinationHistory,
    queued: [QueuedMessage],
    proof: Proof = Proof()
  ) -> [Remedy] {
    guard let incident = history.incident, incident.tlsIsCause != .no,
      incident.state != .recovered, let domain = HostName(history.domain)
    else { return [] }
    let hops = history.nextHops.compactMap { HostName(IncidentFinder.hostName($0)) }
    return servers.flatMap { server -> [Remedy] in
      let configuration = configurations.first { $0.server == server.id }
      guard configuration != nil || servers.count == 1 || isInUse(server) else { return [] }
      let policy = configuration?.tlsPolicy(
        domain: domain.description,
        nextHop: hops.first?.description
      )
      let request = RemedyRequest(
        domain: domain,
        nextHops: hops,
        failureClass: incident.failureClass,
        responsible: incident.responsible,
        policy: policy,
        configuration: configuration,
        certificateNames: proof.probe?.certificateNames.compactMap { HostName($0) } ?? [],
        certificateFingerprint: proof.probe?.certificateFingerprint,
        publicKeyFingerprint: proof.probe?.publicKeyFingerprint,
        provenRung: proof.provenRung(for: incident),
        waitingQueueIDs: queued.prefix(3).map(\.queueID),
        validUntil: now.advanced(bySeconds: 14 * 86_400),
        now: now
      )
      return AnalysisBuilder.proven(server.remedies(for: request), request.provenRung).map {
        remedy in
        var guarded = remedy
        guarded.refused =
          remedy.refused
          ?? Guards.refusal(
            remedy,
            domain: history.domain,
            failureClass: incident.failureClass,
            policy: policy,
            policies: proof.policies,
            requiresTLS: queued.contains(where: \.requiresTLS),
            now: now
          )
        return guarded
      }
    }
  }

  /// Where the ladder found the step that works, what it does is the remedy: less did not do.
  private static func proven(_ remedies: [Remedy], _ rung: LadderRung?) -> [Remedy] {
    guard let rung, remedies.contains(where: { $0.rung == rung }) else { return remedies }
    return remedies.filter { $0.rung == nil || $0.rung == rung }
  }

  private func isInUse(_ server: any MailServer) -> Bool { serversInUse.contains(server.id) }

  private func totals(
    _ histories: [DestinationHistory],
    analysis: Analysis,
    _ store: TriageStore
  ) throws -> Analysis.Totals {
    var totals = Analysis.Totals()
    let counts = try store.messageCounts(in: window)
    totals.messages = counts.messages
    totals.recipients = counts.recipients
    for history in histories {
      totals.delivered += history.delivered
      totals.deferred += history.deferred
      totals.bounced += history.bounced
      totals.expired += history.expired
      totals.deliveredInClear += history.deliveredInClear
      totals.tlsFailures += history.counts.filter(\.key.isTLS).values.reduce(0, +)
    }
    totals.queued = analysis.queue.messages.count
    return totals
  }
}
