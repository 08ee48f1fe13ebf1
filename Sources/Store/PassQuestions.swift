import GRDB
import MailModel

extension TriageStore {
  /// Result lines looked at, from the newest back: the passes of a queue that is larger are not told.
  private static let passLines = 40_000
  private static let passLimit = 8

  /// The newest passes over the queue of the host that logged last, oldest first, each with its
  /// messages in the order in which they were taken.
  static func passes(
    _ db: Database,
    server: MailServerID,
    before now: Timestamp
  ) throws -> [RetryObservations.QueueRun] {
    let marks = try Row.fetchAll(
      db,
      sql: """
        SELECT k.origin, k.at, k.source, k.offset FROM marker k
        JOIN origin o ON o.id = k.origin
        WHERE o.server = ? AND k.kind = ? AND k.at <= ? ORDER BY k.at DESC LIMIT ?
        """,
      arguments: [
        server.description, ServerMarker.Kind.queueRun.rawValue, now.microseconds,
        TriageStore.passLimit,
      ]
    )
    guard let newest = marks.first else { return [] }
    let origin: Int64 = newest[0]
    let starts = marks.filter { $0[0] == origin }.reversed().map { row in
      (at: row[1] as Int64, source: row[2] as Int64, offset: row[3] as Int64)
    }
    guard let first = starts.first else { return [] }
    let results = try TriageStore.results(
      db,
      origin: origin,
      from: first.at,
      to: now.microseconds
    )
    let warned = try TriageStore.warned(db, from: first.at, to: now.microseconds)
    return starts.indices.map { index in
      let start = starts[index]
      let next = index + 1 < starts.count ? starts[index + 1] : nil
      return RetryObservations.QueueRun(
        startedAt: Timestamp(microseconds: start.at),
        turns: TriageStore.turns(
          results.filter { result in
            let isAfter =
              result.source == start.source ? result.offset > start.offset : result.at > start.at
            let isBefore =
              next.map { next in
                result.source == next.source ? result.offset < next.offset : result.at < next.at
              } ?? true
            return isAfter && isBefore && result.arrivedAt < start.at
          },
          warned: warned.filter { $0.at >= start.at && $0.at < next?.at ?? Int64.max }.map(\.id)
        )
      )
    }
  }

  private struct PassResult {
    var queueID: String
    var arrivedAt: Int64
    var domain: String
    var at: Int64
    var facts: AttemptFacts
    var source: Int64
    var offset: Int64
  }

  private static func results(
    _ db: Database,
    origin: Int64,
    from: Int64,
    to: Int64
  ) throws -> [PassResult] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT m.queue_id, m.arrived_at, d.name, a.at, a.facts, a.source, a.offset
        FROM (SELECT * FROM attempt ORDER BY id DESC LIMIT ?) a
        JOIN recipient r ON r.id = a.recipient JOIN domain d ON d.id = r.domain
        JOIN message m ON m.id = r.message
        WHERE m.origin = ? AND a.at BETWEEN ? AND ? ORDER BY a.at, a.source, a.offset
        """,
      arguments: [passLines, origin, from, to]
    ).map { row in
      PassResult(
        queueID: row[0],
        arrivedAt: row[1],
        domain: row[2],
        at: row[3],
        facts: AttemptFacts(packed: row[4]),
        source: row[5],
        offset: row[6]
      )
    }
  }

  private static func warned(
    _ db: Database,
    from: Int64,
    to: Int64
  ) throws -> [(id: String, at: Int64)] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT m.queue_id, n.at FROM notification n JOIN message m ON m.id = n.message
        WHERE n.kind = ? AND n.at BETWEEN ? AND ?
        """,
      arguments: [LoggedNotification.Kind.delay.rawValue, from, to]
    ).map { ($0[0], $0[1]) }
  }

  private static func turns(
    _ results: [PassResult],
    warned: [String]
  ) -> [RetryObservations.QueueRun.Turn] {
    var turns: [RetryObservations.QueueRun.Turn] = []
    var places: [String: Int] = [:]
    let warned = Set(warned)
    for result in results {
      let place = places[result.queueID] ?? turns.count
      if place == turns.count {
        places[result.queueID] = place
        turns.append(
          RetryObservations.QueueRun.Turn(
            queueID: result.queueID,
            at: Timestamp(microseconds: result.at),
            triedDomains: [],
            wasWarned: warned.contains(result.queueID)
          )
        )
      }
      if result.facts.tried, !turns[place].triedDomains.contains(result.domain) {
        turns[place].triedDomains.append(result.domain)
      }
    }
    return turns
  }
}
