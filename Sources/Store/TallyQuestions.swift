import GRDB
package import MailModel

/// A window of time; open ends reach as far as the store does.
package struct Window: Hashable, Sendable {
  package var from: Timestamp?
  package var to: Timestamp?

  package init(from: Timestamp? = nil, to: Timestamp? = nil) {
    self.from = from
    self.to = to
  }

  /// From a moment up to, and without, another: whole days and hours, which the counts by hour answer
  /// without a look at single attempts.
  package init(from: Timestamp, before end: Timestamp) {
    self.init(from: from, to: Timestamp(microseconds: max(end.microseconds, Int64.min + 1) - 1))
  }

  /// Whether a moment lies in it.
  package func contains(_ moment: Timestamp) -> Bool {
    (from.map { moment >= $0 } ?? true) && (to.map { moment <= $0 } ?? true)
  }

  var low: Int64 { from?.microseconds ?? Int64.min }
  var high: Int64 { to?.microseconds ?? Int64.max }
}

extension TriageStore {
  /// What was tried, counted by hour and kind. Hours that the window cuts are counted attempt by
  /// attempt where the store still holds them.
  package func tallies(in window: Window) throws -> [AttemptTally] {
    try read { db in
      let names = try TallyNames(db)
      var tallies: [AttemptTally] = []
      let rows = try Row.fetchCursor(
        db,
        sql: TriageStore.tallySelect + " WHERE first >= ? AND last <= ?",
        arguments: [window.low, window.high]
      )
      while let row = try rows.next() { tallies.append(names.tally(row)) }
      guard window.from != nil || window.to != nil else { return tallies }
      return tallies + (try TriageStore.cutTallies(db, window, names))
    }
  }

  private static let tallySelect = """
    SELECT hour, origin, domain, relay, facts, status, reply, cause, count, first, last, source,
      offset, cause_source, cause_offset
    FROM tally
    """

  /// Tallies of hours that the window cuts, rebuilt from their attempts.
  private static func cutTallies(
    _ db: Database,
    _ window: Window,
    _ names: TallyNames
  ) throws -> [AttemptTally] {
    let cut = try Row.fetchAll(
      db,
      sql: tallySelect + """
         WHERE last >= ? AND first <= ? AND NOT (first >= ? AND last <= ?)
        """,
      arguments: [window.low, window.high, window.low, window.high]
    )
    guard !cut.isEmpty else { return [] }
    var counted: [CutKey: (count: Int, first: Int64, last: Int64)] = [:]
    let attempts = try Row.fetchCursor(
      db,
      sql: """
        SELECT m.origin, r.domain, a.relay, a.facts, a.status, a.reply, a.cause, a.at
        FROM attempt a JOIN recipient r ON r.id = a.recipient JOIN message m ON m.id = r.message
        WHERE a.at BETWEEN ? AND ?
        """,
      arguments: [window.low, window.high]
    )
    while let row = try attempts.next() {
      let at: Int64 = row[7]
      let key = CutKey(
        hour: at.hour,
        origin: row[0],
        domain: row[1],
        relay: row[2],
        facts: row[3],
        status: row[4],
        reply: row[5],
        cause: row[6]
      )
      let known = counted[key] ?? (0, at, at)
      counted[key] = (known.count + 1, min(known.first, at), max(known.last, at))
    }
    return cut.compactMap { row in
      let key = CutKey(
        hour: row["hour"],
        origin: row["origin"],
        domain: row["domain"],
        relay: row["relay"],
        facts: row["facts"],
        status: row["status"],
        reply: row["reply"],
        cause: row["cause"]
      )
      guard let found = counted[key] else { return nil }
      var tally = names.tally(row)
      tally.count = found.count
      tally.first = Timestamp(microseconds: found.first)
      tally.last = Timestamp(microseconds: found.last)
      return tally
    }
  }

  private struct CutKey: Hashable {
    var hour: Int64
    var origin: Int64
    var domain: Int64
    var relay: Int64
    var facts: Int64
    var status: Int64
    var reply: Int64
    var cause: Int64
  }

  /// Recipients whose message ran out of time, by domain.
  package func expiries(in window: Window) throws -> [String: Int] {
    try read { db in
      var counts: [String: Int] = [:]
      for row in try Row.fetchAll(
        db,
        sql: """
          SELECT d.name, sum(e.count) FROM expiry_tally e JOIN domain d ON d.id = e.domain
          WHERE e.hour BETWEEN ? AND ? GROUP BY d.name
          """,
        arguments: [
          window.from?.microseconds.hour ?? Int64.min, window.to?.microseconds.hour ?? Int64.max,
        ]
      ) {
        counts[row[0]] = row[1]
      }
      return counts
    }
  }

  /// Messages that arrived, by hour (hours since the epoch).
  package func arrivals(in window: Window) throws -> [Int64: Int] {
    try read { db in
      var counts: [Int64: Int] = [:]
      for row in try Row.fetchAll(
        db,
        sql: "SELECT hour, sum(count) FROM arrival_tally WHERE hour BETWEEN ? AND ? GROUP BY hour",
        arguments: [
          window.from?.microseconds.hour ?? Int64.min, window.to?.microseconds.hour ?? Int64.max,
        ]
      ) {
        counts[row[0]] = row[1]
      }
      return counts
    }
  }

  /// Messages and recipients known in the window.
  package func messageCounts(in window: Window) throws -> (messages: Int, recipients: Int) {
    try read { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT (SELECT count(*) FROM message WHERE last_at >= ? AND arrived_at <= ?),
            (SELECT count(*) FROM recipient r JOIN message m ON m.id = r.message
             WHERE m.last_at >= ? AND m.arrived_at <= ?)
          """,
        arguments: [window.low, window.high, window.low, window.high]
      )
      return (row?[0] ?? 0, row?[1] ?? 0)
    }
  }

  /// Starts, reloads and other markers, oldest first; queue runs are left out.
  package func serverMoments(in window: Window) throws -> [(at: Timestamp, kind: ServerMarker.Kind)]
  {
    try read { db in
      try Row.fetchAll(
        db,
        sql: "SELECT at, kind FROM marker WHERE at BETWEEN ? AND ? AND kind <> ? ORDER BY at",
        arguments: [window.low, window.high, ServerMarker.Kind.queueRun.rawValue]
      ).map { (Timestamp(microseconds: $0[0]), ServerMarker.Kind(rawValue: $0[1]) ?? .started) }
    }
  }

  /// What the log showed of a server's timers.
  package func retryObservations(server: MailServerID, before now: Timestamp) throws
    -> RetryObservations
  {
    try read { db in
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
        queueRuns: try moments([.queueRun], limit: 400),
        starts: try moments([.started, .reloaded], limit: 50),
        expiries: try TriageStore.expiryBrackets(db, server: server, before: now),
        delayWarnings: try TriageStore.warningBrackets(db, server: server, before: now),
        statedLifetimes: try values(.statedLifetime),
        statedWarnings: try values(.statedWarning),
        statedQueueIntervals: try values(.statedQueueInterval),
        gaps: try TriageStore.gaps(db, server: server, before: now)
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

/// The names behind a tally's numbers, loaded once: a row is then a few integers to read.
private struct TallyNames {
  private var origins: [Int64: (server: MailServerID, host: String)] = [:]
  private var domains: [Int64: String]
  private var relays: [Int64: String]
  private var reasons: [Int64: String]

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
    for row in try Row.fetchAll(db, sql: "SELECT id, server, host FROM origin") {
      origins[row[0]] = (MailServerID(row[1]), row[2])
    }
  }

  func tally(_ row: Row) -> AttemptTally {
    let origin = origins[row[1]] ?? (MailServerID(""), "")
    let facts = AttemptFacts(packed: row[4])
    let causeSource: Int64? = row[13]
    var cause: LinePosition?
    if let causeSource, let offset = row[14] as Int64? {
      cause = LinePosition(source: causeSource, offset: offset)
    }
    return AttemptTally(
      server: origin.server,
      host: origin.host,
      domain: domains[row[2]] ?? "",
      relay: relays[row[3]] ?? "",
      outcome: facts.outcome,
      tried: facts.tried,
      security: facts.security,
      enhancedStatus: EnhancedStatusCode(packed: row[5]),
      reply: reasons[row[6]] ?? "",
      cause: reasons[row[7]] ?? "",
      count: row[8],
      first: Timestamp(microseconds: row[9]),
      last: Timestamp(microseconds: row[10]),
      sample: LinePosition(source: row[11], offset: row[12]),
      causeSample: cause
    )
  }
}
