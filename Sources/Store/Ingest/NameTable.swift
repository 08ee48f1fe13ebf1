import GRDB

/// Interned names of one kind: domains, relays or reasons. There is a limit, since they come from
/// outside: what comes beyond it shares one entry.
struct NameTable {
  private var known: ByteInterner
  private var next: Int64
  private let most: Int

  /// Loads the names that the store holds.
  init(_ db: Database, table: String, seed: UInt64, most: Int) throws {
    self.most = most
    known = ByteInterner(seed: seed)
    next = 0
    let rows = try Row.fetchCursor(db, sql: "SELECT id, name FROM \(table)")
    while let row = try rows.next() {
      let id: Int64 = row[0]
      var name: String = row[1]
      name.withUTF8 { known.insert($0, value: id) }
      next = max(next, id)
    }
  }

  /// The number of `name`; a new one is added to `added` for the next commit.
  mutating func id(_ name: UnsafeBufferPointer<UInt8>, added: inout RowBuffer) -> Int64 {
    if let id = known.value(of: name) { return id }
    if known.count >= most {
      let shared = Array("(more than are kept)".utf8)
      return shared.withUnsafeBufferPointer { shared in
        if let id = known.value(of: shared) { return id }
        return insert(shared, added: &added)
      }
    }
    return insert(name, added: &added)
  }

  private mutating func insert(
    _ name: UnsafeBufferPointer<UInt8>,
    added: inout RowBuffer
  ) -> Int64 {
    next += 1
    known.insert(name, value: next)
    added.add(next)
    added.add(text: name)
    return next
  }
}
