import GRDB
package import MailModel

/// An alert that has fired and not ended, as the store keeps it.
package struct OpenAlertRow: Hashable, Sendable {
  /// Names the condition.
  package var key: String
  /// Names the alert.
  package var alert: String
  package var body: String

  package init(key: String, alert: String, body: String) {
    self.key = key
    self.alert = alert
    self.body = body
  }
}

/// An alert that the hook has not taken yet.
package struct OutboxRow: Hashable, Sendable {
  package var number: Int64
  package var alert: String
  package var body: String
  /// How often it was given to the hook.
  package var tries: Int
}

extension TriageStore {
  /// Puts what `decide` makes of the open alerts in their place and its alerts into the outbox, in
  /// one transaction: an alert that is decided is never lost. Throws ``StoreError``.
  package func updateAlerts(
    _ decide: ([OpenAlertRow]) throws -> (
      open: [OpenAlertRow], told: [(alert: String, body: String)]
    )
  ) throws {
    try write { db in
      let open = try TriageStore.openAlerts(db)
      let decided = try decide(open)
      if decided.open != open {
        try db.execute(sql: "DELETE FROM open_alert")
        let insert = try db.makeStatement(
          sql: "INSERT INTO open_alert (key, alert, body) VALUES (?, ?, ?)"
        )
        for row in decided.open { try insert.execute(arguments: [row.key, row.alert, row.body]) }
      }
      let insert = try db.makeStatement(sql: "INSERT INTO alert_outbox (alert, body) VALUES (?, ?)")
      for told in decided.told { try insert.execute(arguments: [told.alert, told.body]) }
    }
  }

  /// The alerts that have fired and not ended. Throws ``StoreError``.
  package func openAlerts() throws -> [OpenAlertRow] {
    try read(TriageStore.openAlerts)
  }

  private static func openAlerts(_ db: Database) throws -> [OpenAlertRow] {
    try Row.fetchAll(db, sql: "SELECT key, alert, body FROM open_alert ORDER BY key")
      .map { OpenAlertRow(key: $0[0], alert: $0[1], body: $0[2]) }
  }

  /// What the hook has not taken, oldest first. Throws ``StoreError``.
  package func outbox() throws -> [OutboxRow] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: "SELECT number, alert, body, tries FROM alert_outbox ORDER BY number"
      )
      .map { OutboxRow(number: $0[0], alert: $0[1], body: $0[2], tries: $0[3]) }
    }
  }

  /// Claims an outbox row until a moment, so that two runs do not give it to the hook at once; false
  /// where another run has it or has got rid of it. Throws ``StoreError``.
  package func claim(_ number: Int64, now: Timestamp, until: Timestamp) throws -> Bool {
    try write { db in
      try db.execute(
        sql: """
          UPDATE alert_outbox SET claimed_until = ?, tries = tries + 1
          WHERE number = ? AND claimed_until <= ?
          """,
        arguments: [until.microseconds, number, now.microseconds]
      )
      return db.changesCount == 1
    }
  }

  /// Gives a claimed row back: the hook did not take it. Throws ``StoreError``.
  package func release(_ number: Int64) throws {
    try write { db in
      try db.execute(
        sql: "UPDATE alert_outbox SET claimed_until = 0 WHERE number = ?",
        arguments: [number]
      )
    }
  }

  /// The hook has taken the row. Throws ``StoreError``.
  package func remove(_ number: Int64) throws {
    try write { db in
      try db.execute(sql: "DELETE FROM alert_outbox WHERE number = ?", arguments: [number])
    }
  }

  /// Tells nothing of a destination until a moment. Throws ``StoreError``.
  package func silence(_ destination: String, until: Timestamp) throws {
    try write { db in
      try db.execute(
        sql: "INSERT OR REPLACE INTO silence (destination, until) VALUES (?, ?)",
        arguments: [destination, until.microseconds]
      )
    }
  }

  /// Destinations that are silenced at a moment. Throws ``StoreError``.
  package func silenced(at now: Timestamp) throws -> Set<String> {
    try read { db in
      Set(
        try String.fetchAll(
          db,
          sql: "SELECT destination FROM silence WHERE until > ?",
          arguments: [now.microseconds]
        )
      )
    }
  }
}
