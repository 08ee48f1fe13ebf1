package import MailModel

/// Groups what failed into incidents: per destination the dominating cause, since when, and who must
/// act. Pure: values in, incidents out.
package struct IncidentFinder {
  private let moments: [ServerMoment]
  private let waiting: [String: Int]

  private let now: Timestamp?

  /// A failure behind which nothing waits and nothing went through is held for over after this long.
  private static let patience = 86_400.0

  /// `waiting` counts messages that wait, by domain; `moments` are starts and reloads; `now` is the
  /// moment at which an incident is active or not, nil for the moment of the last failure.
  package init(moments: [ServerMoment], waiting: [String: Int], now: Timestamp? = nil) {
    self.moments = moments.sorted { $0.at < $1.at }
    self.waiting = waiting
    self.now = now
  }

  /// What each destination went through, with its dominating incident.
  package func histories(_ tallies: [ClassifiedTally]) -> [DestinationHistory] {
    histories(byDomain: Dictionary(grouping: tallies) { $0.tally.domain })
  }

  /// The same of tallies that were grouped as they came.
  package func histories(byDomain: [String: [ClassifiedTally]]) -> [DestinationHistory] {
    var histories = byDomain.map { history(domain: $0.key, $0.value) }
    attribute(&histories)
    return histories.sorted { $0.domain < $1.domain }
  }

  /// Incidents over all destinations: those with one class behind one hop are one.
  package func incidents(of histories: [DestinationHistory]) -> [Incident] {
    var groups: [String: [Incident]] = [:]
    for incident in histories.compactMap(\.incident) {
      let hop = IncidentFinder.host(incident.nextHops, of: incident.domains[0])
      groups["\(incident.failureClass.rawValue)|\(hop)", default: []].append(incident)
    }
    return groups.map { IncidentFinder.merge($0.value) }
      .sorted { ($1.waiting, $1.attempts, $0.id) < ($0.waiting, $0.attempts, $1.id) }
  }

  private func history(domain: String, _ tallies: [ClassifiedTally]) -> DestinationHistory {
    var history = DestinationHistory(
      domain: domain,
      nextHops: IncidentFinder.hops(tallies),
      delivered: 0,
      deferred: 0,
      bounced: 0,
      expired: 0,
      deliveredInClear: 0,
      counts: [:]
    )
    let tallies = IncidentFinder.refined(tallies)
    for one in tallies {
      let tally = one.tally
      switch tally.outcome {
      case .delivered:
        history.delivered += tally.count
        // What was only handed on within this machine says nothing about the destination.
        if tally.tried {
          history.lastDelivered = max(history.lastDelivered ?? tally.last, tally.last)
        }
      case .deferred: history.deferred += tally.count
      case .bounced: history.bounced += tally.count
      case .expired: history.expired += tally.count
      }
      if one.wasDeliveredInClear { history.deliveredInClear += tally.count }
      if let failureClass = one.classification?.failureClass {
        history.counts[failureClass, default: 0] += tally.count
        if one.heldUp { history.lastFailed = max(history.lastFailed ?? tally.last, tally.last) }
      }
    }
    history.incident = incident(history, tallies)
    return history
  }

  private func incident(
    _ history: DestinationHistory,
    _ tallies: [ClassifiedTally]
  ) -> Incident? {
    var held: [FailureClass: Int] = [:]
    for one in tallies where one.heldUp {
      if let failureClass = one.classification?.failureClass {
        held[failureClass, default: 0] += one.tally.count
      }
    }
    guard
      let (failureClass, count) = held.max(by: {
        ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue)
      })
    else { return nil }
    let own = tallies.filter { $0.heldUp && $0.classification?.failureClass == failureClass }
    guard let best = own.compactMap(\.classification).max(by: { $0.specificity < $1.specificity }),
      let lastSeen = own.map(\.tally.last).max()
    else { return nil }
    let onset = ChangePoint.onset(tallies) ?? own.map(\.tally.first).min() ?? lastSeen
    let total = held.values.reduce(0, +)
    // Laplace's rule: two attempts that agree prove less than two hundred.
    let agreement = Double(count + 1) / Double(total + 2)
    return Incident(
      id: IncidentFinder.identifier(history.domain, failureClass),
      domains: [history.domain],
      nextHops: history.nextHops,
      failureClass: failureClass,
      tlsIsCause: IncidentFinder.cause(tallies),
      responsible: best.responsible,
      confidence: best.confidence * max(agreement, count >= total ? 0.9 : agreement),
      state: state(history),
      onset: onset,
      lastSeen: lastSeen,
      trigger: trigger(before: onset, own, among: tallies),
      attempts: count,
      waiting: waiting[history.domain] ?? 0,
      meaning: best.meaning,
      evidence: IncidentFinder.evidence(own)
    )
  }

  /// TLS is the cause where most of what held mail up is of TLS; unclear where it is about half. A
  /// session that broke off once TLS stood counts half: it may be how a peer rejects a certificate.
  private static func cause(_ tallies: [ClassifiedTally]) -> TLSCause {
    var total = 0.0
    var tls = 0.0
    let brokeUnderTLS = tallies.contains {
      $0.heldUp && $0.classification?.failureClass == .connectionLost
        && ($0.tally.security == .encrypted || $0.tally.security == .authenticated)
    }
    for one in tallies where one.heldUp {
      guard let failureClass = one.classification?.failureClass else { continue }
      let count = Double(one.tally.count)
      total += count
      if failureClass.isTLS {
        tls += count
      } else if failureClass == .connectionLost, brokeUnderTLS {
        tls += count / 2
      }
    }
    let share = total > 0 ? tls / total : 0
    if share >= 0.6 { return .yes }
    return share > 0.4 ? .unclear : .no
  }

  private func state(_ history: DestinationHistory) -> IncidentState {
    if (waiting[history.domain] ?? 0) > 0 {
      // Mail waits, yet newer mail went through: it only waits for its next attempt.
      if let delivered = history.lastDelivered, let failed = history.lastFailed, delivered > failed
      {
        return .recovered
      }
      return .active
    }
    if let delivered = history.lastDelivered, let failed = history.lastFailed, delivered >= failed {
      return .recovered
    }
    if history.bounced + history.expired > 0 { return .endedInBounces }
    // Nothing waits (any more) and nothing went through since: for a day nothing says it is over.
    guard let now, let failed = history.lastFailed else { return .active }
    return now.seconds(since: failed) <= IncidentFinder.patience ? .active : .recovered
  }

  /// What happened shortly before: to the server, else to this destination. Only for TLS: a mailbox
  /// is not full because we were reloaded.
  private func trigger(
    before onset: Timestamp,
    _ own: [ClassifiedTally],
    among tallies: [ClassifiedTally]
  ) -> String? {
    guard own.contains(where: { $0.classification?.failureClass?.isTLS ?? false }) else {
      return nil
    }
    if let moment = moments.last(where: {
      $0.at <= onset && onset.seconds(since: $0.at) <= 900
        && [.started, .reloaded, .localTLSTrouble].contains($0.kind)
    }) {
      switch moment.kind {
      case .started: return "the server started"
      case .reloaded: return "the server's configuration was reloaded"
      default: return "the server complained about its own TLS set-up"
      }
    }
    return IncidentFinder.beganWithTLS(onset, among: tallies)
      ? "TLS was tried with this destination for the first time; before, mail went out in clear"
      : nil
  }

  /// Whether mail went out in clear before the onset and the first TLS that the log shows of this
  /// destination is what failed.
  private static func beganWithTLS(
    _ onset: Timestamp,
    among tallies: [ClassifiedTally]
  ) -> Bool {
    let before = tallies.filter { $0.tally.first < onset && $0.tally.tried }
    return before.contains { $0.tally.outcome == .delivered && $0.tally.security == .clear }
      && !before.contains {
        $0.tally.security == .encrypted || $0.tally.security == .authenticated
          || !$0.tally.cause.isEmpty
      }
  }

  /// All at once: it is us. Counted by host, so that one provider that carries many domains is them.
  private func attribute(_ histories: inout [DestinationHistory]) {
    let failing = histories.compactMap(\.incident).filter {
      $0.failureClass.isTLS && $0.state == .active
    }
    let byClass = Dictionary(grouping: failing) { $0.failureClass }
    let tried = Set(
      histories.filter { $0.delivered + $0.deferred + $0.bounced > 0 }
        .map { IncidentFinder.host($0.nextHops, of: $0.domain) }
    ).count
    for (failureClass, incidents) in byClass {
      let hosts = Set(incidents.map { IncidentFinder.host($0.nextHops, of: $0.domains[0]) }).count
      let onsets = incidents.map(\.onset).sorted()
      guard hosts >= 5, hosts * 10 >= tried * 6, let first = onsets.first,
        onsets[onsets.count * 9 / 10].seconds(since: first) <= 3600
      else { continue }
      for index in histories.indices
      where histories[index].incident?.failureClass == failureClass {
        histories[index].incident?.responsible = .local
      }
    }
  }

  /// The host that carries most of a domain's mail; the domain where none is known.
  private static func host(_ hops: [String], of domain: String) -> String {
    hops.first.map(hostName) ?? domain
  }

  // MARK: - Pieces

  private static func hops(_ tallies: [ClassifiedTally]) -> [String] {
    var counts: [String: Int] = [:]
    for one in tallies where !one.tally.relay.isEmpty {
      counts[one.tally.relay, default: 0] += one.tally.count
    }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(8).map(\.key)
  }

  private static func evidence(_ tallies: [ClassifiedTally]) -> [LinePosition] {
    var positions: [LinePosition] = []
    for one in tallies.sorted(by: { $0.tally.first < $1.tally.first }) {
      for position in [one.tally.causeSample, one.tally.sample].compactMap({ $0 })
      where !positions.contains(position) && positions.count < 8 {
        positions.append(position)
      }
    }
    return positions
  }

  /// A relay without address and port: `mx.example.com[192.0.2.1]:25` is `mx.example.com`.
  package static func hostName(_ relay: String) -> String {
    String(relay.prefix { $0 != "[" && $0 != " " && $0 != ":" }).lowercased()
  }

  private static func identifier(_ domain: String, _ failureClass: FailureClass) -> String {
    "i" + Fingerprint("\(domain)|\(failureClass.rawValue)".utf8).hex()
  }

  private static func merge(_ incidents: [Incident]) -> Incident {
    let ordered = incidents.sorted {
      ($1.waiting, $1.attempts, $0.id) < ($0.waiting, $0.attempts, $1.id)
    }
    var merged = ordered[0]
    // Named after the member whose trouble began first: who joins later changes no name.
    merged.id =
      incidents.min { ($0.onset, $0.id) < ($1.onset, $1.id) }?.id ?? merged.id
    for other in ordered.dropFirst() {
      merged.domains += other.domains
      merged.nextHops += other.nextHops.filter { !merged.nextHops.contains($0) }
      merged.onset = min(merged.onset, other.onset)
      merged.lastSeen = max(merged.lastSeen, other.lastSeen)
      merged.attempts += other.attempts
      merged.waiting += other.waiting
      if other.state == .active { merged.state = .active }
      merged.evidence = Array((merged.evidence + other.evidence).prefix(8))
      // One host behind several domains that all fail: it is theirs, whatever single texts suggest.
      if merged.responsible == .unknown { merged.responsible = .remote }
    }
    return merged
  }
}
