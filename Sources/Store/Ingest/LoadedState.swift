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
    let open = try RawStatement(
      db,
      "SELECT origin, queue_id FROM message WHERE ended_at IS NULL"
    )
    while try open.next() {
      if let id = open.bytes(1) {
        storedOpen.insert(QueueKey(origin: open.number(0), id: id))
      }
    }
    let evidence = try RawStatement(db, "SELECT domain, reply, cause FROM evidence")
    while try evidence.next() {
      let kind = EvidenceKey(
        domain: evidence.number(0),
        reply: evidence.number(1),
        cause: evidence.number(2)
      )
      evidenceKinds.insert(kind, true)
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
