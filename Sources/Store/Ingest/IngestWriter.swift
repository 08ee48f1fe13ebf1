package import MailModel

/// Applies what log lines say happened to the store: messages, recipients, attempts, tallies. All
/// waits in memory until ``commit(sources:states:)`` writes it in one transaction together with the
/// cursors, so that a run that is killed leaves nothing half-told.
///
/// Used by one thread, which reads; another one writes what it hands over.
package struct IngestWriter: ~Copyable {
  let store: TriageStore
  let thread: CommitThread
  let isDiscarding: Bool
  /// The store was empty: nobody waits for what is in it, and a transaction may take longer.
  package let isFirstFill: Bool
  var counter: IngestCounter
  var pending: PendingRows
  var open: SeededTable<QueueKey, OpenMessage>
  /// About the bytes of the messages in ``open``.
  var openWeight = 0
  /// About the bytes that were taken up since rows were handed over last.
  var taken = 0
  var recall = RecallAllowance()
  /// What is recalled is as the store had it before this run, and may be asked for while the other
  /// thread writes; what changes is handed over soon, so that it has something to write.
  package internal(set) var isAlongside: Bool
  var reached: Set<IngestLimit> = []
  /// Messages that are not in the store as they stand here.
  var changed: [OpenMessage] = []
  var storedOpen: StoredOpen
  let channels: OtherChannels
  var names: NameTables
  var origins: OriginBook
  var spans = ToldSpans()
  var changedSpans: Set<SourceOrigin> = []
  private var current = CurrentSpan()
  /// The origins of which the present source has told.
  private var touched: Set<Int64> = []
  var evidencePerDomain: [Int64: Int] = [:]
  var evidenceKinds: SeededTable<EvidenceKey, Bool>
  var samplesPerSource: [Int64: Int] = [:]
  var nextMessage: Int64
  var nextRecipient: Int64
  private var reasons: ReasonCache
  /// The newest stamp applied: ages and retention count from it.
  var newest: Int64
  /// The newest stamp of the store when the run began.
  private let newestBefore: Int64

  /// Where a source and an origin meet.
  struct SourceOrigin: Hashable {
    var source: Int64
    var origin: Int64
  }

  /// The time of which the source being read has told so far, for the origin it told of last; no
  /// source is 0.
  private struct CurrentSpan {
    var source: Int64 = 0
    var origin: Int64 = 0
    var first: Int64 = 0
    var last: Int64 = 0
  }

  /// The three kinds of interned names.
  struct NameTables {
    var domains: NameTable
    var relays: NameTable
    var reasons: NameTable

    /// Whether names shared an entry since the last call.
    mutating func takeOverflow() -> Bool {
      let overflow = domains.hasOverflow || relays.hasOverflow || reasons.hasOverflow
      domains.hasOverflow = false
      relays.hasOverflow = false
      reasons.hasOverflow = false
      return overflow
    }
  }

  /// Lines kept per domain, for all domains, and samples per source, at most.
  static let evidenceLimit = 8
  static let evidenceLimitInAll = 50_000
  static let sampleLimit = 50
  /// Hosts told apart at most.
  static let originLimit = 50_000
  /// About the bytes that are taken up before rows are handed over, at most.
  static let takenLimit = 32 << 20
  /// Bytes of an address or a Message-ID that are kept: mail standards allow fewer.
  static let longestAddress = 1000

  /// A writer on `store`. Throws ``StoreError``.
  /// `isDiscarding` throws away what would be written.
  package init(store: TriageStore, seed: UInt64, isDiscarding: Bool = false) throws {
    self.store = store
    self.isDiscarding = isDiscarding
    counter = IngestCounter(seed: seed)
    thread = CommitThread(store: store)
    pending = PendingRows(seed: seed)
    open = SeededTable(seed: seed)
    channels = OtherChannels(seed: seed)
    reasons = ReasonCache(seed: seed)
    let loaded = try store.read { db in try LoadedState(db, seed: seed) }
    names = loaded.names
    origins = OriginBook(loaded.origins)
    storedOpen = loaded.storedOpen
    spans = loaded.spans
    evidenceKinds = loaded.evidenceKinds
    for kind in evidenceKinds.keys { evidencePerDomain[kind.domain, default: 0] += 1 }
    samplesPerSource = loaded.samplesPerSource
    nextMessage = loaded.lastMessage + 1
    nextRecipient = loaded.lastRecipient + 1
    newest = loaded.newest
    newestBefore = loaded.newest
    isFirstFill = nextMessage == 1 && !isDiscarding
    if isFirstFill { store.beginFirstFill() }
    isAlongside = !isFirstFill && !isDiscarding && !storedOpen.isOverfull
  }

  deinit {
    try? thread.finish()
    if isFirstFill { store.endFirstFill() }
  }

  /// What was applied so far.
  package var counts: IngestCounts { counter.counts }

  /// Whether so much was taken up that ``flush()`` is due.
  package var isFull: Bool {
    @inline(__always) get { taken > IngestWriter.takenLimit }
  }

  /// The number of a server on a host; what comes beyond those that are kept shares one.
  package mutating func origin(server: MailServerID, host: String) -> Int64 {
    if let id = origins.number(server: server, host: host) { return id }
    if origins.count >= IngestWriter.originLimit, !host.isEmpty {
      reached.insert(.hosts)
      return origin(server: server, host: "")
    }
    let id = origins.add(server: server, host: host)
    pending.batch[.origin].add(id)
    pending.batch[.origin].add(text: server.description.utf8)
    pending.batch[.origin].add(text: host.utf8)
    return id
  }

  /// Applies what `line`, of which `bytes` are the whole, said. Throws ``StoreError``.
  package mutating func apply(
    _ events: borrowing LineEvents,
    line: LogLine,
    origin: Int64,
    bytes: UnsafeBufferPointer<UInt8>
  ) throws {
    let at = line.moment.microseconds
    newest = max(newest, at)
    for index in 0..<events.count {
      if isDiscarding {
        counter.count(events[index], of: events, origin: origin, at: at, bytes: bytes)
      } else {
        try apply(events[index], of: events, line: line, origin: origin, bytes: bytes)
      }
    }
  }

  private mutating func apply(
    _ event: LogEvent,
    of events: borrowing LineEvents,
    line: LogLine,
    origin: Int64,
    bytes: UnsafeBufferPointer<UInt8>
  ) throws {
    let at = line.moment.microseconds
    switch event {
    case .arrival(let arrival):
      try apply(arrival, line: line, origin: origin, bytes: bytes)
    case .attempt(let attempt):
      try apply(attempt, of: events, line: line, origin: origin, bytes: bytes)
    case .ended(let id):
      guard let message = try find(slice(bytes, id), origin: origin, at: at) else { return }
      message.endedAt = at
      message.lastAt = at
      close(message)
    case .expired(let id, _):
      try expire(slice(bytes, id), line: line, origin: origin)
    case .held(let id): try hold(slice(bytes, id), origin: origin, at: at, isHeld: true)
    case .released(let id): try hold(slice(bytes, id), origin: origin, at: at, isHeld: false)
    case .notification(let notification):
      try apply(notification, line: line, origin: origin, bytes: bytes)
    case .marker(let marker): mark(marker, line: line, origin: origin)
    case .sessionFailure(let failure):
      if try channels.speak(of: origin, at: at, thread), channels.isOneServer(origin) { return }
      let reason = reason(slice(bytes, failure.text), host: slice(bytes, failure.peer))
      let key = PendingRows.SessionFailureKey(
        origin: origin,
        hour: at.hour,
        side: failure.side,
        reason: reason
      )
      pending.sessionFailures[key, default: 0] += 1
    }
  }

  /// Notes that `source` holds lines of `origin` at `at`: two channels of one host that tell of the
  /// same time are compared line by line.
  package mutating func touch(source: Int64, origin: Int64, at: Int64) throws {
    if current.source == source, current.origin == origin {
      if at < current.first { current.first = at }
      if at > current.last { current.last = at }
      return
    }
    keepSpan()
    current = CurrentSpan(source: source, origin: origin, first: at, last: at)
    if touched.insert(origin).inserted {
      channels.note(source: source, origin: origin, kin: origins.kin(of: origin), at: at, in: spans)
    }
  }

  /// Takes the current span up into the others.
  mutating func keepSpan() {
    let now = current
    guard now.source > 0 else { return }
    let key = SourceOrigin(source: now.source, origin: now.origin)
    let known = spans[key]
    let span =
      min(
        now.first,
        known?.lowerBound ?? now.first
      )...max(
        now.last,
        known?.upperBound ?? now.last
      )
    guard span != known else { return }
    spans[key] = span
    changedSpans.insert(key)
  }

  /// Forgets the comparison windows: another source begins.
  package mutating func beginSource() {
    keepSpan()
    current = CurrentSpan()
    touched.removeAll()
    channels.begin()
  }

  /// Keeps a line that was not understood, as a sample.
  package mutating func noteNotUnderstood(
    _ line: UnsafeBufferPointer<UInt8>,
    at position: LinePosition
  ) {
    let kept = samplesPerSource[position.source, default: 0]
    guard kept < IngestWriter.sampleLimit else { return }
    samplesPerSource[position.source] = kept + 1
    pending.batch[.notUnderstood].add(position.source)
    pending.batch[.notUnderstood].add(position.offset)
    pending.batch[.notUnderstood].add(text: line.prefix(2048))
  }

  // MARK: - Pieces that several events share

  func slice(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> UnsafeBufferPointer<UInt8>
  {
    let bounded = range.clamped(to: 0..<bytes.count)
    return UnsafeBufferPointer(rebasing: bytes[bounded])
  }

  /// The number of a reply or failure line, folded; `host` is the peer as the server writes it.
  mutating func reason(
    _ text: UnsafeBufferPointer<UInt8>,
    host: UnsafeBufferPointer<UInt8>
  ) -> Int64 {
    var end = 0
    while end < host.count, host[end] != UInt8(ascii: "["), host[end] != UInt8(ascii: " ") {
      end += 1
    }
    return reasons.id(
      of: text,
      host: UnsafeBufferPointer(rebasing: host[..<end]),
      in: &names.reasons,
      added: &pending.batch[.reason]
    )
  }

  /// The open message under this id, or nil.
  mutating func find(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    at: Int64
  ) throws -> OpenMessage? {
    if let message = try findOpen(id, origin: origin) { return message }
    for kin in origins.kin(of: origin) {
      if let message = try findOpen(id, origin: kin) { return message }
    }
    guard try channels.speak(of: origin, at: at, thread) else { return nil }
    for one in [origin] + origins.kin(of: origin) {
      if let row = channels.ended(QueueKey(origin: one, id: id), at: at) {
        return try endedMessage(row)
      }
    }
    return nil
  }

  private mutating func findOpen(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64
  ) throws -> OpenMessage? {
    let key = QueueKey(origin: origin, id: id)
    if let message = open[key] { return message }
    guard storedOpen.mayHold(key),
      let message = try recall(
        alongside: isAlongside,
        { try $0.message(id, origin: origin, most: $1) }
      )
    else { return nil }
    storedOpen.remove(key)
    hold(message, key)
    return message
  }

  /// A message that has ended, of which another source told.
  private mutating func endedMessage(_ row: Int64) throws -> OpenMessage? {
    if let message = channels.message(row) { return message }
    let message = try recall(alongside: false) { try $0.message(row: row, most: $1) }
    if let message { channels.keep(message) }
    return message
  }

  /// The open message under this id, made where there is none.
  mutating func findOrOpen(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    at: Int64,
    arrivedAt: Int64
  ) throws -> OpenMessage {
    if let message = try find(id, origin: origin, at: at) { return message }
    return openMessage(id, origin: origin, at: at, arrivedAt: arrivedAt)
  }

  mutating func openMessage(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    at: Int64,
    arrivedAt: Int64
  ) -> OpenMessage {
    if at < newestBefore { pending.batch[.pastMessage].add(nextMessage) }
    let message = pending.batch.spent.popLast() ?? OpenMessage()
    message.begin(row: nextMessage, origin: origin, queueID: id, arrivedAt: arrivedAt)
    nextMessage += 1
    counter.counts.messages += 1
    note(message)
    hold(message, QueueKey(origin: origin, id: id))
    taken += message.weight
    let hour = PendingRows.ArrivalKey(hour: arrivedAt.hour, origin: origin)
    pending.arrivals[hour, default: 0] += 1
    return message
  }

  /// Takes into account that a message grew since it had this weight.
  mutating func weigh(_ message: OpenMessage, since before: Int) {
    let grown = message.weight - before
    taken += grown
    if message.isOpen { openWeight += grown }
  }

  /// Notes that a message is not in the store as it stands here.
  @inline(__always)
  mutating func note(_ message: OpenMessage) {
    guard !message.isChanged else { return }
    message.isChanged = true
    changed.append(message)
  }

  mutating func close(_ message: OpenMessage) {
    note(message)
    counter.counts.ended += 1
    let removed = message.texts.withUnsafeBufferPointer {
      open.remove(
        QueueKey(
          origin: message.origin,
          id: UnsafeBufferPointer(rebasing: $0[message.queueID])
        )
      )
    }
    if let removed {
      removed.isOpen = false
      openWeight -= removed.weight
    }
    // One that another channel told of may be met again.
    if removed === message { message.isLeaving = true }
  }
}

extension Int64 {
  /// The hour of a moment in microseconds, as hours since the epoch.
  var hour: Int64 { self >= 0 ? self / 3_600_000_000 : (self - 3_599_999_999) / 3_600_000_000 }
}
