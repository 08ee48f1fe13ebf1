package import MailModel

/// Applies what log lines say happened to the store: messages, recipients, attempts, tallies. All
/// waits in memory until ``commit(sources:states:)`` writes it in one transaction together with the
/// cursors, so that a run that is killed leaves nothing half-told.
///
/// Used by one thread.
package final class IngestWriter {
  let store: TriageStore
  var pending = PendingRows()
  var open: [QueueKey: OpenMessage] = [:]
  /// Messages that ended since the last commit.
  var closing: [OpenMessage] = []
  /// Open messages that are in the store only, by the hash of their key.
  var storedOpen: Set<Int> = []
  var overlaps: [Int64: OverlapWindow] = [:]
  var names: NameTables
  var origins: [String: Int64] = [:]
  var newOrigins: [(id: Int64, server: String, host: String)] = []
  var spans: [SourceOrigin: ClosedRange<Int64>] = [:]
  var evidencePerDomain: [Int64: Int] = [:]
  var evidenceKinds: Set<EvidenceKey> = []
  var samplesPerSource: [Int64: Int] = [:]
  var nextMessage: Int64
  var nextRecipient: Int64
  private var folding = ReasonFolding()
  /// The newest stamp applied: ages and retention count from it.
  var newest: Int64

  /// Where a source and an origin meet.
  struct SourceOrigin: Hashable {
    var source: Int64
    var origin: Int64
  }

  /// The three kinds of interned names.
  struct NameTables {
    var domains: NameTable
    var relays: NameTable
    var reasons: NameTable
  }

  /// Lines kept per domain, and samples per source, at most.
  static let evidenceLimit = 8
  static let sampleLimit = 50

  /// A writer on `store`. Throws ``StoreError``.
  package init(store: TriageStore, seed: UInt64) throws {
    self.store = store
    let loaded = try store.read { db in try LoadedState(db, seed: seed) }
    names = loaded.names
    origins = loaded.origins
    storedOpen = loaded.storedOpen
    spans = loaded.spans
    evidenceKinds = loaded.evidenceKinds
    for kind in evidenceKinds { evidencePerDomain[kind.domain, default: 0] += 1 }
    samplesPerSource = loaded.samplesPerSource
    nextMessage = loaded.lastMessage + 1
    nextRecipient = loaded.lastRecipient + 1
    newest = loaded.newest
  }

  /// The number of a server on a host.
  package func origin(server: MailServerID, host: String) -> Int64 {
    let key = "\(server)\u{0}\(host)"
    if let id = origins[key] { return id }
    let id = Int64(origins.count + 1)
    origins[key] = id
    newOrigins.append((id, server.description, host))
    return id
  }

  /// Applies one event of `line`, whose ranges index `bytes`.
  package func apply(
    _ event: LogEvent,
    line: LogLine,
    origin: Int64,
    bytes: UnsafeBufferPointer<UInt8>
  ) throws {
    let at = line.moment.microseconds
    newest = max(newest, at)
    switch event {
    case .arrival(let arrival):
      try apply(arrival, line: line, origin: origin, bytes: bytes)
    case .attempt(let attempt):
      try apply(attempt, line: line, origin: origin, bytes: bytes)
    case .ended(let id):
      guard let message = try find(slice(bytes, id), origin: origin, at: at) else { return }
      message.endedAt = at
      message.lastAt = at
      close(message, id: slice(bytes, id))
    case .expired(let id, _):
      try expire(slice(bytes, id), line: line, origin: origin)
    case .held(let id): try hold(slice(bytes, id), origin: origin, at: at, isHeld: true)
    case .released(let id): try hold(slice(bytes, id), origin: origin, at: at, isHeld: false)
    case .notification(let notification):
      try apply(notification, line: line, origin: origin, bytes: bytes)
    case .marker(let marker): mark(marker, line: line, origin: origin)
    case .sessionFailure(let failure):
      if let window = overlaps[origin], window.isActive(at: at) { return }
      let text = fold(slice(bytes, failure.text), host: slice(bytes, failure.peer))
      let reason = intern(\.reasons, text)
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
  package func touch(source: Int64, origin: Int64, at: Int64) throws {
    let key = SourceOrigin(source: source, origin: origin)
    if let span = spans[key] {
      if at < span.lowerBound {
        spans[key] = at...span.upperBound
      } else if at > span.upperBound {
        spans[key] = span.lowerBound...at
      }
    } else {
      spans[key] = at...at
    }
    if overlaps[origin] == nil {
      overlaps[origin] = try OverlapWindow(self, source: source, origin: origin, at: at)
    }
  }

  /// Forgets the comparison windows: another source begins. Everything before is committed.
  package func beginSource() { overlaps.removeAll() }

  /// Keeps a line that was not understood, as a sample.
  package func noteNotUnderstood(_ line: UnsafeBufferPointer<UInt8>, at position: LinePosition) {
    let kept = samplesPerSource[position.source, default: 0]
    guard kept < IngestWriter.sampleLimit else { return }
    samplesPerSource[position.source] = kept + 1
    pending.notUnderstood.append((position, Array(line.prefix(2048))))
  }

  // MARK: - Pieces that several events share

  func slice(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> UnsafeBufferPointer<UInt8>
  {
    let bounded = range.clamped(to: 0..<bytes.count)
    return UnsafeBufferPointer(rebasing: bytes[bounded])
  }

  func fold(_ text: UnsafeBufferPointer<UInt8>, host: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var end = 0
    while end < host.count, host[end] != UInt8(ascii: "["), host[end] != UInt8(ascii: " ") {
      end += 1
    }
    return folding.fold(text, host: UnsafeBufferPointer(rebasing: host[..<end]))
  }

  func intern(_ table: WritableKeyPath<NameTables, NameTable>, _ name: [UInt8]) -> Int64 {
    name.withUnsafeBufferPointer { names[keyPath: table].id($0, added: &pending.names) }
  }

  /// The open message under this id, or nil.
  func find(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    at: Int64
  ) throws -> OpenMessage? {
    let key = QueueKey(origin: origin, id: id)
    if let message = open[key] { return message }
    if !storedOpen.isEmpty, storedOpen.contains(key.hashForStore),
      let message = try loadOpen(id: Array(id), origin: origin)
    {
      storedOpen.remove(key.hashForStore)
      open[key] = message
      return message
    }
    if let window = overlaps[origin], window.isActive(at: at) {
      return try window.ended(id: Array(id), at: at, writer: self)
    }
    return nil
  }

  /// The open message under this id, made where there is none.
  func findOrOpen(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    at: Int64,
    arrivedAt: Int64
  ) throws -> OpenMessage {
    if let message = try find(id, origin: origin, at: at) { return message }
    return openMessage(id, origin: origin, arrivedAt: arrivedAt)
  }

  func openMessage(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    arrivedAt: Int64
  ) -> OpenMessage {
    let message = OpenMessage(
      row: nextMessage,
      origin: origin,
      queueID: Array(id),
      arrivedAt: arrivedAt,
      isNew: true
    )
    nextMessage += 1
    open[QueueKey(origin: origin, id: id)] = message
    let hour = PendingRows.ArrivalKey(hour: arrivedAt.hour, origin: origin)
    pending.arrivals[hour, default: 0] += 1
    return message
  }

  func close(_ message: OpenMessage, id: UnsafeBufferPointer<UInt8>) {
    message.isDirty = true
    let key = QueueKey(origin: message.origin, id: id)
    if open.removeValue(forKey: key) != nil { closing.append(message) }
  }
}

extension Int64 {
  /// The hour of a moment in microseconds, as hours since the epoch.
  var hour: Int64 { self >= 0 ? self / 3_600_000_000 : (self - 3_599_999_999) / 3_600_000_000 }
}

extension QueueKey {
  /// A hash that is good for a set in memory; the store itself is asked in the end.
  var hashForStore: Int { hashValue }
}
