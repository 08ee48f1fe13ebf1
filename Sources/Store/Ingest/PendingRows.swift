import MailModel

/// What makes attempts of one hour alike.
struct TallyKey: SeededKey, Sendable {
  var hour: Int64
  var origin: Int64
  var domain: Int64
  var relay: Int64
  var facts: AttemptFacts
  var status: Int
  var reply: Int64
  var cause: Int64

  @inline(__always)
  func hash(seed: UInt64) -> UInt64 {
    var state = mixed(seed, UInt64(bitPattern: hour ^ origin << 32))
    state = mixed(state, UInt64(bitPattern: domain ^ relay << 32))
    state = mixed(state, UInt64(bitPattern: reply ^ cause << 32))
    return mixed(state, UInt64(bitPattern: facts.packed ^ Int64(status) << 16))
  }

  /// Whether it comes before `other` in the table's primary key.
  func precedes(_ other: TallyKey) -> Bool {
    let (a, b) = (self, other)
    if a.hour != b.hour { return a.hour < b.hour }
    if a.origin != b.origin { return a.origin < b.origin }
    if a.domain != b.domain { return a.domain < b.domain }
    if a.relay != b.relay { return a.relay < b.relay }
    if a.facts.packed != b.facts.packed { return a.facts.packed < b.facts.packed }
    if a.status != b.status { return a.status < b.status }
    return (a.reply, a.cause) < (b.reply, b.cause)
  }
}

/// Alike attempts of one hour, since the last commit.
struct TallyValue: Sendable {
  var count: Int64
  var first: Int64
  var last: Int64
  var position: LinePosition
  var causePosition: LinePosition?
}

/// A marker's identity: one of a kind per second and origin.
struct MarkerKey: Hashable {
  var origin: Int64
  var kind: ServerMarker.Kind
  var second: Int64
}

/// A kind of failure towards one domain, for which one line is kept.
struct EvidenceKey: SeededKey {
  var domain: Int64
  var reply: Int64
  var cause: Int64

  func hash(seed: UInt64) -> UInt64 {
    mixed(mixed(seed, UInt64(bitPattern: domain)), UInt64(bitPattern: reply ^ cause << 32))
  }
}

/// All that waits for the next commit, apart from the messages themselves: rows as they will be
/// written, and sums that may still grow.
struct PendingRows {
  var batch = CommitBatch()
  var tallies: SeededTable<TallyKey, TallyValue>
  var arrivals: [ArrivalKey: Int64] = [:]
  var expiries: [ExpiryKey: Int64] = [:]
  var sessionFailures: [SessionFailureKey: Int64] = [:]
  var markers: Set<MarkerKey> = []

  private let seed: UInt64

  init(seed: UInt64) {
    self.seed = seed
    tallies = SeededTable(seed: seed)
  }

  struct ArrivalKey: Hashable {
    var hour: Int64
    var origin: Int64
  }

  struct ExpiryKey: Hashable {
    var hour: Int64
    var origin: Int64
    var domain: Int64
  }

  struct SessionFailureKey: Hashable {
    var origin: Int64
    var hour: Int64
    var side: Side
    var reason: Int64
  }

  /// Gives what waits and begins anew with the room of `empty`.
  mutating func takeBatch(leaving empty: consuming CommitBatch) -> CommitBatch {
    for (key, count) in arrivals {
      batch[.arrivalTally].add(key.hour)
      batch[.arrivalTally].add(key.origin)
      batch[.arrivalTally].add(count)
    }
    for (key, count) in expiries {
      batch[.expiryTally].add(key.hour)
      batch[.expiryTally].add(key.origin)
      batch[.expiryTally].add(key.domain)
      batch[.expiryTally].add(count)
    }
    for (key, count) in sessionFailures {
      batch[.sessionFailure].add(key.origin)
      batch[.sessionFailure].add(key.hour)
      batch[.sessionFailure].add(text: key.side.rawValue.utf8)
      batch[.sessionFailure].add(key.reason)
      batch[.sessionFailure].add(count)
    }
    arrivals.removeAll(keepingCapacity: true)
    expiries.removeAll(keepingCapacity: true)
    sessionFailures.removeAll(keepingCapacity: true)
    markers.removeAll(keepingCapacity: true)
    swap(&batch, &empty)
    return empty
  }

  /// Adds the sums to what waits; the writing thread makes their rows.
  mutating func addTallies() {
    guard !tallies.isEmpty else { return }
    batch.tallies = tallies
    tallies = SeededTable(seed: seed)
  }
}

extension SeededTable<TallyKey, TallyValue> {
  /// Gives the rows of all sums, a piece at a time, in the order of their key: the table is one B-tree
  /// of it.
  func giveRows(_ take: (RowBuffer) throws -> Void) rethrows {
    let order = keys.indices.sorted { keys[$0].precedes(keys[$1]) }
    var rows = RowBuffer()
    for (count, place) in order.enumerated() {
      rows.add(keys[place], values[place])
      if count % 1024 == 1023 {
        try take(rows)
        rows.removeAll()
      }
    }
    try take(rows)
  }
}

extension RowBuffer {
  fileprivate mutating func add(_ key: TallyKey, _ value: TallyValue) {
    add(key.hour)
    add(key.origin)
    add(key.domain)
    add(key.relay)
    add(key.facts.packed)
    add(Int64(key.status))
    add(key.reply)
    add(key.cause)
    add(value.count)
    add(value.first)
    add(value.last)
    add(value.position.source)
    add(value.position.offset)
    add(value.causePosition?.source)
    add(value.causePosition?.offset)
  }
}
