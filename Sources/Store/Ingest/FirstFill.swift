import GRDB

/// The first ingest into an empty database. A write-ahead log writes each page twice, and its gain,
/// readers that go on while a transaction is written, is worth nothing while there is nothing to read:
/// with a rollback journal the pages that a transaction adds are written once, in place. A run that is
/// killed is undone all the same (<https://www.sqlite.org/lockingv3.html#rollback>).
extension TriageStore {
  /// Changes over to a rollback journal, where nobody else has the database open; else it stays as it
  /// is.
  func beginFirstFill() {
    guard path != ":memory:" else { return }
    try? database.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA journal_mode = TRUNCATE")
      // Whoever reads in the meantime is waited for at each commit.
      try db.execute(sql: "PRAGMA busy_timeout = \(TriageStore.fillWait)")
    }
  }

  /// Changes back to the write-ahead log. Where somebody reads just then, the next run does.
  func endFirstFill() {
    guard path != ":memory:" else { return }
    try? database.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA busy_timeout = \(Int(waitSeconds * 1000))")
      try TriageStore.useWriteAheadLog(db)
    }
  }

  /// Uses a write-ahead log, unless another run fills the database for the first time.
  static func useWriteAheadLog(_ db: Database) throws {
    let wait = try Int.fetchOne(db, sql: "PRAGMA busy_timeout") ?? 0
    try db.execute(sql: "PRAGMA busy_timeout = 0")
    do {
      try db.execute(sql: "PRAGMA journal_mode = WAL")
    } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
      // Reading waits for its turn, and writing is refused as by any run that holds it.
    }
    try db.execute(sql: "PRAGMA busy_timeout = \(wait)")
    try db.execute(sql: "PRAGMA synchronous = NORMAL")
  }

  /// Milliseconds that a commit of the first fill waits for readers.
  private static let fillWait = 60_000
}
