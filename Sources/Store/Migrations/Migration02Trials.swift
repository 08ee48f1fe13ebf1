import GRDB

/// What experiments found: paired retries, and looks at live servers.
enum Migration02Trials {
  static let name = "02-trials"

  static func apply(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE retry (
          id INTEGER PRIMARY KEY, destination TEXT NOT NULL, at INTEGER NOT NULL,
          path TEXT, verdict TEXT NOT NULL, weakest_change TEXT, body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX retry_of_destination ON retry (destination, at);
        CREATE TABLE probe (
          id INTEGER PRIMARY KEY, destination TEXT NOT NULL, at INTEGER NOT NULL,
          dane TEXT NOT NULL, mta_sts TEXT NOT NULL, certificate_names TEXT NOT NULL,
          certificate_sha256 TEXT, public_key_sha256 TEXT, body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX probe_of_destination ON probe (destination, at);
        """
    )
  }
}
