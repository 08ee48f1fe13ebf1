import GRDB

/// Of which moments the rows of a table tell, by blocks of rows: lines come in the order of time, and so
/// do rows, so that the rows of an hour are found without an index, in a few blocks.
struct TimeBlocks {
  /// Rows between two numbers.
  struct Block {
    var first: Int64
    var last: Int64
    var oldest: Int64
    var newest: Int64
    /// When the last of them ended.
    var end: Int64
    var rows: Int
  }

  private(set) var blocks: [Block] = []
  private var size = 4096
  private let table: String
  private let at: String
  private let end: String

  /// Blocks at most; when there are more, two become one.
  private static let most = 8192

  /// Of `table`, whose rows tell of the moments `at` to `end`, two pieces of SQL.
  init(table: String, at: String, end: String) {
    self.table = table
    self.at = at
    self.end = end
  }

  /// Takes up the rows that were added since the last call; gives their number.
  mutating func extend(_ db: Database) throws -> Int {
    let statement = try db.cachedStatement(
      sql: """
        SELECT min(id), max(id), min(at), max(at), max(until), count(*) FROM
          (SELECT id, \(at) AS at, \(end) AS until FROM \(table) WHERE id > ? ORDER BY id LIMIT ?)
        """
    )
    var added = 0
    while true {
      let row = try Row.fetchOne(statement, arguments: [blocks.last?.last ?? 0, size])
      guard let row, let rows: Int = row[5], rows > 0 else { return added }
      added += rows
      blocks.append(
        Block(
          first: row[0],
          last: row[1],
          oldest: row[2],
          newest: row[3],
          end: row[4],
          rows: rows
        )
      )
      if blocks.count > TimeBlocks.most { join() }
    }
  }

  private mutating func join() {
    size *= 2
    var joined: [Block] = []
    for start in stride(from: 0, to: blocks.count, by: 2) {
      var block = blocks[start]
      if start + 1 < blocks.count {
        let other = blocks[start + 1]
        block.last = other.last
        block.oldest = min(block.oldest, other.oldest)
        block.newest = max(block.newest, other.newest)
        block.end = max(block.end, other.end)
        block.rows += other.rows
      }
      joined.append(block)
    }
    blocks = joined
  }

  /// About how many rows tell of these moments.
  func rows(from: Int64, to: Int64) -> Double {
    var rows = 0.0
    for block in blocks where block.newest >= from && block.oldest <= to {
      let shared = min(to, block.newest) - max(from, block.oldest) + 1
      rows += Double(block.rows) * Double(shared) / Double(block.newest - block.oldest + 1)
    }
    return rows
  }
}
