import FoundationEssentials
import GRDB
import MailModel

extension TriageStore {
  /// Every source with its cursor, in the order in which they were first met.
  package func sources() throws -> [SourceCursor] {
    try read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM source ORDER BY id").map(SourceCursor.init)
    }
  }

  /// What the dialects remember, by `server NUL host`.
  package func carriedStates() throws -> [String: [UInt8]] {
    try read { db in
      var states: [String: [UInt8]] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT server, host, state FROM dialect_state") {
        let server: String = row[0]
        let host: String = row[1]
        let state: Data = row[2]
        states["\(server)\u{0}\(host)"] = Array(state)
      }
      return states
    }
  }

  /// The sources that a file held when it was last read to its end, if it has not changed since.
  package func unchangedSources(_ file: SeenFile) throws -> [Int64]? {
    try read { db in
      try String.fetchOne(
        db,
        sql: """
          SELECT sources FROM seen_file
          WHERE path = ? AND device = ? AND inode = ? AND size = ? AND modified = ?
          """,
        arguments: [file.path, file.device, file.inode, file.size, file.modified]
      ).map { $0.split(separator: ",").compactMap { Int64($0) } }
    }
  }
}

extension SourceCursor {
  fileprivate init(_ row: Row) {
    self.init(
      id: row["id"],
      path: row["path"],
      kind: row["kind"],
      format: row["format"],
      headLength: row["head_length"],
      headHash: row["head_hash"],
      tailLength: row["tail_length"],
      tailHash: row["tail_hash"],
      cursor: row["cursor"],
      lines: row["lines"],
      recognized: row["recognized"],
      unrecognized: row["unrecognized"],
      foreignLines: row["foreign_lines"],
      oldest: (row["oldest"] as Int64?).map { Timestamp(microseconds: $0) },
      newest: (row["newest"] as Int64?).map { Timestamp(microseconds: $0) },
      lastStamp: (row["last_stamp"] as Int64?).map { Timestamp(microseconds: $0) }
    )
  }
}
