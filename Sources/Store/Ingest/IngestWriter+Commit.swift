import GRDB
import GRDBSQLite
package import MailModel

/// A source's cursor and counters, as they stand after the lines read so far.
package struct SourceCursor: Hashable, Sendable {
  package var id: Int64
  package var path: String
  package var kind: String
  package var format: String?
  package var headLength: Int
  package var headHash: Int64
  package var tailLength: Int
  package var tailHash: Int64
  /// The uncompressed offset up to which everything is in the store.
  package var cursor: Int64
  package var lines: Int
  package var recognized: Int
  package var unrecognized: Int
  package var foreignLines: Int
  package var oldest: Timestamp?
  package var newest: Timestamp?
  /// The stamp of the last line, from which years are counted on.
  package var lastStamp: Timestamp?

  package init(
    id: Int64,
    path: String,
    kind: String,
    format: String? = nil,
    headLength: Int,
    headHash: Int64,
    tailLength: Int = 0,
    tailHash: Int64 = 0,
    cursor: Int64 = 0,
    lines: Int = 0,
    recognized: Int = 0,
    unrecognized: Int = 0,
    foreignLines: Int = 0,
    oldest: Timestamp? = nil,
    newest: Timestamp? = nil,
    lastStamp: Timestamp? = nil
  ) {
    self.id = id
    self.path = path
    self.kind = kind
    self.format = format
    self.headLength = headLength
    self.headHash = headHash
    self.tailLength = tailLength
    self.tailHash = tailHash
    self.cursor = cursor
    self.lines = lines
    self.recognized = recognized
    self.unrecognized = unrecognized
    self.foreignLines = foreignLines
    self.oldest = oldest
    self.newest = newest
    self.lastStamp = lastStamp
  }
}

/// What a dialect remembers of one host, to be kept with the cursor.
package struct CarriedDialect: Hashable, Sendable {
  package var server: MailServerID
  package var host: String
  package var state: [UInt8]

  package init(server: MailServerID, host: String, state: [UInt8]) {
    self.server = server
    self.host = host
    self.state = state
  }
}

extension IngestWriter {
  /// Writes all that waits, with the cursors up to which it was read and what the dialects remember,
  /// in one transaction. Throws ``StoreError``; nothing is written then.
  package func commit(sources: [SourceCursor], states: [CarriedDialect]) throws {
    do {
      try store.database.write { db in
        guard let connection = db.sqliteConnection else { return }
        do {
          try writeRows(connection)
          try writeCursors(connection, sources: sources, states: states)
        } catch let failure as SQLiteFailure {
          throw DatabaseError(
            resultCode: ResultCode(rawValue: failure.code),
            message: failure.message
          )
        }
      }
    } catch {
      throw StoreError(error, path: store.path)
    }
    settle()
  }

  private func writeRows(_ connection: OpaquePointer) throws {
    try writeNames(connection)
    try writeMessages(connection)
    try writeAttempts(connection)
    try writeTallies(connection)
    try writeRest(connection)
  }

  private func writeNames(_ connection: OpaquePointer) throws {
    for table in ["domain", "relay", "reason"] {
      var insert = try BulkInsert(connection, table: table, columns: ["id", "name"])
      for name in pending.names where name.table == table {
        try insert.add(.integer(name.id), .text(name.name))
      }
      try insert.flush()
    }
    var insert = try BulkInsert(connection, table: "origin", columns: ["id", "server", "host"])
    for origin in newOrigins {
      try insert.add(
        .integer(origin.id),
        .text(Array(origin.server.utf8)),
        .text(Array(origin.host.utf8))
      )
    }
    try insert.flush()
  }

  private func writeMessages(_ connection: OpaquePointer) throws {
    var messages = try BulkInsert(
      connection,
      table: "message",
      columns: [
        "id", "origin", "queue_id", "arrived_at", "sender", "message_id", "size", "original",
        "held", "last_at", "ended_at",
      ],
      verb: "INSERT OR REPLACE"
    )
    var recipients = try BulkInsert(
      connection,
      table: "recipient",
      columns: [
        "id", "message", "address", "domain", "status", "expired_at", "last_at", "previous_at",
      ],
      verb: "INSERT OR REPLACE"
    )
    // In the order of their rows: the same log gives the same file, and B-trees grow at their end.
    let changed = (closing + open.values + overlaps.values.flatMap(\.loaded.values))
      .filter { $0.isNew || $0.isDirty || $0.recipients.contains { $0.isNew || $0.isDirty } }
      .sorted { $0.row < $1.row }
    for message in changed {
      try messages.add(
        .integer(message.row),
        .integer(message.origin),
        .text(message.queueID),
        .integer(message.arrivedAt),
        BoundValue(message.sender),
        BoundValue(message.messageID),
        BoundValue(message.size.map { Int64($0) }),
        BoundValue(message.original),
        .integer(message.isHeld ? 1 : 0),
        .integer(message.lastAt),
        BoundValue(message.endedAt)
      )
      for one in message.recipients where one.isNew || one.isDirty {
        try recipients.add(
          .integer(one.row),
          .integer(message.row),
          .text(one.address),
          .integer(one.domain),
          .integer(one.status.rawValue),
          BoundValue(one.expiredAt),
          BoundValue(one.lastAttemptAt),
          BoundValue(one.previousAttemptAt)
        )
      }
    }
    try messages.flush()
    try recipients.flush()
  }

  private func writeAttempts(_ connection: OpaquePointer) throws {
    var attempts = try BulkInsert(
      connection,
      table: "attempt",
      columns: [
        "recipient", "at", "facts", "relay", "reply", "cause", "status", "source", "offset",
        "cause_source", "cause_offset",
      ]
    )
    for one in pending.attempts {
      try attempts.add(
        .integer(one.recipient),
        .integer(one.at),
        .integer(one.facts.packed),
        .integer(one.relay),
        .integer(one.reply),
        .integer(one.cause),
        .integer(Int64(one.status)),
        .integer(one.position.source),
        .integer(one.position.offset),
        BoundValue(one.causePosition?.source),
        BoundValue(one.causePosition?.offset)
      )
    }
    try attempts.flush()
  }

  private func writeTallies(_ connection: OpaquePointer) throws {
    var tallies = try BulkInsert(
      connection,
      table: "tally",
      columns: [
        "hour", "origin", "domain", "relay", "facts", "status", "reply", "cause", "count", "first",
        "last", "source", "offset", "cause_source", "cause_offset",
      ],
      conflict: """
        ON CONFLICT DO UPDATE SET count = count + excluded.count,
          first = min(first, excluded.first), last = max(last, excluded.last)
        """
    )
    let ordered = pending.tallies.sorted { left, right in
      let (a, b) = (left.key, right.key)
      return (a.hour, a.origin, a.domain, a.relay, a.facts.packed, Int64(a.status))
        < (b.hour, b.origin, b.domain, b.relay, b.facts.packed, Int64(b.status))
    }
    for (key, value) in ordered {
      try tallies.add(
        .integer(key.hour),
        .integer(key.origin),
        .integer(key.domain),
        .integer(key.relay),
        .integer(key.facts.packed),
        .integer(Int64(key.status)),
        .integer(key.reply),
        .integer(key.cause),
        .integer(Int64(value.count)),
        .integer(value.first),
        .integer(value.last),
        .integer(value.position.source),
        .integer(value.position.offset),
        BoundValue(value.causePosition?.source),
        BoundValue(value.causePosition?.offset)
      )
    }
    try tallies.flush()
    var arrivals = try BulkInsert(
      connection,
      table: "arrival_tally",
      columns: ["hour", "origin", "count"],
      conflict: "ON CONFLICT DO UPDATE SET count = count + excluded.count"
    )
    for (key, count) in pending.arrivals {
      try arrivals.add(.integer(key.hour), .integer(key.origin), .integer(Int64(count)))
    }
    try arrivals.flush()
    var expiries = try BulkInsert(
      connection,
      table: "expiry_tally",
      columns: ["hour", "origin", "domain", "count"],
      conflict: "ON CONFLICT DO UPDATE SET count = count + excluded.count"
    )
    for (key, count) in pending.expiryTallies {
      try expiries.add(
        .integer(key.hour),
        .integer(key.origin),
        .integer(key.domain),
        .integer(Int64(count))
      )
    }
    try expiries.flush()
  }

  private func writeRest(_ connection: OpaquePointer) throws {
    var expiries = try BulkInsert(
      connection,
      table: "expiry",
      columns: ["recipient", "at", "age", "previous_age"]
    )
    for one in pending.expiries {
      try expiries.add(
        .integer(one.recipient),
        .integer(one.at),
        .real(one.age),
        one.previousAge.map(BoundValue.real) ?? .null
      )
    }
    try expiries.flush()
    var notifications = try BulkInsert(
      connection,
      table: "notification",
      columns: ["message", "kind", "at", "notice", "source", "offset"]
    )
    for one in pending.notifications {
      try notifications.add(
        .integer(one.message),
        .integer(Int64(one.kind.rawValue)),
        .integer(one.at),
        BoundValue(one.notice),
        .integer(one.position.source),
        .integer(one.position.offset)
      )
    }
    try notifications.flush()
    var markers = try BulkInsert(
      connection,
      table: "marker",
      columns: ["origin", "kind", "second", "at", "value", "source", "offset"],
      verb: "INSERT OR IGNORE"
    )
    for (key, one) in pending.markers {
      try markers.add(
        .integer(key.origin),
        .integer(Int64(key.kind.rawValue)),
        .integer(key.second),
        .integer(one.at),
        one.value.map(BoundValue.real) ?? .null,
        .integer(one.position.source),
        .integer(one.position.offset)
      )
    }
    try markers.flush()
    var evidence = try BulkInsert(
      connection,
      table: "evidence",
      columns: ["domain", "reply", "cause", "source", "offset", "line"],
      verb: "INSERT OR IGNORE"
    )
    for (key, one) in pending.evidence {
      try evidence.add(
        .integer(key.domain),
        .integer(key.reply),
        .integer(key.cause),
        .integer(one.position.source),
        .integer(one.position.offset),
        .text(one.line)
      )
    }
    try evidence.flush()
    try writeSamples(connection)
  }

  private func writeSamples(_ connection: OpaquePointer) throws {
    var samples = try BulkInsert(
      connection,
      table: "not_understood",
      columns: ["source", "offset", "line"],
      verb: "INSERT OR IGNORE"
    )
    for one in pending.notUnderstood {
      try samples.add(
        .integer(one.position.source),
        .integer(one.position.offset),
        .text(one.line)
      )
    }
    try samples.flush()
    var failures = try BulkInsert(
      connection,
      table: "session_failure",
      columns: ["origin", "hour", "side", "reason", "count"],
      conflict: "ON CONFLICT DO UPDATE SET count = count + excluded.count"
    )
    for (key, count) in pending.sessionFailures {
      try failures.add(
        .integer(key.origin),
        .integer(key.hour),
        .text(Array(key.side.rawValue.utf8)),
        .integer(key.reason),
        .integer(Int64(count))
      )
    }
    try failures.flush()
  }

  private func writeCursors(
    _ connection: OpaquePointer,
    sources: [SourceCursor],
    states: [CarriedDialect]
  ) throws {
    var cursors = try BulkInsert(
      connection,
      table: "source",
      columns: [
        "id", "path", "kind", "format", "head_length", "head_hash", "tail_length", "tail_hash",
        "cursor", "lines", "recognized", "unrecognized", "foreign_lines", "oldest", "newest",
        "last_stamp",
      ],
      verb: "INSERT OR REPLACE"
    )
    for one in sources {
      try cursors.add(
        .integer(one.id),
        .text(Array(one.path.utf8)),
        .text(Array(one.kind.utf8)),
        BoundValue(one.format.map { Array($0.utf8) }),
        .integer(Int64(one.headLength)),
        .integer(one.headHash),
        .integer(Int64(one.tailLength)),
        .integer(one.tailHash),
        .integer(one.cursor),
        .integer(Int64(one.lines)),
        .integer(Int64(one.recognized)),
        .integer(Int64(one.unrecognized)),
        .integer(Int64(one.foreignLines)),
        BoundValue(one.oldest?.microseconds),
        BoundValue(one.newest?.microseconds),
        BoundValue(one.lastStamp?.microseconds)
      )
    }
    try cursors.flush()
    let insert = try RawStatement(
      connection,
      "INSERT OR REPLACE INTO dialect_state (server, host, state) VALUES (?, ?, CAST(? AS BLOB))"
    )
    for one in states {
      insert.bind(.text(Array(one.server.description.utf8)), at: 1)
      insert.bind(.text(Array(one.host.utf8)), at: 2)
      insert.bind(.text(one.state), at: 3)
      try insert.run()
    }
    var spanRows = try BulkInsert(
      connection,
      table: "source_origin",
      columns: ["source", "origin", "oldest", "newest"],
      verb: "INSERT OR REPLACE"
    )
    for (key, span) in spans {
      try spanRows.add(
        .integer(key.source),
        .integer(key.origin),
        .integer(span.lowerBound),
        .integer(span.upperBound)
      )
    }
    try spanRows.flush()
  }

  /// After a commit: nothing waits, and memory keeps only messages that are likely to be met again.
  private func settle() {
    pending = PendingRows()
    newOrigins.removeAll()
    closing.removeAll(keepingCapacity: true)
    for message in open.values {
      message.isNew = false
      message.isDirty = false
      for index in message.recipients.indices {
        message.recipients[index].isNew = false
        message.recipients[index].isDirty = false
      }
    }
    for window in overlaps.values {
      for message in window.loaded.values {
        message.isDirty = false
        for index in message.recipients.indices {
          message.recipients[index].isNew = false
          message.recipients[index].isDirty = false
        }
      }
    }
    evict()
  }

  /// Leaves the messages that have been quiet longest to the store.
  private func evict() {
    guard open.count > IngestWriter.openLimit else { return }
    let ages = open.values.map(\.lastAt).sorted()
    let limit = ages[ages.count / 2]
    for (key, message) in open where message.lastAt <= limit {
      storedOpen.insert(key.hashForStore)
      open[key] = nil
    }
  }

  /// Open messages held in memory at most.
  static let openLimit = 60_000
}
