import GRDB

/// What alerting keeps: alerts that have fired, what the hook has not taken yet, and silences.
enum Migration03Alerts {
  static let name = "03-alerts"

  static func apply(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE open_alert (
          key TEXT PRIMARY KEY, alert TEXT NOT NULL, body TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        -- In the order in which they came; a number is never used twice.
        CREATE TABLE alert_outbox (
          number INTEGER PRIMARY KEY AUTOINCREMENT, alert TEXT NOT NULL, body TEXT NOT NULL,
          claimed_until INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE silence (destination TEXT PRIMARY KEY, until INTEGER NOT NULL)
          STRICT, WITHOUT ROWID;
        """
    )
  }
}
