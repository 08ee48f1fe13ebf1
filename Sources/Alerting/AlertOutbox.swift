package import MailModel
package import Store

/// Alerts on their way to the hook: in the database before the hook runs, gone only when it has
/// taken them.
package struct AlertOutbox: Sendable {
  package var store: TriageStore

  package init(_ store: TriageStore) { self.store = store }

  /// What became of one alert.
  package struct Handover: Hashable, Sendable {
    package var alert: Alert
    package var outcome: HookOutcome
  }

  /// A hook that fails this often in a row is left alone until the next run.
  private static let patience = 3

  /// Decides what is to be told of the conditions and puts it into the outbox, in one transaction.
  /// Gives what was put there. Throws ``StoreError``.
  package func post(
    _ conditions: [AlertCondition],
    now: Timestamp,
    settle: Double,
    report: String? = nil
  ) throws -> [Alert] {
    let silenced = try store.silenced(at: now)
    var posted: [Alert] = []
    try store.updateAlerts { rows in
      var book = AlertBook(open: rows.compactMap(\.open), settle: settle)
      posted = book.update(conditions, now: now, silenced: silenced, report: report)
      let open = try book.open.keys.sorted().compactMap { key in
        try book.open[key].map { try OpenAlertRow($0) }
      }
      return (open, try posted.map { ($0.id, try StoredJSON.text(StoredAlert($0))) })
    }
    return posted
  }

  /// Puts one alert that no rule has found into the outbox. Throws ``StoreError``.
  package func post(_ alert: Alert) throws {
    let body = try StoredJSON.text(StoredAlert(alert))
    try store.updateAlerts { ($0, [(alert.id, body)]) }
  }

  /// Gives what waits in the outbox to the hook, oldest first. Where an alert is not taken, what
  /// follows of the same alert waits too, so that its end never comes before its start.
  /// `clock` gives the moment: claims run out by it. Throws ``StoreError``.
  package func drain(
    _ hook: HookRunner,
    clock: () -> Timestamp,
    each: (Handover) -> Void = { _ in }
  ) async throws -> [Handover] {
    var handovers: [Handover] = []
    var stuck: Set<String> = []
    var failures = 0
    let seconds = Double(hook.timeout.components.seconds) + 1
    for row in AlertOutbox.ordered(try store.outbox()) where !stuck.contains(row.alert) {
      guard let alert = StoredJSON.value(StoredAlert.self, row.body)?.alert else {
        // A newer version wrote it; it stays for that one.
        stuck.insert(row.alert)
        continue
      }
      let now = clock()
      guard try store.claim(row.number, now: now, until: now.advanced(bySeconds: seconds)) else {
        stuck.insert(row.alert)
        continue
      }
      let outcome = await hook.run(alert)
      let handover = Handover(alert: alert, outcome: outcome)
      handovers.append(handover)
      each(handover)
      if outcome == .taken {
        try store.remove(row.number)
        failures = 0
      } else {
        try store.release(row.number)
        stuck.insert(row.alert)
        failures += 1
        if failures >= AlertOutbox.patience { break }
      }
    }
    return handovers
  }

  /// Alerts that were tried least first, so that one which is never taken does not keep the others
  /// waiting; what belongs to one alert stays in its order.
  static func ordered(_ rows: [OutboxRow]) -> [OutboxRow] {
    var tries: [String: Int] = [:]
    for row in rows where tries[row.alert] == nil { tries[row.alert] = row.tries }
    return rows.sorted {
      (tries[$0.alert] ?? 0, $0.number) < (tries[$1.alert] ?? 0, $1.number)
    }
  }
}
