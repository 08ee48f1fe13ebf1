import GRDB

/// Interned names of one kind: domains, relays or reasons. There are limits, since they come from
/// outside: what comes beyond them shares one entry.
struct NameTable {
  private var known: ByteInterner
  private var next: Int64
  private let limits: Limits
  /// A name shared the entry of what is beyond the limits.
  var hasOverflow = false

  /// How many names are kept, how many bytes of them, and how many bytes of one.
  struct Limits {
    var names: Int
    var bytes: Int
    var longest: Int

    static let domains = Limits(names: 200_000, bytes: 8 << 20, longest: 255)
    /// A host's name with its address and port.
    static let relays = Limits(names: 200_000, bytes: 8 << 20, longest: 320)
    static let reasons = Limits(names: 100_000, bytes: 8 << 20, longest: 1280)
  }

  /// What all names beyond the limits are called.
  static let shared = "(more than are kept)"

  /// Loads the names that the store holds.
  init(_ db: Database, table: String, seed: UInt64, limits: Limits) throws {
    self.limits = limits
    known = ByteInterner(seed: seed)
    next = 0
    let rows = try RawStatement(db, "SELECT id, name FROM \(table)")
    while try rows.next() {
      let id = rows.number(0)
      // As bytes: they need not be UTF-8.
      if let name = rows.bytes(1) { known.insert(name, value: id) }
      next = max(next, id)
    }
  }

  /// Names known.
  var count: Int { known.count }
  /// The bytes of all of them.
  var byteCount: Int { known.byteCount }

  /// The number of `name`; a new one is added to `added` for the next commit.
  mutating func id(_ name: UnsafeBufferPointer<UInt8>, added: inout RowBuffer) -> Int64 {
    let name = UnsafeBufferPointer(rebasing: name.prefix(limits.longest))
    if let id = known.value(of: name) { return id }
    if known.count >= limits.names || known.byteCount >= limits.bytes {
      hasOverflow = true
      let shared = Array(NameTable.shared.utf8)
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
