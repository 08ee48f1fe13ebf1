import GRDB

/// The names behind the numbers of rows, loaded once: a row is then a few integers to read.
struct StoredNames {
  let domains: [Int64: String]
  let relays: [Int64: String]
  let reasons: [Int64: String]

  init(_ db: Database) throws {
    func load(_ table: String) throws -> [Int64: String] {
      var names: [Int64: String] = [:]
      let rows = try Row.fetchCursor(db, sql: "SELECT id, name FROM \(table)")
      while let row = try rows.next() { names[row[0]] = row[1] }
      return names
    }
    domains = try load("domain")
    relays = try load("relay")
    reasons = try load("reason")
  }
}
