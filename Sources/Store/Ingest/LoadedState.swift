import GRDB
import MailModel

/// What a writer needs to know of the store before it goes on.
struct LoadedState {
  var names: IngestWriter.NameTables
  var origins: [(id: Int64, server: String, host: String)] = []
  var storedOpen: StoredOpen
  var spans: [IngestWriter.SourceOrigin: ClosedRange<Int64>] = [:]
  var evidenceKinds: SeededTable<EvidenceKey, Bool>
  var samplesPerSource: [Int64: Int] = [:]
  var lastMessage: Int64
  var lastRecipient: Int64
  var newest: Int64

  init(_ db: Database, seed: UInt64) throws {
    storedOpen = StoredOpen(seed: seed)
    evidenceKinds = SeededTable(seed: seed)
    names = IngestWriter.NameTables(
      domains: try NameTable(db, table: "domain", seed: seed, most: 200_000),
      relays: try NameTable(db, table: "relay", seed: seed &+ 1, most: 200_000),
      reasons: try NameTable(db, table: "reason", seed: seed &+ 2, most: 100_000)
    )
    for row in try Row.fetchAll(db, sql: "SELECT id, server, host FROM origin ORDER BY id") {
      origins.append((row[0], row[1], row[2]))
    }
    let open = try Row.fetchCursor(
      db,
      sql: "SELECT origin, queue_id FROM message WHERE ended_at IS NULL"
    )
    while let row = try open.next() {
      let origin: Int64 = row[0]
      var id: String = row[1]
      storedOpen.insert(id.withUTF8 { QueueKey(origin: origin, id: $0) })
    }
    for row in try Row.fetchAll(db, sql: "SELECT source, origin, oldest, newest FROM source_origin")
    {
      let key = IngestWriter.SourceOrigin(source: row[0], origin: row[1])
      let oldest: Int64 = row[2]
      spans[key] = oldest...max(oldest, row[3])
    }
    for row in try Row.fetchAll(db, sql: "SELECT domain, reply, cause FROM evidence") {
      evidenceKinds.insert(EvidenceKey(domain: row[0], reply: row[1], cause: row[2]), true)
    }
    for row in try Row.fetchAll(
      db,
      sql: "SELECT source, count(*) FROM not_understood GROUP BY source"
    ) {
      samplesPerSource[row[0]] = row[1]
    }
    lastMessage = try Int64.fetchOne(db, sql: "SELECT max(id) FROM message") ?? 0
    lastRecipient = try Int64.fetchOne(db, sql: "SELECT max(id) FROM recipient") ?? 0
    newest = try Int64.fetchOne(db, sql: "SELECT max(newest) FROM source") ?? Int64.min
  }
}

extension IngestWriter {
  /// An open message that is in the store only.
  func loadOpen(id: [UInt8], origin: Int64) throws -> OpenMessage? {
    try thread.read { db in
      let message = try db.cachedStatement(
        sql: "SELECT * FROM message WHERE ended_at IS NULL AND queue_id = ? AND origin = ?"
      )
      let row = try Row.fetchOne(
        message,
        arguments: [String(decoding: id, as: UTF8.self), origin]
      )
      return try row.map { try OpenMessage($0, db) }
    }
  }
}

extension OpenMessage {
  /// A message with its recipients from the store.
  convenience init(_ row: Row, _ db: Database) throws {
    let queueID: String = row["queue_id"]
    self.init()
    begin(
      row: row["id"],
      origin: row["origin"],
      queueID: queueID.utf8,
      arrivedAt: row["arrived_at"]
    )
    if let sender = row["sender"] as String? { setSender(sender.utf8) }
    if let messageID = row["message_id"] as String? { setMessageID(messageID.utf8) }
    size = row["size"]
    original = row["original"]
    isHeld = row["held"] == 1
    lastAt = row["last_at"]
    endedAt = row["ended_at"]
    restore(tries: row["tries"], lastTriedAt: row["last_try"])
    let recipients = try db.cachedStatement(
      sql: "SELECT * FROM recipient WHERE message = ? ORDER BY id"
    )
    for row in try Row.fetchAll(recipients, arguments: [self.row]) {
      let address: String = row["address"]
      add(address.utf8) { address in
        OpenRecipient(
          row: row["id"],
          address: address,
          domain: row["domain"],
          status: StoredStatus(rawValue: row["status"]) ?? .unknown,
          expiredAt: row["expired_at"],
          lastAttemptAt: row["last_at"],
          previousAttemptAt: row["previous_at"],
          isChanged: false
        )
      }
    }
  }
}
