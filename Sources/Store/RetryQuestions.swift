import GRDB
package import MailModel

extension TriageStore {
  /// What the log showed of a server's timers up to `now`, of the kinds that are asked for. Throws
  /// ``StoreError``.
  package func observations(
    _ kinds: Set<RetryObservations.Kind>,
    of server: MailServerID,
    before now: Timestamp
  ) throws -> RetryObservations {
    try read { db in
      func asked<Value>(_ kind: RetryObservations.Kind, _ look: () throws -> [Value]) rethrows
        -> [Value]
      {
        kinds.contains(kind) ? try look() : []
      }
      func moments(_ kinds: [ServerMarker.Kind], limit: Int) throws -> [Timestamp] {
        let list = kinds.map { String($0.rawValue) }.joined(separator: ",")
        return try Int64.fetchAll(
          db,
          sql: """
            SELECT k.at FROM marker k JOIN origin o ON o.id = k.origin
            WHERE o.server = ? AND k.kind IN (\(list)) AND k.at <= ? ORDER BY k.at DESC LIMIT ?
            """,
          arguments: [server.description, now.microseconds, limit]
        ).reversed().map { Timestamp(microseconds: $0) }
      }
      func values(_ kind: ServerMarker.Kind) throws -> [Double] {
        try Double.fetchAll(
          db,
          sql: """
            SELECT k.value FROM marker k JOIN origin o ON o.id = k.origin
            WHERE o.server = ? AND k.kind = ? AND k.value IS NOT NULL AND k.at <= ?
            ORDER BY k.at DESC LIMIT 200
            """,
          arguments: [server.description, kind.rawValue, now.microseconds]
        ).reversed()
      }
      return RetryObservations(
        queueRuns: try asked(.queueRuns) { try moments([.queueRun], limit: 400) },
        passes: try asked(.passes) { try TriageStore.passes(db, server: server, before: now) },
        starts: try asked(.starts) { try moments([.started, .reloaded], limit: 50) },
        expiries: try asked(.expiries) {
          try TriageStore.expiryBrackets(db, server: server, before: now)
        },
        firstExpiries: try asked(.firstExpiries) {
          try TriageStore.firstExpiries(db, server: server, before: now)
        },
        delayWarnings: try asked(.delayWarnings) {
          try TriageStore.warningBrackets(db, server: server, before: now)
        },
        statedLifetimes: try asked(.stated) { try values(.statedLifetime) },
        statedWarnings: try asked(.stated) { try values(.statedWarning) },
        statedQueueIntervals: try asked(.stated) { try values(.statedQueueInterval) },
        gaps: try asked(.gaps) { try TriageStore.gaps(db, server: server, before: now) }
      )
    }
  }

  private static func expiryBrackets(
    _ db: Database,
    server: MailServerID,
    before now: Timestamp
  ) throws -> [RetryObservations.AgeBracket] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT e.previous_age, e.age, m.sender = '' FROM expiry e
        JOIN recipient r ON r.id = e.recipient JOIN message m ON m.id = r.message
        JOIN origin o ON o.id = m.origin
        WHERE o.server = ? AND e.at <= ? AND m.original IS NULL ORDER BY e.at DESC LIMIT 400
        """,
      arguments: [server.description, now.microseconds]
    ).map {
      RetryObservations.AgeBracket(
        previousAge: $0[0] ?? 0,
        age: $0[1],
        isNullSender: ($0[2] as Bool?) ?? false
      )
    }
  }

  private static func warningBrackets(
    _ db: Database,
    server: MailServerID,
    before now: Timestamp
  ) throws -> [RetryObservations.AgeBracket] {
    // One walk over the attempts for all of them: no index of attempts is kept.
    try Row.fetchAll(
      db,
      sql: """
        WITH warned AS MATERIALIZED (
          SELECT n.id AS notice, n.at AS at, m.id AS message, m.arrived_at AS arrived_at
          FROM (SELECT * FROM notification WHERE kind = ? AND at <= ? ORDER BY at DESC LIMIT 60) n
          JOIN message m ON m.id = n.message JOIN origin o ON o.id = m.origin WHERE o.server = ?
        ), tried AS MATERIALIZED (
          SELECT r.message AS message, a.at AS at
          FROM attempt a CROSS JOIN recipient r ON r.id = a.recipient
          WHERE a.recipient IN (
            SELECT id FROM recipient WHERE message IN (SELECT message FROM warned))
        )
        SELECT at, arrived_at,
          (SELECT max(t.at) FROM tried t WHERE t.message = warned.message
            AND t.at < warned.at - 5000000)
        FROM warned ORDER BY at DESC, notice DESC
        """,
      arguments: [
        LoggedNotification.Kind.delay.rawValue, now.microseconds, server.description,
      ]
    ).map { row in
      let at: Int64 = row[0]
      let arrived: Int64 = row[1]
      let previous: Int64? = row[2]
      return RetryObservations.AgeBracket(
        previousAge: previous.map { Double($0 - arrived) / 1e6 } ?? 0,
        age: Double(at - arrived) / 1e6,
        isNullSender: false
      )
    }
  }

  /// Distances between the last two attempts of recipients that still wait or waited long.
  private static func gaps(
    _ db: Database,
    server: MailServerID,
    before now: Timestamp
  ) throws -> [(age: Double, gap: Double)] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT r.previous_at, r.last_at, m.arrived_at FROM recipient r
        JOIN message m ON m.id = r.message JOIN origin o ON o.id = m.origin
        WHERE o.server = ? AND r.previous_at IS NOT NULL AND r.last_at <= ?
        ORDER BY r.id DESC LIMIT 2000
        """,
      arguments: [server.description, now.microseconds]
    ).map { row in
      let previous: Int64 = row[0]
      let last: Int64 = row[1]
      let arrived: Int64 = row[2]
      return (Double(previous - arrived) / 1e6, Double(last - previous) / 1e6)
    }
  }
}
