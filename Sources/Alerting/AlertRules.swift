import Diagnosis
import Forecast
import MailModel
import Store
package import Triage

/// The rules: what is wrong now, as an analysis and the flow of mail show it.
package struct AlertRules: Sendable {
  package var thresholds: AlertThresholds

  package init(_ thresholds: AlertThresholds) { self.thresholds = thresholds }

  /// Everything that is wrong now or has just ended; ``AlertBook`` decides what of it is told.
  package func conditions(_ analysis: Analysis, flow: MailFlow) -> [AlertCondition] {
    incidents(analysis) + deadlines(analysis)
      + [
        wave(analysis), growth(analysis, flow), everywhere(analysis), drop(analysis, flow),
        silence(analysis),
      ].compactMap { $0 }
  }

  // MARK: Per destination

  private func incidents(_ analysis: Analysis) -> [AlertCondition] {
    analysis.incidents.filter(isWorthTelling).map { incident in
      let destinations = analysis.destinations.filter { $0.incident?.id == incident.id }
      let fixBy = destinations.compactMap { $0.forecast?.fixBy }.min()
      let remedy = destinations.flatMap(\.remedies).first { $0.refused == nil }
      var condition = AlertCondition(
        key: "\(AlertRule.newIncident.rawValue)/\(incident.id)",
        rule: .newIncident,
        severity: severity(incident),
        destination: incident.domains.first ?? "",
        failureClass: incident.failureClass,
        count: incident.waiting,
        firstSeen: incident.onset,
        fixBy: fixBy,
        summary: AlertRules.summary(incident),
        remedy: remedy?.title ?? Advice.sentences(for: incident.failureClass).first
      )
      switch incident.state {
      case .active: condition.standing = .present
      case .recovered: condition.standing = .over(.resolved, since: incident.lastSeen)
      case .endedInBounces: condition.standing = .over(.endedInBounces, since: incident.lastSeen)
      }
      return condition
    }
  }

  /// Full mailboxes and greylisting pass by themselves; they are told when much mail waits for them.
  private func isWorthTelling(_ incident: Incident) -> Bool {
    if incident.tlsIsCause != .no { return true }
    switch incident.failureClass {
    case .greylisted, .mailboxFull, .mailboxUnavailable:
      return incident.waiting >= thresholds.backlogMinimum
    default: return true
    }
  }

  private func severity(_ incident: Incident) -> AlertSeverity {
    if incident.waiting >= thresholds.backlogMinimum { return .critical }
    return incident.tlsIsCause == .yes ? .warning : .info
  }

  private static func summary(_ incident: Incident) -> String {
    let first = incident.domains.first ?? "a destination"
    let others = incident.domains.count - 1
    return "\(incident.waiting) message\(incident.waiting == 1 ? " waits" : "s wait") for \(first)"
      + (others > 0 ? " and \(others) more domains" : "")
      + ": \(incident.failureClass.rawValue). \(incident.meaning)"
  }

  private func deadlines(_ analysis: Analysis) -> [AlertCondition] {
    analysis.destinations.compactMap { destination in
      guard let forecast = destination.forecast, let fixBy = forecast.fixBy,
        let incident = destination.incident, incident.state == .active,
        fixBy.seconds(since: analysis.now) <= thresholds.fixByWithin
      else { return nil }
      return AlertCondition(
        key: "\(AlertRule.fixByNear.rawValue)/\(destination.domain)",
        rule: .fixByNear,
        severity: .critical,
        destination: destination.domain,
        failureClass: incident.failureClass,
        count: forecast.savedIfFixed,
        firstSeen: incident.onset,
        fixBy: fixBy,
        summary: "\(destination.domain): \(forecast.savedIfFixed) messages are returned one after "
          + "the other from \(fixBy.rfc3339) on unless it is repaired before.",
        remedy: destination.remedies.first { $0.refused == nil }?.title
          ?? Advice.sentences(for: incident.failureClass).first
      )
    }
  }

  // MARK: All mail

  private func wave(_ analysis: Analysis) -> AlertCondition? {
    let within = analysis.now.advanced(bySeconds: 86_400)
    let expiries = analysis.schedule.compactMap(\.expiresAt).filter { $0 <= within }
    guard thresholds.ndrWave > 0, expiries.count >= thresholds.ndrWave else { return nil }
    return AlertCondition(
      key: AlertRule.ndrWave.rawValue,
      rule: .ndrWave,
      severity: .critical,
      destination: "",
      failureClass: nil,
      count: expiries.count,
      firstSeen: analysis.now,
      fixBy: analysis.destinations.compactMap { $0.forecast?.fixBy }.min(),
      summary: "\(expiries.count) messages are returned within 24 hours."
    )
  }

  private func growth(_ analysis: Analysis, _ flow: MailFlow) -> AlertCondition? {
    let before = analysis.now.advanced(bySeconds: -3600)
    // Where the input begins within the hour, nothing is known of the hour before.
    guard let oldest = analysis.sources.compactMap(\.oldest).min(), oldest <= before,
      flow.waiting >= thresholds.backlogMinimum,
      Double(flow.waiting) >= Double(max(flow.waitingBefore, 1)) * thresholds.backlogGrowth
    else { return nil }
    return AlertCondition(
      key: AlertRule.backlogGrowth.rawValue,
      rule: .backlogGrowth,
      severity: .warning,
      destination: "",
      failureClass: nil,
      count: flow.waiting,
      firstSeen: analysis.now,
      summary: "\(flow.waiting) messages wait, an hour ago it was \(flow.waitingBefore)."
    )
  }

  /// Most destinations at once: the fault is on this side.
  private func everywhere(_ analysis: Analysis) -> AlertCondition? {
    let recent = analysis.now.advanced(bySeconds: -3600)
    let tried = analysis.destinations.filter {
      ($0.history.lastDelivered ?? .distantPast) >= recent
        || ($0.history.lastFailed ?? .distantPast) >= recent
    }
    let failing = tried.filter {
      guard let incident = $0.incident, incident.state == .active else { return false }
      return ($0.history.lastDelivered ?? .distantPast) < incident.onset
    }
    guard tried.count >= 5, failing.count * 10 >= tried.count * 9 else { return nil }
    let classes = Dictionary(grouping: failing.compactMap { $0.incident?.failureClass }, by: \.self)
    let first = classes.max {
      ($0.value.count, $1.key.rawValue) < ($1.value.count, $0.key.rawValue)
    }
    return AlertCondition(
      key: AlertRule.allDestinations.rawValue,
      rule: .allDestinations,
      severity: .critical,
      destination: "",
      failureClass: first?.key,
      count: failing.reduce(0) { $0 + $1.queued },
      firstSeen: failing.compactMap { $0.incident?.onset }.min() ?? analysis.now,
      summary: "\(failing.count) of \(tried.count) destinations that were tried within the hour "
        + "fail: look on this side first."
    )
  }

  private func drop(_ analysis: Analysis, _ flow: MailFlow) -> AlertCondition? {
    guard let arrivals = flow.arrivals, let usual = flow.usualArrivals, usual >= 20,
      Double(arrivals) < Double(usual) * thresholds.inboundDrop
    else { return nil }
    return AlertCondition(
      key: AlertRule.inboundDrop.rawValue,
      rule: .inboundDrop,
      severity: .warning,
      destination: "",
      failureClass: nil,
      count: arrivals,
      firstSeen: analysis.newest ?? analysis.now,
      summary: "\(arrivals) messages arrived in the last whole hour, \(usual) are usual."
    )
  }

  private func silence(_ analysis: Analysis) -> AlertCondition? {
    guard let newest = analysis.newest,
      analysis.now.seconds(since: newest) >= thresholds.noInputFor
    else { return nil }
    return AlertCondition(
      key: AlertRule.noInput.rawValue,
      rule: .noInput,
      severity: .critical,
      destination: "",
      failureClass: nil,
      count: 0,
      firstSeen: newest,
      summary: "No log line since \(newest.rfc3339): is the log still written, and read?"
    )
  }
}

extension Timestamp {
  fileprivate static let distantPast = Timestamp(microseconds: Int64.min)
}
