package import MailModel

/// An alert that has fired and not ended.
package struct OpenAlert: Hashable, Sendable {
  package var id: String
  /// What was last told of it.
  package var told: AlertCondition
  /// When it stopped being present; nil while it is.
  package var quietSince: Timestamp?
  /// How it seems to have ended, while it settles.
  package var ending: AlertState?

  package init(
    id: String,
    told: AlertCondition,
    quietSince: Timestamp? = nil,
    ending: AlertState? = nil
  ) {
    self.id = id
    self.told = told
    self.quietSince = quietSince
    self.ending = ending
  }
}

/// Decides what is worth telling: one incident fires once, again only when it worsens, and once
/// when it ends; what comes back before it has settled was never gone.
package struct AlertBook: Hashable, Sendable {
  /// Open alerts by their condition's key.
  package private(set) var open: [String: OpenAlert]
  /// Seconds that a condition must stay away before its alert ends.
  package var settle: Double

  package init(open: [OpenAlert] = [], settle: Double) {
    self.open = Dictionary(open.map { ($0.told.key, $0) }, uniquingKeysWith: { _, last in last })
    self.settle = settle
  }

  /// Takes in what the rules see now and gives what to tell, in a fixed order. Of `silenced`
  /// destinations nothing is told and nothing changes: what is still so afterwards is told then.
  package mutating func update(
    _ conditions: [AlertCondition],
    now: Timestamp,
    silenced: Set<String> = [],
    report: String? = nil
  ) -> [Alert] {
    var alerts: [Alert] = []
    var seen: Set<String> = []
    for condition in conditions.sorted(by: { $0.key < $1.key })
    where !silenced.contains(condition.destination) && seen.insert(condition.key).inserted {
      switch condition.standing {
      case .present:
        if let alert = present(condition, report: report) { alerts.append(alert) }
      case .over(let state, let since):
        if let alert = over(condition.key, state: state, since: since, now: now, report: report) {
          alerts.append(alert)
        }
      }
    }
    for key in open.keys.sorted() where !seen.contains(key) {
      if let known = open[key], silenced.contains(known.told.destination) { continue }
      if let alert = over(key, state: .resolved, since: now, now: now, report: report) {
        alerts.append(alert)
      }
    }
    return alerts
  }

  /// Whether `condition` is worse than what was last told: severity rose, or its mail doubled.
  static func isWorse(_ condition: AlertCondition, than told: AlertCondition) -> Bool {
    condition.severity > told.severity
      || (condition.count >= 2 && condition.count / 2 >= max(told.count, 1))
  }

  private mutating func present(_ condition: AlertCondition, report: String?) -> Alert? {
    guard var known = open[condition.key] else {
      let id = AlertBook.identifier(of: condition)
      open[condition.key] = OpenAlert(id: id, told: condition)
      return Alert(id: id, state: .firing, condition: condition, report: report)
    }
    known.quietSince = nil
    known.ending = nil
    let worse = AlertBook.isWorse(condition, than: known.told)
    if worse { known.told = condition }
    open[condition.key] = known
    return worse ? Alert(id: known.id, state: .firing, condition: condition, report: report) : nil
  }

  private mutating func over(
    _ key: String,
    state: AlertState,
    since: Timestamp,
    now: Timestamp,
    report: String?
  ) -> Alert? {
    guard var known = open[key] else { return nil }
    // The data may date the end before this run first saw it, never after.
    let quietSince = min(known.quietSince ?? since, now)
    guard now.seconds(since: quietSince) >= settle else {
      known.quietSince = quietSince
      known.ending = state
      open[key] = known
      return nil
    }
    open[key] = nil
    var condition = known.told
    condition.standing = .over(state, since: quietSince)
    return Alert(id: known.id, state: state, condition: condition, report: report)
  }

  /// `rule-<hex>`: stable for one episode of one condition, so that a hook can tell repeats.
  static func identifier(of condition: AlertCondition) -> String {
    let name = Fingerprint("\(condition.key)|\(condition.firstSeen.microseconds)".utf8)
    return "\(condition.rule.rawValue)-\(name.hex())"
  }
}
