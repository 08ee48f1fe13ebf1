/// Rows of one table on their way to SQLite: plain cells and one arena for their bytes, so that a row
/// costs no allocation and the whole goes to another thread as it is.
struct RowBuffer: Sendable {
  /// A value, or where its bytes lie in the arena.
  struct Cell: Sendable {
    enum Kind: UInt8, Sendable {
      case null
      case integer
      case real
      case text
      case blob
    }

    var value: Int64
    var length: UInt32
    var kind: Kind
  }

  private(set) var cells: ContiguousArray<Cell> = []
  private(set) var arena: ContiguousArray<UInt8> = []

  var isEmpty: Bool { cells.isEmpty }

  /// Empties it and keeps its room.
  mutating func removeAll() {
    cells.removeAll(keepingCapacity: true)
    arena.removeAll(keepingCapacity: true)
  }

  mutating func add(_ value: Int64) {
    cells.append(Cell(value: value, length: 0, kind: .integer))
  }

  mutating func add(_ value: Int64?) {
    if let value { add(value) } else { addNull() }
  }

  mutating func add(real value: Double?) {
    guard let value else { return addNull() }
    cells.append(Cell(value: Int64(bitPattern: value.bitPattern), length: 0, kind: .real))
  }

  mutating func add(text bytes: some Collection<UInt8>) { add(bytes, kind: .text) }

  mutating func add(text bytes: [UInt8]?) {
    if let bytes { add(bytes, kind: .text) } else { addNull() }
  }

  /// A piece of `texts`.
  mutating func add(text range: Range<Int>?, of texts: [UInt8]) {
    if let range { add(texts[range], kind: .text) } else { addNull() }
  }

  mutating func add(blob bytes: [UInt8]) { add(bytes, kind: .blob) }

  private mutating func addNull() { cells.append(Cell(value: 0, length: 0, kind: .null)) }

  private mutating func add(_ bytes: some Collection<UInt8>, kind: Cell.Kind) {
    let start = arena.count
    arena.append(contentsOf: bytes)
    let length = UInt32(clamping: arena.count - start)
    cells.append(Cell(value: Int64(start), length: length, kind: kind))
  }
}
