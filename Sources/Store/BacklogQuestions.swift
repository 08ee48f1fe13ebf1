import GRDB
package import MailModel

/// How much deferred mail waited at some moments, by what the logs say.
package struct Backlog: Hashable, Sendable {
  /// Messages waiting for each of the domains asked for, one count per moment.
  package var byDomain: [String: [Int]]
  /// Messages waiting for any domain, one count per moment.
  package var total: [Int]
}

extension TriageStore {
  /// The backlog at `moments`, which ascend, of `domains` and of all. A message waits from its arrival
  /// to its end where it was deferred in between. One pass over the deferred recipients, whatever the
  /// number of moments and domains.
  package func backlog(at moments: [Timestamp], domains: [String]) throws -> Backlog {
    let steps = moments.map(\.microseconds)
    guard let first = steps.first, let last = steps.last else {
      return Backlog(byDomain: [:], total: [])
    }
    return try read { db in
      var wanted: [Int64: Int] = [:]
      for (index, name) in domains.enumerated() {
        if let id = try Int64.fetchOne(
          db,
          sql: "SELECT id FROM domain WHERE name = ?",
          arguments: [name]
        ) {
          wanted[id] = index
        }
      }
      // Changes from one moment to the next; their running sum is the count.
      var changes = domains.map { _ in steps.map { _ in 0 } }
      var all = steps.map { _ in 0 }
      // A message's recipients may lie apart.
      var counted: Set<Int64> = []
      var ends = domains.map { _ in [Int64: Int]() }
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT m.id, r.domain, m.arrived_at, m.ended_at,
            CASE WHEN r.status = 2 THEN m.ended_at
              ELSE min(coalesce(m.ended_at, r.last_at), r.last_at) END
          FROM recipient r
          JOIN message m ON m.id = r.message
          WHERE (r.previous_at IS NOT NULL OR r.status = 2)
            AND m.arrived_at <= ? AND (m.ended_at IS NULL OR m.ended_at > ?)
          """,
        arguments: [last, first]
      )
      while let row = try rows.next() {
        let arrived: Int64 = row[2]
        let from = TriageStore.firstIndex(in: steps, notBefore: arrived)
        let to = (row[3] as Int64?).map { TriageStore.firstIndex(in: steps, notBefore: $0) }
        if counted.insert(row[0]).inserted { TriageStore.count(from, to, &all) }
        guard let domain = wanted[row[1]] else { continue }
        // A recipient that is done waits no longer, though its message may go on for others.
        let done = (row[4] as Int64?).map { TriageStore.firstIndex(in: steps, notBefore: $0) }
        let end = done ?? steps.count
        if let known = ends[domain][row[0]] {
          guard end > known else { continue }
          ends[domain][row[0]] = end
          TriageStore.count(known, end, &changes[domain])
        } else {
          ends[domain][row[0]] = end
          TriageStore.count(from, end, &changes[domain])
        }
      }
      return Backlog(
        byDomain: Dictionary(
          zip(domains, changes.map(TriageStore.runningSum)),
          uniquingKeysWith: { first, _ in first }
        ),
        total: TriageStore.runningSum(all)
      )
    }
  }

  /// Deferred messages that waited at each moment, over all destinations, by what the logs say.
  package func waiting(at moments: [Timestamp]) throws -> [Int] {
    let ordered = Set(moments).sorted()
    let counts = Dictionary(
      zip(ordered, try backlog(at: ordered, domains: []).total),
      uniquingKeysWith: { first, _ in first }
    )
    return moments.map { counts[$0] ?? 0 }
  }

  /// Messages that waited at a moment, by recipient domain, by what the logs say: those that had
  /// arrived, were not done, and were deferred once or are now.
  package func waiting(at moment: Timestamp) throws -> [String: Int] {
    try read { db in
      var counts: [String: Int] = [:]
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT d.name, count(DISTINCT m.id) FROM message m
          JOIN recipient r ON r.message = m.id JOIN domain d ON d.id = r.domain
          WHERE m.arrived_at <= ?1 AND (m.ended_at IS NULL OR m.ended_at > ?1)
            AND (r.status = 2 OR (r.previous_at IS NOT NULL AND r.last_at > ?1))
          GROUP BY d.id
          """,
        arguments: [moment.microseconds]
      )
      while let row = try rows.next() { counts[row[0]] = row[1] }
      return counts
    }
  }

  private static func count(_ from: Int, _ to: Int?, _ changes: inout [Int]) {
    if changes.indices.contains(from) { changes[from] += 1 }
    if let to, changes.indices.contains(to) { changes[to] -= 1 }
  }

  private static func runningSum(_ changes: [Int]) -> [Int] {
    var sum = 0
    return changes.map {
      sum += $0
      return sum
    }
  }

  /// The index of the first step at or after `moment`; the count of steps where there is none.
  private static func firstIndex(in steps: [Int64], notBefore moment: Int64) -> Int {
    var low = 0
    var high = steps.count
    while low < high {
      let middle = (low + high) / 2
      if steps[middle] < moment { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
