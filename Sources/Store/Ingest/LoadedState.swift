import FoundationEssentials
import GRDB
import MailModel

/// What a writer needs to know of the store before it goes on.
struct LoadedState {
  var names: IngestWriter.NameTables
  var origins: [(id: Int64, server: String, host: String)] = []
  var storedOpen: StoredOpen
  var spans = ToldSpans()
  var evidenceKinds: SeededTable<EvidenceKey, Bool>
  var samplesPerSource: [Int64: Int] = [:]
  var lastMessage: Int64
  var lastRecipient: Int64
  var newest: Int64

  init(_ db: Database, seed: UInt64) throws {
    storedOpen = StoredOpen(seed: seed)
    evidenceKinds = SeededTable(seed: seed)
    names = IngestWriter.NameTables(
      domains: try NameTable(db, table: "domain", seed: seed, limits: .domains),
      relays: try NameTable(db, table: "relay", seed: seed &+ 1, limits: .relays),
      reasons: try NameTable(db, table: "reason", seed: seed &+ 2, limits: .reasons)
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
    try loadSpans(db)
  }

  /// Only those whose detail is still there: with older ones nothing can be compared.
  private mutating func loadSpans(_ db: Database) throws {
    let detail = newest > Int64.min ? IngestWriter.detailStart(before: newest) : Int64.min
    let rows = try Row.fetchCursor(
      db,
      sql: "SELECT source, origin, oldest, newest FROM source_origin WHERE newest >= ?",
      arguments: [detail]
    )
    while let row = try rows.next() {
      let key = IngestWriter.SourceOrigin(source: row[0], origin: row[1])
      let oldest: Int64 = row[2]
      spans[key] = oldest...max(oldest, row[3])
    }
  }
}

extension IngestWriter {
  /// An open message that is in the store only.
  mutating func loadOpen(id: [UInt8], origin: Int64) throws -> OpenMessage? {
    try recall { db in
      let message = try db.cachedStatement(
        sql: OpenMessage.select + " WHERE ended_at IS NULL AND queue_id = ? AND origin = ?"
      )
      return try Row.fetchOne(
        message,
        arguments: [String(decoding: id, as: UTF8.self), origin]
      )
    }
  }

  /// The message that a question to the store gives, with as many of its recipients as may be
  /// recalled.
  mutating func recall(_ question: (Database) throws -> Row?) throws -> OpenMessage? {
    let most = recall.most
    let message = try thread.read { db in
      try question(db).map { try OpenMessage($0, db, most: most) }
    }
    guard let message else { return nil }
    recall.count(message.recipients.count)
    taken += message.weight
    return message
  }
}

/// How many recipients may be read back from the store. A log can name message after message of which
/// the store knows thousands of recipients: what that may cost follows the lines of the log. Beyond it
/// a message comes without some of its recipients, and they are taken for new ones.
struct RecallAllowance {
  private var rows = 1_000_000

  /// For each attempt.
  private static let perAttempt = 16

  /// For the next message.
  var most: Int { max(rows, RecallAllowance.perAttempt) }

  mutating func earn() { rows = min(rows + RecallAllowance.perAttempt, 4_000_000) }

  mutating func count(_ recipients: Int) { rows = max(rows - recipients, 0) }
}

extension OpenMessage {
  /// The columns that ``init(_:_:most:)`` takes, by their place: looking names up costs more than
  /// reading the row.
  static let select = """
    SELECT id, origin, queue_id, arrived_at, sender, message_id, size, original, held, last_at,
      ended_at, tries, last_try
    FROM message
    """

  /// A message with its recipients from the store, `most` at most; `row` as ``select`` gives it.
  convenience init(_ row: Row, _ db: Database, most: Int) throws {
    let queueID: String = row[2]
    self.init()
    begin(row: row[0], origin: row[1], queueID: queueID.utf8, arrivedAt: row[3])
    if let sender = row[4] as String? { setSender(sender.utf8) }
    if let messageID = row[5] as String? { setMessageID(messageID.utf8) }
    size = row[6]
    original = row[7]
    isHeld = row[8] == 1
    lastAt = row[9]
    endedAt = row[10]
    restore(tries: row[11], lastTriedAt: row[12])
    let recipients = try db.cachedStatement(
      sql: """
        SELECT id, CAST(address AS BLOB), domain, status, expired_at, last_at, previous_at
        FROM recipient WHERE message = ? ORDER BY id LIMIT ?
        """
    )
    let rows = try Row.fetchCursor(recipients, arguments: [self.row, most])
    while let row = try rows.next() {
      let address: Data = row[1]
      add(address) { address in
        OpenRecipient(
          row: row[0],
          address: address,
          domain: row[2],
          status: StoredStatus(rawValue: row[3]) ?? .unknown,
          expiredAt: row[4],
          lastAttemptAt: row[5],
          previousAttemptAt: row[6],
          isChanged: false
        )
      }
    }
  }
}
