import GRDB

/// Messages of which an older log told after a newer one: they are joined with what the newer one said.
enum Migration06Past {
  static let name = "06-past"

  static func apply(_ db: Database) throws {
    try db.execute(sql: "CREATE TABLE past_message (message INTEGER PRIMARY KEY) STRICT;")
  }
}
