import MailModel

/// What a writer took up, by the counting of the contract.
package struct IngestCounts: Hashable, Sendable {
  package internal(set) var messages = 0
  package internal(set) var ended = 0
  package internal(set) var delivered = 0
  package internal(set) var deferred = 0
  /// Deferred with a cause that the same session told of.
  package internal(set) var deferredWithCause = 0
  package internal(set) var bounced = 0
  package internal(set) var expired = 0

  @inline(__always)
  mutating func count(_ attempt: borrowing LoggedAttempt, of events: borrowing LineEvents) {
    switch attempt.outcome {
    case .delivered: delivered += 1
    case .deferred:
      deferred += 1
      if attempt.cause != nil, !events.causeText(of: attempt).isEmpty { deferredWithCause += 1 }
    case .bounced: bounced += 1
    case .expired: expired += 1
    }
  }
}

/// Joins events to messages and counts them, and keeps nothing else: what reading alone costs.
struct IngestCounter {
  var counts = IngestCounts()
  /// When the messages arrived that have not ended.
  private(set) var open: SeededTable<QueueKey, Int64>
  private let seed: UInt64

  init(seed: UInt64) {
    self.seed = seed
    open = SeededTable(seed: seed)
  }

  mutating func count(
    _ event: LogEvent,
    of events: borrowing LineEvents,
    origin: Int64,
    at: Int64,
    bytes: UnsafeBufferPointer<UInt8>
  ) {
    switch event {
    case .arrival(let arrival):
      note(arrival.queueID, origin, at, bytes, isFirst: arrival.opensMessage)
    case .attempt(let attempt):
      note(attempt.queueID, origin, at, bytes, isFirst: false)
      counts.count(attempt, of: events)
    case .ended(let id):
      let id = UnsafeBufferPointer(rebasing: bytes[id.clamped(to: 0..<bytes.count)])
      if open.remove(QueueKey(origin: origin, id: id)) != nil { counts.ended += 1 }
    default: break
    }
  }

  private mutating func note(
    _ id: Range<Int>,
    _ origin: Int64,
    _ at: Int64,
    _ bytes: UnsafeBufferPointer<UInt8>,
    isFirst: Bool
  ) {
    let id = UnsafeBufferPointer(rebasing: bytes[id.clamped(to: 0..<bytes.count)])
    let key = QueueKey(origin: origin, id: id)
    if let arrived = open[key] {
      guard isFirst, at - arrived > 2_000_000 else { return }
      open.remove(key)
    }
    if open.count >= IngestWriter.openLimit { evict() }
    open.insert(key, at)
    counts.messages += 1
  }

  /// Forgets the older half: messages whose end never comes.
  private mutating func evict() {
    let order = open.values.indices.sorted { open.values[$0] < open.values[$1] }
    var kept = SeededTable<QueueKey, Int64>(seed: seed)
    for place in order.suffix(order.count / 2) { kept.insert(open.keys[place], open.values[place]) }
    open = kept
  }
}
