import GRDB
package import MailModel

extension TriageStore {
  /// Messages that waited for a domain at each moment, for the domains with the most; a message waits
  /// from its arrival to its end where it was deferred in between.
  package func backlog(
    at moments: [Timestamp],
    domains: [String]
  ) throws -> [String: [Int]] {
    guard let first = moments.first, let last = moments.last, !domains.isEmpty else { return [:] }
    return try read { db in
      var counts: [String: [Int]] = [:]
      for domain in domains {
        var steps = moments.map { _ in 0 }
        let rows = try Row.fetchCursor(
          db,
          sql: """
            SELECT DISTINCT m.id, m.arrived_at, m.ended_at FROM recipient r
            JOIN message m ON m.id = r.message JOIN domain d ON d.id = r.domain
            WHERE d.name = ? AND m.arrived_at <= ? AND coalesce(m.ended_at, ?) >= ?
              AND (r.previous_at IS NOT NULL OR r.status = 2)
            """,
          arguments: [domain, last.microseconds, Int64.max, first.microseconds]
        )
        while let row = try rows.next() {
          let arrived: Int64 = row[1]
          let ended: Int64? = row[2]
          for (index, moment) in moments.enumerated()
          where arrived <= moment.microseconds && (ended.map { $0 > moment.microseconds } ?? true) {
            steps[index] += 1
          }
        }
        counts[domain] = steps
      }
      return counts
    }
  }

  /// Deferred messages that waited at each moment, over all destinations, by what the logs say.
  package func waiting(at moments: [Timestamp]) throws -> [Int] {
    try read { db in
      try moments.map { moment in
        try Int.fetchOne(
          db,
          sql: """
            SELECT count(*) FROM message m
            WHERE m.arrived_at <= ?1 AND (m.ended_at IS NULL OR m.ended_at > ?1)
              AND EXISTS (SELECT 1 FROM recipient r WHERE r.message = m.id
                AND (r.previous_at IS NOT NULL OR r.status = 2))
            """,
          arguments: [moment.microseconds]
        ) ?? 0
      }
    }
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
}
