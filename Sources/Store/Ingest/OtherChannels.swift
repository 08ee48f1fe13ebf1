import GRDB
import MailModel

/// What other sources have told of the origins of which the present one tells, at the moments that both
/// cover: the same events may come through syslog and through the journal, and count once.
///
/// Two lines are one event when message, recipient and outcome agree and their stamps are within two
/// seconds; each stored event answers for one repeat. Of the time that both cover only a slice is
/// held, which goes on as the lines do.
final class OtherChannels {
  private var source: Int64 = 0
  /// By origin, of which moments others told too; empty where none did.
  private var shared: [Int64: ClosedRange<Int64>] = [:]
  /// The origins of which others tell for certain.
  private var oneServer: Set<Int64> = []
  /// The moments of which everything is at hand.
  private var slice: ClosedRange<Int64>?
  private var attempts = RepeatList()
  private var notifications = RepeatList()
  /// The messages of the slice that have ended: a place among ``ended``.
  private var endedByID: SeededTable<QueueKey, Int32>
  private var ended: [EndedMessage] = []
  /// Messages that were read back, as long as nothing was handed over.
  private var loaded: [Int64: OpenMessage] = [:]
  private var stored = StoredTimes()
  private let seed: UInt64
  /// A slice held more than is kept: the rest was not compared.
  private var isOverfull = false

  private struct EndedMessage {
    var key: QueueKey
    var row: Int64
    var from: Int64
    var to: Int64
    /// Another one of the same queue id; -1 where there is none.
    var next: Int32
  }

  /// Stamps of one event in two channels differ by at most this much.
  private static let slack: Int64 = 2_000_000
  /// Lines that are late by up to this much find what they repeat.
  private static let lateness: Int64 = 3_600_000_000
  /// The longest piece of time that is taken up at once, and the shortest.
  private static let longest: Int64 = 86_400_000_000
  private static let shortest: Int64 = 1_000_000
  /// Rows that are taken up at once where time allows it, and rows of a kind at most.
  var wanted = 65_536
  fileprivate static let most = RepeatList.most
  /// Messages of one queue id that are looked at.
  private static let mostOfOneID = 64

  init(seed: UInt64) {
    self.seed = seed
    endedByID = SeededTable(seed: seed)
  }

  /// Rows held.
  var count: Int { attempts.count + notifications.count + ended.count }

  /// Begins with another source.
  func begin() {
    stored.begin()
    guard !shared.isEmpty || slice != nil else { return }
    shared = [:]
    oneServer = []
    forgetSlice()
  }

  /// Whether something was not compared since the last call.
  func takeOverflow() -> Bool {
    defer { isOverfull = false }
    return isOverfull
  }

  /// Notes that the present source tells of `origin` too, which may go by the names of its `kin`, from
  /// `at` on.
  func note(source: Int64, origin: Int64, kin: [Int64], at: Int64, in spans: ToldSpans) {
    self.source = source
    let slack = OtherChannels.slack
    let own = spans.others(than: source, of: origin, reaching: at - slack)
    if own != nil { oneServer.insert(origin) }
    let all =
      [own]
      + kin.map { spans.others(than: source, of: $0, reaching: at - slack) }
    let told = all.compactMap { $0 }
    guard let oldest = told.map(\.lowerBound).min(), let newest = told.map(\.upperBound).max()
    else { return }
    shared[origin] = (oldest - slack)...(newest + slack)
  }

  /// Whether the other sources tell of this very server: one without a host's name may be another's,
  /// until both have told of one event.
  func isOneServer(_ origin: Int64) -> Bool { oneServer.contains(origin) }

  /// Whether another source speaks of this moment too; then what it told is at hand.
  func speak(of origin: Int64, at: Int64, _ thread: CommitThread) throws -> Bool {
    guard !shared.isEmpty, let both = shared[origin], both.contains(at) else { return false }
    let needed = (at - OtherChannels.slack)...(at + OtherChannels.slack)
    stored.earn()
    if let slice, slice.contains(needed.lowerBound), slice.contains(needed.upperBound) {
      return true
    }
    if !stored.isRead { try thread.read { db in try stored.extend(db) } }
    guard stored.maySearch else {
      isOverfull = true
      return false
    }
    try thread.read { db in try turn(to: at, db) }
    return true
  }

  /// The row of the message that had this id at that moment and has ended.
  func ended(_ key: QueueKey, at: Int64) -> Int64? {
    guard var place = endedByID[key] else { return nil }
    for _ in 0..<OtherChannels.mostOfOneID where place >= 0 {
      let message = ended[Int(place)]
      if at >= message.from - OtherChannels.slack, at <= message.to + OtherChannels.slack {
        return message.row
      }
      place = message.next
    }
    return nil
  }

  /// A message that was read back.
  func message(_ row: Int64) -> OpenMessage? { loaded[row] }

  func keep(_ message: OpenMessage) { loaded[message.row] = message }

  /// Lets go of the messages that were read back: what changed in them is handed over.
  func leaveMessages() {
    guard !loaded.isEmpty else { return }
    for message in loaded.values { message.isLeaving = true }
    loaded.removeAll()
  }

  /// Forgets where the store tells of which time: its rows are pruned.
  func forgetTimes() {
    stored = StoredTimes()
    forgetSlice()
  }

  /// Whether a stored attempt is this one, told by another source; it answers once.
  func repeats(origin: Int64, recipient: Int64, at: Int64, facts: AttemptFacts) -> Bool {
    let repeats = attempts.answers(
      owner: recipient,
      kind: OtherChannels.kind(facts),
      from: at - OtherChannels.slack,
      to: at + OtherChannels.slack
    )
    if repeats { oneServer.insert(origin) }
    return repeats
  }

  /// Whether a stored notice is this one, told by another source; it answers once.
  func repeats(message: Int64, kind: LoggedNotification.Kind, at: Int64) -> Bool {
    notifications.answers(
      owner: message,
      kind: Int64(kind.rawValue),
      from: at - OtherChannels.slack,
      to: at + OtherChannels.slack
    )
  }

  /// Outcome, and whether it was tried.
  private static func kind(_ facts: AttemptFacts) -> Int64 {
    Int64(facts.outcome.rawValue) << 1 | (facts.tried ? 1 : 0)
  }

  // MARK: - Slices

  private func forgetSlice() {
    slice = nil
    attempts.removeAll()
    notifications.removeAll()
    endedByID = SeededTable(seed: seed)
    ended = []
  }

  /// Makes the slice one that holds the surroundings of `at`.
  private func turn(to at: Int64, _ db: Database) throws {
    if let slice, slice.lowerBound > at - OtherChannels.slack { forgetSlice() }
    let known = slice.map(\.upperBound).flatMap { $0 >= at - OtherChannels.lateness ? $0 : nil }
    if known == nil { forgetSlice() }
    let start = max(
      slice?.lowerBound ?? (at - OtherChannels.slack),
      at - OtherChannels.lateness
    )
    let least = at + OtherChannels.slack + OtherChannels.shortest
    var end = stored.end(
      from: known ?? start,
      atLeast: least,
      atMost: at + OtherChannels.longest,
      rows: wanted
    )
    let begin = known.map { $0 + 1 } ?? start
    var found = try find(begin...end, from: start, isFirst: known == nil, db)
    while found.isCut, end > least {
      end = max(least, begin + (end - begin) / 2)
      found = try find(begin...end, from: start, isFirst: known == nil, db)
    }
    isOverfull = isOverfull || found.isCut
    attempts.turn(to: start, adding: found.attempts)
    notifications.turn(to: start, adding: found.notifications)
    turnEnded(to: start, adding: found.ended)
    slice = start...end
  }

  /// What others told of a piece of time.
  private struct Found {
    var attempts: [RepeatList.Entry] = []
    var notifications: [RepeatList.Entry] = []
    var ended: [EndedMessage] = []

    /// There is more than is held.
    var isCut: Bool {
      [attempts.count, notifications.count, ended.count].contains { $0 >= OtherChannels.most }
    }
  }

  /// What others told of `new`; the first slice takes up the messages too that had arrived before it
  /// and had not ended at `start`.
  private func find(
    _ new: ClosedRange<Int64>,
    from start: Int64,
    isFirst: Bool,
    _ db: Database
  ) throws -> Found {
    var found = Found()
    try stored.attempts.forEachRow(
      db,
      "SELECT recipient, at, facts FROM attempt WHERE source <> ? AND at BETWEEN ? AND ?",
      [source, new.lowerBound, new.upperBound],
      in: { $0.newest >= new.lowerBound && $0.oldest <= new.upperBound }
    ) { row in
      let kind = OtherChannels.kind(AttemptFacts(packed: row[2]))
      found.attempts.append(RepeatList.Entry(owner: row[0], kind: kind, at: row[1]))
      return found.attempts.count < OtherChannels.most
    }
    try stored.notifications.forEachRow(
      db,
      "SELECT message, at, kind FROM notification WHERE source <> ? AND at BETWEEN ? AND ?",
      [source, new.lowerBound, new.upperBound],
      in: { $0.newest >= new.lowerBound && $0.oldest <= new.upperBound }
    ) { row in
      found.notifications.append(RepeatList.Entry(owner: row[0], kind: row[2], at: row[1]))
      return found.notifications.count < OtherChannels.most
    }
    let arrived = isFirst ? Int64.min : new.lowerBound
    let ending = start - OtherChannels.slack
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
      found.ended.append(EndedMessage(key: key, row: row[0], from: row[3], to: row[4], next: -1))
      return found.ended.count < OtherChannels.most
    }
    return found
  }

  private func turnEnded(to start: Int64, adding new: [EndedMessage]) {
    let kept = ended.filter { $0.to >= start - OtherChannels.slack } + new
    ended = []
    endedByID = SeededTable(seed: seed)
    for message in kept.suffix(OtherChannels.most) { add(message) }
  }

  private func add(_ message: EndedMessage) {
    let here = Int32(truncatingIfNeeded: ended.count)
    var message = message
    message.next = -1
    if let place = endedByID.place(of: message.key) {
      message.next = endedByID.update(at: place) { first in
        defer { first = here }
        return first
      }
    } else {
      endedByID.insert(message.key, here)
    }
    ended.append(message)
  }
}
