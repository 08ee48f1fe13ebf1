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
  /// What they told of the time about the present line.
  private var slice: ToldSlice
  /// Messages that were read back, as long as nothing was handed over.
  private var loaded: [Int64: OpenMessage] = [:]
  private var stored = StoredTimes()
  /// Too much would have to be searched: something was not compared.
  private var isSearchCut = false

  init(seed: UInt64) { slice = ToldSlice(seed: seed) }

  /// Rows that are taken up at once where time allows it.
  var wanted: Int {
    get { slice.wanted }
    set { slice.wanted = newValue }
  }

  /// Rows held.
  var count: Int { slice.count }

  /// Begins with another source.
  func begin() {
    stored.begin()
    guard !shared.isEmpty || slice.span != nil else { return }
    shared = [:]
    oneServer = []
    slice.removeAll()
  }

  /// Whether something was not compared since the last call.
  func takeOverflow() -> Bool {
    defer { isSearchCut = false }
    return slice.takeOverflow() || isSearchCut
  }

  /// Notes that the present source tells of `origin` too, which may go by the names of its `kin`, from
  /// `at` on.
  func note(source: Int64, origin: Int64, kin: [Int64], at: Int64, in spans: ToldSpans) {
    self.source = source
    let slack = ToldSlice.slack
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
    let needed = (at - ToldSlice.slack)...(at + ToldSlice.slack)
    stored.earn()
    if slice.holds(needed) { return true }
    if !stored.isRead { try thread.read { db in try stored.extend(db) } }
    guard stored.maySearch else {
      isSearchCut = true
      return false
    }
    try thread.read { db in try slice.turn(to: at, besides: source, &stored, db) }
    return true
  }

  /// The row of the message that had this id at that moment and has ended.
  func ended(_ key: QueueKey, at: Int64) -> Int64? {
    slice.ended.row(key, at: at, slack: ToldSlice.slack)
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
    slice.removeAll()
  }

  /// Whether a stored attempt is this one, told by another source; it answers once.
  func repeats(origin: Int64, recipient: Int64, at: Int64, facts: AttemptFacts) -> Bool {
    let repeats = slice.attempts.answers(
      owner: recipient,
      kind: RepeatList.kind(facts),
      from: at - ToldSlice.slack,
      to: at + ToldSlice.slack
    )
    if repeats { oneServer.insert(origin) }
    return repeats
  }

  /// Whether a stored notice is this one, told by another source; it answers once.
  func repeats(message: Int64, kind: LoggedNotification.Kind, at: Int64) -> Bool {
    slice.notifications.answers(
      owner: message,
      kind: Int64(kind.rawValue),
      from: at - ToldSlice.slack,
      to: at + ToldSlice.slack
    )
  }
}
