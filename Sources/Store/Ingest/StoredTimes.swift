import GRDB

/// Where the store tells of which time, and how much of it may yet be searched.
///
/// What a search costs follows the rows that it looks at. Where rows are not in the order of time, as
/// in a log whose stamps jump about, each slice of time looks at many: what all of them may cost
/// follows the store and the lines that are read, and then nothing is compared any more.
struct StoredTimes {
  var attempts = Table("attempt", at: "at", end: "at")
  var notifications = Table("notification", at: "at", end: "at")
  var messages = Table(
    "message",
    at: "arrived_at",
    end: "coalesce(ended_at, 9223372036854775807)"
  )
  private(set) var isRead = false
  private var earned = 4_000_000

  /// Rows that may be looked at for each stored row, and for each event that is compared.
  private static let perRow = 16
  private static let perEvent = 32

  /// A table with the moments of its rows.
  struct Table {
    fileprivate var blocks: TimeBlocks
    /// Rows looked at so far.
    fileprivate var looked = 0

    fileprivate init(_ name: String, at: String, end: String) {
      blocks = TimeBlocks(table: name, at: at, end: end)
    }

    /// Calls `body` with each row that `sql` gives in blocks that may hold one, until it gives false.
    mutating func forEachRow(
      _ db: Database,
      _ sql: String,
      _ arguments: [Int64],
      in mayHold: (TimeBlocks.Block) -> Bool,
      _ body: (Row) -> Bool
    ) throws {
      let statement = try db.cachedStatement(sql: sql + " AND id BETWEEN ? AND ?")
      for block in blocks.blocks where mayHold(block) {
        looked += block.rows
        let rows = try Row.fetchCursor(
          statement,
          arguments: StatementArguments(arguments + [block.first, block.last])
        )
        while let row = try rows.next() {
          if !body(row) { return }
        }
      }
    }
  }

  /// Takes up what the store holds beyond what is known.
  mutating func extend(_ db: Database) throws {
    var rows = try attempts.blocks.extend(db)
    rows += try notifications.blocks.extend(db)
    rows += try messages.blocks.extend(db)
    earned += rows * StoredTimes.perRow
    isRead = true
  }

  /// Another source begins: the store may hold more by now.
  mutating func begin() { isRead = false }

  mutating func earn() { earned += StoredTimes.perEvent }

  /// Whether more may be searched.
  var maySearch: Bool {
    attempts.looked + notifications.looked + messages.looked < earned
  }

  /// How far the rows go that begin at `start`, as many as are wanted.
  func end(from start: Int64, atLeast: Int64, atMost: Int64, rows wanted: Int) -> Int64 {
    var end = atLeast
    var step: Int64 = 1_000_000
    while end < atMost {
      let next = min(end + step, atMost)
      let rows =
        attempts.blocks.rows(from: start, to: next) + messages.blocks.rows(from: start, to: next)
      if rows > Double(wanted) { break }
      end = next
      step *= 2
    }
    return end
  }
}
