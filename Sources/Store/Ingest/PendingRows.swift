import MailModel

/// What makes attempts of one hour alike.
struct TallyKey: SeededKey {
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
struct TallyValue {
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

  init(seed: UInt64) { tallies = SeededTable(seed: seed) }

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

  /// Adds the sums to what waits, in the order of their key: the table is one B-tree of it.
  mutating func addTallies() {
    let order = tallies.keys.indices.sorted { tallies.keys[$0].precedes(tallies.keys[$1]) }
    for place in order {
      let (key, value) = (tallies.keys[place], tallies.values[place])
      var rows = RowBuffer()
      swap(&rows, &batch[.tally])
      rows.add(key.hour)
      rows.add(key.origin)
      rows.add(key.domain)
      rows.add(key.relay)
      rows.add(key.facts.packed)
      rows.add(Int64(key.status))
      rows.add(key.reply)
      rows.add(key.cause)
      rows.add(value.count)
      rows.add(value.first)
      rows.add(value.last)
      rows.add(value.position.source)
      rows.add(value.position.offset)
      rows.add(value.causePosition?.source)
      rows.add(value.causePosition?.offset)
      swap(&rows, &batch[.tally])
    }
    tallies.removeAll()
  }
}
