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
    var tallies: [AttemptTally] = []
    try forEachTally(in: window) { tallies.append($0) }
    return tallies
  }

  /// The same one by one: of a large store they are many.
  package func forEachTally(in window: Window, _ body: (AttemptTally) -> Void) throws {
    try read { db in
      let names = try TallyNames(db)
      let rows = try Row.fetchCursor(
        db,
        sql: TriageStore.tallySelect + " WHERE first >= ? AND last <= ?",
        arguments: [window.low, window.high]
      )
      while let row = try rows.next() { body(names.tally(row)) }
      guard window.from != nil || window.to != nil else { return }
      for tally in try TriageStore.cutTallies(db, window, names) { body(tally) }
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
          SELECT (SELECT count(*) FROM message_now WHERE last_at >= ? AND arrived_at <= ?),
            (SELECT count(*) FROM recipient r JOIN message_now m ON m.id = r.message
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
}

/// Reads tallies from their rows.
private struct TallyNames {
  private let names: StoredNames
  private var origins: [Int64: (server: MailServerID, host: String)] = [:]

  init(_ db: Database) throws {
    names = try StoredNames(db)
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
      domain: names.domains[row[2]] ?? "",
      relay: names.relays[row[3]] ?? "",
      outcome: facts.outcome,
      tried: facts.tried,
      security: facts.security,
      enhancedStatus: EnhancedStatusCode(packed: row[5]),
      reply: names.reasons[row[6]] ?? "",
      cause: names.reasons[row[7]] ?? "",
      count: row[8],
      first: Timestamp(microseconds: row[9]),
      last: Timestamp(microseconds: row[10]),
      sample: LinePosition(source: row[11], offset: row[12]),
      causeSample: cause
    )
  }
}
