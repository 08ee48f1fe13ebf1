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

  func add(to rows: inout RowBuffer) {
    rows.add(id)
    rows.add(text: path.utf8)
    rows.add(text: kind.utf8)
    rows.add(text: format.map { Array($0.utf8) })
    rows.add(Int64(headLength))
    rows.add(headHash)
    rows.add(Int64(tailLength))
    rows.add(tailHash)
    rows.add(cursor)
    rows.add(Int64(lines))
    rows.add(Int64(recognized))
    rows.add(Int64(unrecognized))
    rows.add(Int64(foreignLines))
    rows.add(oldest?.microseconds)
    rows.add(newest?.microseconds)
    rows.add(lastStamp?.microseconds)
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
