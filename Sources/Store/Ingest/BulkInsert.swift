import GRDBSQLite

/// An error code of SQLite with its text.
struct SQLiteFailure: Error {
  var code: Int32
  var message: String
}

/// A prepared statement on a raw connection, finalised with its owner.
final class RawStatement {
  private var statement: OpaquePointer?
  private let connection: OpaquePointer

  init(_ connection: OpaquePointer, _ sql: String) throws {
    self.connection = connection
    let code = sqlite3_prepare_v3(
      connection,
      sql,
      -1,
      UInt32(SQLITE_PREPARE_PERSISTENT),
      &statement,
      nil
    )
    guard code == SQLITE_OK else {
      throw SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(connection)))
    }
  }

  deinit { sqlite3_finalize(statement) }

  /// Binds a cell whose bytes stay where they are until ``clear()``.
  @inline(__always)
  func bind(_ cell: RowBuffer.Cell, arena: UnsafePointer<UInt8>, at index: Int32) {
    switch cell.kind {
    case .integer: sqlite3_bind_int64(statement, index, cell.value)
    case .real:
      sqlite3_bind_double(statement, index, Double(bitPattern: UInt64(bitPattern: cell.value)))
    case .null: sqlite3_bind_null(statement, index)
    case .text:
      let start = UnsafeRawPointer(arena + Int(cell.value)).assumingMemoryBound(to: CChar.self)
      sqlite3_bind_text64(statement, index, start, UInt64(cell.length), nil, UInt8(SQLITE_UTF8))
    case .blob:
      sqlite3_bind_blob64(statement, index, arena + Int(cell.value), UInt64(cell.length), nil)
    }
  }

  /// Runs a statement that gives no rows.
  func run() throws {
    let code = sqlite3_step(statement)
    sqlite3_reset(statement)
    guard code == SQLITE_DONE || code == SQLITE_ROW else {
      throw SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(connection)))
    }
  }

  /// Lets go of what is bound.
  func clear() { sqlite3_clear_bindings(statement) }
}

/// Inserts rows 32 at a time: a statement per 32 rows costs far less than one per row.
final class BulkInsert {
  private static let rows = 32
  private let columns: Int
  private let many: RawStatement
  private let one: RawStatement

  init(_ connection: OpaquePointer, into table: IngestTable) throws {
    let names = table.columns
    columns = names.count
    let row = "(" + Array(repeating: "?", count: names.count).joined(separator: ",") + ")"
    func sql(_ count: Int) -> String {
      "\(table.verb) INTO \(table.name) (\(names.joined(separator: ","))) VALUES "
        + Array(repeating: row, count: count).joined(separator: ",") + " " + table.conflict
    }
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
