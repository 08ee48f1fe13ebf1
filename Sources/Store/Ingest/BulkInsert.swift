/// Inserts rows 32 at a time: a statement per 32 rows costs far less than one per row.
final class BulkInsert {
  private static let rows = 32
  private let columns: Int
  private let many: RawStatement
  private let one: RawStatement

  init(_ connection: OpaquePointer, into table: IngestTable) throws {
    columns = table.columns.count
    let row = "(" + Array(repeating: "?", count: columns).joined(separator: ",") + ")"
    func sql(_ count: Int) -> String { table.statement(Array(repeating: row, count: count)) }
    many = try RawStatement(connection, sql(BulkInsert.rows))
    one = try RawStatement(connection, sql(1))
  }

  /// Writes all rows of `buffer`.
  func write(_ buffer: RowBuffer) throws {
    defer {
      many.clear()
      one.clear()
    }
    try buffer.cells.withUnsafeBufferPointer { cells in
      try buffer.arena.withUnsafeBufferPointer { arena in
        // SQLite takes a null pointer for NULL: an empty text needs some address.
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) { nowhere in
          guard let bytes = arena.baseAddress ?? UnsafePointer(nowhere.baseAddress) else { return }
          try write(cells, bytes)
        }
      }
    }
  }

  private func write(
    _ cells: UnsafeBufferPointer<RowBuffer.Cell>,
    _ arena: UnsafePointer<UInt8>
  ) throws {
    var at = 0
    while at < cells.count {
      let (statement, width) =
        cells.count - at >= BulkInsert.rows * columns
        ? (many, BulkInsert.rows * columns) : (one, columns)
      for index in 0..<width {
        statement.bind(cells[at + index], arena: arena, at: Int32(truncatingIfNeeded: index + 1))
      }
      try statement.run()
      at += width
    }
  }
}
