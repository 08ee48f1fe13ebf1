import GRDBSQLite

/// A value for SQLite, bound without a detour over a database value type.
enum BoundValue {
  case integer(Int64)
  case real(Double)
  case text([UInt8])
  case null

  init(_ value: Int64?) { self = value.map(BoundValue.integer) ?? .null }
  init(_ text: [UInt8]?) { self = text.map(BoundValue.text) ?? .null }
}

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
    guard code == SQLITE_OK else { throw RawStatement.failure(connection, code) }
  }

  deinit { sqlite3_finalize(statement) }

  func bind(_ value: BoundValue, at index: Int32) {
    switch value {
    case .integer(let number): sqlite3_bind_int64(statement, index, number)
    case .real(let number): sqlite3_bind_double(statement, index, number)
    case .text(let bytes):
      bytes.withUnsafeBytes { buffer in
        // SQLITE_TRANSIENT: SQLite copies before the buffer goes.
        _ = sqlite3_bind_text64(
          statement,
          index,
          buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            ?? UnsafePointer(bitPattern: 1),
          UInt64(buffer.count),
          unsafeBitCast(-1, to: sqlite3_destructor_type.self),
          UInt8(SQLITE_UTF8)
        )
      }
    case .null: sqlite3_bind_null(statement, index)
    }
  }

  /// Runs a statement that gives no rows.
  func run() throws {
    let code = sqlite3_step(statement)
    sqlite3_reset(statement)
    guard code == SQLITE_DONE || code == SQLITE_ROW else {
      throw RawStatement.failure(connection, code)
    }
  }

  static func failure(_ connection: OpaquePointer, _ code: Int32) -> SQLiteFailure {
    SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(connection)))
  }
}

/// Inserts rows 32 at a time: a statement per 32 rows costs far less than one per row.
struct BulkInsert {
  private static let rows = 32
  private let columns: Int
  private let many: RawStatement
  private let one: RawStatement
  private var waiting: [BoundValue] = []

  /// `INSERT` of `columns` into `table`, with a clause such as `ON CONFLICT …` at the end.
  init(
    _ connection: OpaquePointer,
    table: String,
    columns names: [String],
    conflict: String = "",
    verb: String = "INSERT"
  ) throws {
    columns = names.count
    let row = "(" + Array(repeating: "?", count: names.count).joined(separator: ",") + ")"
    func sql(_ count: Int) -> String {
      "\(verb) INTO \(table) (\(names.joined(separator: ","))) VALUES "
        + Array(repeating: row, count: count).joined(separator: ",") + " " + conflict
    }
    many = try RawStatement(connection, sql(BulkInsert.rows))
    one = try RawStatement(connection, sql(1))
    waiting.reserveCapacity(BulkInsert.rows * names.count)
  }

  /// Adds one row; it is written with the next 32, or by ``flush()``.
  mutating func add(_ row: BoundValue...) throws {
    waiting.append(contentsOf: row)
    guard waiting.count == BulkInsert.rows * columns else { return }
    for (index, value) in waiting.enumerated() { many.bind(value, at: Int32(index + 1)) }
    try many.run()
    waiting.removeAll(keepingCapacity: true)
  }

  /// Writes what waits.
  mutating func flush() throws {
    var at = 0
    while at < waiting.count {
      for column in 0..<columns { one.bind(waiting[at + column], at: Int32(column + 1)) }
      try one.run()
      at += columns
    }
    waiting.removeAll(keepingCapacity: true)
  }
}
