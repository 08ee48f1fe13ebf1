import GRDB
import GRDBSQLite

/// An error code of SQLite with its text.
struct SQLiteFailure: Error {
  var code: Int32
  var message: String

  /// What a connection says that is not open any more.
  static let closed = SQLiteFailure(code: SQLITE_MISUSE, message: "the connection is closed")
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

  convenience init(_ db: Database, _ sql: String) throws {
    guard let connection = db.sqliteConnection else { throw SQLiteFailure.closed }
    try self.init(connection, sql)
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

  /// Binds a number.
  @inline(__always)
  func bind(_ value: Int64, at index: Int32) { sqlite3_bind_int64(statement, index, value) }

  /// Binds a text whose bytes stay where they are until ``clear()``.
  func bind(_ text: UnsafeBufferPointer<UInt8>, at index: Int32) {
    // SQLite takes a null pointer for NULL.
    guard let start = text.baseAddress else {
      sqlite3_bind_text64(statement, index, "", 0, RawStatement.copied, UInt8(SQLITE_UTF8))
      return
    }
    let characters = UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
    sqlite3_bind_text64(
      statement,
      index,
      characters,
      UInt64(text.count),
      nil,
      UInt8(SQLITE_UTF8)
    )
  }

  /// SQLITE_TRANSIENT.
  private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  /// Goes to the next row; false behind the last one. ``reset()`` follows it.
  func next() throws -> Bool {
    let code = sqlite3_step(statement)
    guard code == SQLITE_DONE || code == SQLITE_ROW else {
      throw SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(connection)))
    }
    return code == SQLITE_ROW
  }

  /// Ends the question, so that its transaction may end.
  func reset() { sqlite3_reset(statement) }

  /// Calls `body` with each row.
  func forEachRow(_ body: () throws -> Void) throws {
    defer { reset() }
    while try next() { try body() }
  }

  /// A number of the present row; 0 for NULL.
  @inline(__always)
  func number(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

  /// A number of the present row, or nil for NULL.
  @inline(__always)
  func numberOrNil(_ column: Int32) -> Int64? {
    sqlite3_column_type(statement, column) == SQLITE_NULL ? nil : number(column)
  }

  /// The bytes of a text of the present row, as they were stored, until the next one; nil for NULL.
  @inline(__always)
  func bytes(_ column: Int32) -> UnsafeBufferPointer<UInt8>? {
    guard sqlite3_column_type(statement, column) != SQLITE_NULL else { return nil }
    let start = sqlite3_column_blob(statement, column)
    return UnsafeBufferPointer(
      start: start?.assumingMemoryBound(to: UInt8.self),
      count: start == nil ? 0 : Int(sqlite3_column_bytes(statement, column))
    )
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
