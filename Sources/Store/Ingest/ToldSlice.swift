import GRDB
import MailModel

/// What other sources than the present one told of a slice of time, which goes on as the lines do.
struct ToldSlice {
  /// The moments of which everything is at hand.
  private(set) var span: ClosedRange<Int64>?
  var attempts = RepeatList()
  var notifications = RepeatList()
  private(set) var ended: EndedMessages
  /// A slice held more than is kept: the rest is not here.
  private(set) var isOverfull = false
  /// Rows that are taken up at once where time allows it.
  var wanted = 65_536

  /// Stamps of one event in two channels differ by at most this much.
  static let slack: Int64 = 2_000_000
  /// Lines that are late by up to this much find what they repeat.
  private static let lateness: Int64 = 3_600_000_000
  /// The longest piece of time that is taken up at once, and the shortest.
  private static let longest: Int64 = 86_400_000_000
  private static let shortest: Int64 = 1_000_000
  /// Rows of a kind at most.
  private static let most = RepeatList.most

  init(seed: UInt64) { ended = EndedMessages(seed: seed) }

  /// Rows held.
  var count: Int { attempts.count + notifications.count + ended.count }

  /// Whether everything about these moments is at hand.
  func holds(_ moments: ClosedRange<Int64>) -> Bool {
    span.map { $0.contains(moments.lowerBound) && $0.contains(moments.upperBound) } ?? false
  }

  mutating func removeAll() {
    span = nil
    attempts.removeAll()
    notifications.removeAll()
    ended.removeAll()
  }

  /// Whether something was left out since the last call.
  mutating func takeOverflow() -> Bool {
    defer { isOverfull = false }
    return isOverfull
  }

  /// Makes it hold the surroundings of `at`: what others than `source` told.
  mutating func turn(
    to at: Int64,
    besides source: Int64,
    _ stored: inout StoredTimes,
    _ db: Database
  ) throws {
    if let span, span.lowerBound > at - ToldSlice.slack { removeAll() }
    let known = span.map(\.upperBound).flatMap { $0 >= at - ToldSlice.lateness ? $0 : nil }
    if known == nil { removeAll() }
    let start = max(
      span?.lowerBound ?? (at - ToldSlice.slack),
      at - ToldSlice.lateness
    )
    let least = at + ToldSlice.slack + ToldSlice.shortest
    var end = stored.end(
      from: known ?? start,
      atLeast: least,
      atMost: at + ToldSlice.longest,
      rows: wanted
    )
    let begin = known.map { $0 + 1 } ?? start
    func find(_ end: Int64) throws -> Found {
      try ToldSlice.find(
        begin...end,
        from: start,
        isFirst: known == nil,
        besides: source,
        &stored,
        db
      )
    }
    var found = try find(end)
    while found.isCut, end > least {
      end = max(least, begin + (end - begin) / 2)
      found = try find(end)
    }
    isOverfull = isOverfull || found.isCut
    attempts.turn(to: start, adding: found.attempts)
    notifications.turn(to: start, adding: found.notifications)
    ended.turn(to: start - ToldSlice.slack, adding: found.ended, most: ToldSlice.most)
    span = start...end
  }

  /// What others told of a piece of time.
  private struct Found {
    var attempts: [RepeatList.Entry] = []
    var notifications: [RepeatList.Entry] = []
    var ended: [EndedMessages.Message] = []

    /// There is more than is held.
    var isCut: Bool {
      [attempts.count, notifications.count, ended.count].contains { $0 >= ToldSlice.most }
    }
  }

  /// What others than `source` told of `new`; the first slice takes up the messages too that had
  /// arrived before it and had not ended at `start`.
  private static func find(
    _ new: ClosedRange<Int64>,
    from start: Int64,
    isFirst: Bool,
    besides source: Int64,
    _ stored: inout StoredTimes,
    _ db: Database
  ) throws -> Found {
    var found = Found()
    try stored.attempts.forEachRow(
      db,
      "SELECT recipient, at, facts FROM attempt WHERE source <> ? AND at BETWEEN ? AND ?",
      [source, new.lowerBound, new.upperBound],
      in: { $0.newest >= new.lowerBound && $0.oldest <= new.upperBound }
    ) { row in
      let kind = RepeatList.kind(AttemptFacts(packed: row[2]))
      found.attempts.append(RepeatList.Entry(owner: row[0], kind: kind, at: row[1]))
      return found.attempts.count < ToldSlice.most
    }
    try stored.notifications.forEachRow(
      db,
      "SELECT message, at, kind FROM notification WHERE source <> ? AND at BETWEEN ? AND ?",
      [source, new.lowerBound, new.upperBound],
      in: { $0.newest >= new.lowerBound && $0.oldest <= new.upperBound }
    ) { row in
      found.notifications.append(RepeatList.Entry(owner: row[0], kind: row[2], at: row[1]))
      return found.notifications.count < ToldSlice.most
    }
    let arrived = isFirst ? Int64.min : new.lowerBound
    let ending = start - ToldSlice.slack
    try stored.messages.forEachRow(
      db,
      """
      SELECT id, origin, queue_id, arrived_at, ended_at FROM message
      WHERE arrived_at BETWEEN ? AND ? AND ended_at >= ?
      """,
      [arrived, new.upperBound, ending],
      in: { $0.newest >= arrived && $0.oldest <= new.upperBound && $0.end >= ending }
    ) { row in
      var id: String = row[2]
      let origin: Int64 = row[1]
      let key = id.withUTF8 { QueueKey(origin: origin, id: $0) }
      found.ended.append(EndedMessages.Message(key: key, row: row[0], from: row[3], to: row[4]))
      return found.ended.count < ToldSlice.most
    }
    return found
  }
}
