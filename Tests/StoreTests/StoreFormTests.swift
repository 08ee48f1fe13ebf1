import Foundation
import GRDB
import MailModel
import Store
import Testing

/// The database as a file: how it is made, kept and refused.
struct StoreFormTests {
  /// A directory of its own, gone at the end.
  private final class Place {
    let path = NSTemporaryDirectory() + "store-\(UUID().uuidString)"
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var database: String { path + "/state/triage.sqlite" }

    /// What the file's header says (byte 18, <https://www.sqlite.org/fileformat2.html>).
    var journalMode: String {
      let header = FileManager.default.contents(atPath: database)?.prefix(20)
      return header.map { $0.count == 20 && $0[18] == 2 ? "write-ahead log" : "rollback" } ?? "none"
    }

    func mode(_ file: String) -> UInt32 {
      var status = stat()
      lstat(file, &status)
      return status.st_mode & 0o777
    }
  }

  @Test func `only its owner can read it, whatever the umask`() throws {
    let place = Place()
    let old = umask(0)
    defer { umask(old) }
    let store = try TriageStore(path: place.database)
    try store.silence("b.example", until: Timestamp(seconds: 1))
    #expect(place.mode(place.path + "/state") == 0o700)
    for suffix in ["", "-wal", "-shm"] {
      #expect(place.mode(place.database + suffix) == 0o600, "\(suffix)")
    }
  }

  @Test func `it is in WAL mode, and every table is strict`() throws {
    let place = Place()
    let store = try TriageStore(path: place.database)
    try store.read { db in
      #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
      let loose = try String.fetchAll(
        db,
        sql: """
          SELECT name FROM pragma_table_list WHERE strict = 0 AND type = 'table'
            AND schema = 'main' AND name NOT LIKE 'sqlite_%' AND name <> 'grdb_migrations'
          """
      )
      #expect(loose.isEmpty, "\(loose)")
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM message") == 0)
    }
  }

  @Test func `migrations are numbered, in order, and applied once`() throws {
    let place = Place()
    func applied() throws -> [String] {
      try TriageStore(path: place.database).read { db in
        try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations ORDER BY rowid")
      }
    }
    let first = try applied()
    #expect(first.first == "01-ingest")
    #expect(first == first.sorted())
    #expect(first.allSatisfy { $0.prefix(2).allSatisfy(\.isNumber) })
    #expect(try applied() == first)
  }

  @Test func `one that a newer mailtriage wrote is refused, and left as it is`() throws {
    let place = Place()
    do {
      let store = try TriageStore(path: place.database)
      try store.write { db in
        try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99-of-tomorrow')")
      }
    }
    #expect(throws: StoreError.newer(path: place.database)) {
      try TriageStore(path: place.database)
    }
    let kept = try DatabaseQueue(path: place.database).read { db in
      try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations")
    }
    #expect(kept.contains("99-of-tomorrow"))
  }

  @Test func `a file that is no database is refused, and left as it is`() throws {
    let place = Place()
    try FileManager.default.createDirectory(
      atPath: place.path + "/state",
      withIntermediateDirectories: true
    )
    let text = String(repeating: "this is a letter\n", count: 1000)
    try text.write(toFile: place.database, atomically: true, encoding: .utf8)
    do {
      _ = try TriageStore(path: place.database)
      Issue.record("it was opened")
    } catch let error as StoreError {
      guard case .damaged = error else {
        Issue.record("\(error)")
        return
      }
    }
    #expect(try String(contentsOfFile: place.database, encoding: .utf8) == text)
  }

  @Test func `a link in its place is not followed`() throws {
    let place = Place()
    try FileManager.default.createDirectory(
      atPath: place.path + "/state",
      withIntermediateDirectories: true
    )
    let target = place.path + "/elsewhere"
    symlink(target, place.database)
    #expect(throws: StoreError.self) { try TriageStore(path: place.database) }
    #expect(!FileManager.default.fileExists(atPath: target))
  }

  @Test func `while another run writes, a second one is told so after its wait`() throws {
    let place = Place()
    _ = try TriageStore(path: place.database)
    let other = try DatabaseQueue(path: place.database)
    let second = try TriageStore(path: place.database, waitSeconds: 0.1)
    try other.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      #expect(throws: StoreError.busy(path: place.database)) {
        try second.silence("b.example", until: Timestamp(seconds: 1))
      }
      // What is there can be read all the same.
      #expect(try second.sources().isEmpty)
      try db.execute(sql: "ROLLBACK")
    }
  }

  @Test func `while a first log fills it, a second run reads what is committed and is refused`()
    throws
  {
    let place = Place()
    let first = try TriageStore(path: place.database)
    var writer = try IngestWriter(store: first, seed: 1)
    let isFirstFill = writer.isFirstFill
    #expect(isFirstFill)
    #expect(place.journalMode == "rollback")
    try first.database.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE; INSERT INTO domain (name) VALUES ('b.example')")
      let second = try TriageStore(path: place.database, waitSeconds: 0.1)
      #expect(try second.sources().isEmpty)
      #expect(throws: StoreError.busy(path: place.database)) {
        try second.silence("b.example", until: Timestamp(seconds: 1))
      }
      try db.execute(sql: "COMMIT")
    }
    try writer.finish()
    #expect(place.journalMode == "write-ahead log")
    #expect(
      try first.read { try String.fetchAll($0, sql: "SELECT name FROM domain") } == ["b.example"]
    )
  }

  @Test func `a first fill that was killed is undone, and the next run goes on`() throws {
    let place = Place()
    let copy = place.database + ".killed"
    do {
      let first = try TriageStore(path: place.database)
      var writer = try IngestWriter(store: first, seed: 1)
      try first.database.inDatabase { db in
        try db.execute(sql: "BEGIN; INSERT INTO domain (name) VALUES ('kept.example'); COMMIT")
        // More than the cache holds: pages are in the file before the commit.
        try db.execute(
          sql: """
            PRAGMA cache_size = 4; BEGIN IMMEDIATE;
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
            INSERT INTO domain (name) SELECT 'lost-' || i || '.example' FROM n
            """
        )
        // What a kill at this moment would leave.
        for suffix in ["", "-journal"] {
          try FileManager.default.copyItem(atPath: place.database + suffix, toPath: copy + suffix)
        }
        try db.execute(sql: "ROLLBACK")
      }
      try writer.finish()
    }
    let next = try TriageStore(path: copy)
    #expect(
      try next.read { try String.fetchAll($0, sql: "SELECT name FROM domain") } == ["kept.example"]
    )
    #expect(try next.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
  }

  @Test func `starting anew keeps the old one beside it`() throws {
    let place = Place()
    do {
      let store = try TriageStore(path: place.database)
      try store.silence("b.example", until: Timestamp(seconds: 1_000))
    }
    #expect(try TriageStore.setAside(path: place.database) == place.database + ".old")
    #expect(try TriageStore(path: place.database).silenced(at: Timestamp(seconds: 1)).isEmpty)
    let old = try TriageStore(path: place.database + ".old")
    #expect(try old.silenced(at: Timestamp(seconds: 1)) == ["b.example"])
  }

  @Test func `the newest look at a queue replaces the one before, every fact kept`() throws {
    let store = try TriageStore(path: ":memory:")
    let base = Timestamp(microseconds: 1_772_442_845_123_456)
    func look(_ id: String) -> QueueSnapshot {
      QueueSnapshot(
        server: MailServerID("postfix"),
        path: "/var/spool/postfix",
        takenAt: base,
        messages: [
          QueuedMessage(
            queueID: id,
            state: .held,
            sender: "",
            arrivedAt: base,
            lifetimeBase: base.advanced(bySeconds: 5),
            notBefore: base.advanced(bySeconds: 300),
            lastAttemptAt: base.advanced(bySeconds: 9),
            attemptsMade: 3,
            size: 1834,
            messageID: "m@a.example",
            recipients: [
              QueuedRecipient(
                address: "b@b.example",
                reason: "mailbox \"full\"",
                enhancedStatus: EnhancedStatusCode("4.2.2")
              ), QueuedRecipient(address: "c@b.example", isDone: true),
            ],
            warningsSent: 1,
            wantsDelayWarning: false,
            requiresTLS: true,
            isForcedToExpire: true,
            warningDueAt: base.advanced(bySeconds: 3600)
          )
        ]
      )
    }
    try store.save(look("1E24040003"))
    try store.save(look("2F35151114"))
    let kept = try store.queueSnapshots()
    #expect(kept.map(\.messages) == [look("2F35151114").messages])
  }
}
