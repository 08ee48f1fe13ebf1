import GRDB
package import MailModel

/// A log line as evidence.
package struct EvidenceLine: Hashable, Sendable {
  package var path: String
  package var offset: Int64
  package var text: String

  package init(path: String, offset: Int64, text: String) {
    self.path = path
    self.offset = offset
    self.text = text
  }
}

extension TriageStore {
  /// The line at a position: the copy that was kept, else read back from its file, else nil.
  package func line(at position: LinePosition) throws -> EvidenceLine? {
    // Thousands of them are asked for, and a transaction each would cost more than the answer.
    let found: (path: String, kept: String?)? = try lookUp { db in
      guard
        let path = try String.fetchOne(
          try db.cachedStatement(sql: "SELECT path FROM source WHERE id = ?"),
          arguments: [position.source]
        )
      else { return nil }
      let kept = try String.fetchOne(
        try db.cachedStatement(sql: "SELECT line FROM evidence WHERE source = ? AND offset = ?"),
        arguments: [position.source, position.offset]
      )
      return (path, kept)
    }
    guard let found else { return nil }
    if let kept = found.kept {
      return EvidenceLine(path: found.path, offset: position.offset, text: kept)
    }
    return TriageStore.readBack(found.path, offset: position.offset).map {
      EvidenceLine(path: found.path, offset: position.offset, text: $0)
    }
  }

  /// A line of a plain file, if one begins at that offset. Packed files are not unpacked for it: what
  /// does not begin as a stamp can is not told.
  private static func readBack(_ path: String, offset: Int64) -> String? {
    guard offset >= 0,
      let bytes = try? BoundedFile.bytes(path: path, from: max(0, offset - 1), count: 4097)
    else { return nil }
    var line = bytes[...]
    if offset > 0 {
      guard line.first == 0x0a else { return nil }
      line = line.dropFirst()
    }
    guard let end = line.firstIndex(of: 0x0a) ?? (line.isEmpty ? nil : line.endIndex) else {
      return nil
    }
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    let start = line[..<end].dropFirst(line.starts(with: mark) ? mark.count : 0).prefix(16)
    guard start.allSatisfy({ (0x20...0x7e).contains($0) }) else { return nil }
    return String(decoding: line[..<end], as: UTF8.self)
  }

  /// Lines that were not understood, as samples.
  package func linesNotUnderstood(limit: Int) throws -> [EvidenceLine] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT s.path, n.offset, n.line FROM not_understood n JOIN source s ON s.id = n.source
          ORDER BY n.source, n.offset LIMIT ?
          """,
        arguments: [limit]
      ).map { EvidenceLine(path: $0[0], offset: $0[1], text: $0[2]) }
    }
  }
}
