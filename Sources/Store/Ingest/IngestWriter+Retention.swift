import GRDB

extension IngestWriter {
  /// Detail of what has ended is kept this long behind the newest stamp.
  static let detailDays: Int64 = 30
  /// Hourly tallies are kept this long.
  static let tallyDays: Int64 = 730

  private static let day: Int64 = 86_400_000_000

  /// The moment before which detail is dropped.
  static func detailStart(before newest: Int64) -> Int64 { newest - detailDays * day }

  /// Drops what is older than is kept. Counts from the newest stamp seen, not from the clock, so that
  /// an old log keeps its detail. Throws ``StoreError``.
  package mutating func prune() throws {
    try finish()
    try joinPastMessages()
    guard newest > Int64.min else { return }
    let detail = IngestWriter.detailStart(before: newest)
    let tally = (newest - IngestWriter.tallyDays * IngestWriter.day).hour
    guard try store.read({ try IngestWriter.holds(olderThan: detail, $0) }) else { return }
    try store.write { db in
      for table in ["attempt", "expiry"] {
        try db.execute(
          sql: """
            DELETE FROM \(table) WHERE recipient IN (
              SELECT r.id FROM recipient r JOIN message_now m ON m.id = r.message
                WHERE m.last_at < ?)
            """,
          arguments: [detail]
        )
      }
      for table in ["recipient", "notification"] {
        try db.execute(
          sql: """
            DELETE FROM \(table) WHERE message IN (SELECT id FROM message_now WHERE last_at < ?)
            """,
          arguments: [detail]
        )
      }
      try db.execute(
        sql: "DELETE FROM message WHERE id IN (SELECT id FROM message_now WHERE last_at < ?)",
        arguments: [detail]
      )
      try db.execute(sql: "DELETE FROM open_message WHERE last_at < ?", arguments: [detail])
      try db.execute(sql: "DELETE FROM marker WHERE at < ?", arguments: [detail])
      for table in ["tally", "arrival_tally", "expiry_tally", "session_failure"] {
        try db.execute(sql: "DELETE FROM \(table) WHERE hour < ?", arguments: [tally])
      }
    }
    keepOpen { $0.lastAt >= detail }
    channels.forgetTimes()
  }

  /// Whether a message was last heard of before `moment`. The hours of arrival say at once where none
  /// can be; only else all messages are looked at.
  private static func holds(olderThan moment: Int64, _ db: Database) throws -> Bool {
    let first = try Int64.fetchOne(db, sql: "SELECT min(hour) FROM arrival_tally")
    guard let first, first <= moment.hour else { return false }
    return try Bool.fetchOne(
      db,
      sql: "SELECT EXISTS (SELECT 1 FROM message_now WHERE last_at < ?)",
      arguments: [moment]
    ) ?? false
  }
}
