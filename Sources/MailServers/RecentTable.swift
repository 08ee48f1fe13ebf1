import MailModel

/// A key of ``RecentTable``: a process or a queue id.
protocol RecentKey: Comparable {
  func mixed(with seed: UInt64) -> UInt64
}

/// Something that was said at a moment.
protocol Recent {
  var moment: Timestamp { get }
  init(moment: Timestamp)
  /// Becomes what `init(moment:)` makes, and keeps its room.
  mutating func restart(at moment: Timestamp)
}

/// What was said of late, by process or queue id, until the line comes that it belongs to. When it is
/// full, an old one makes room for the next. A few times faster than a `Dictionary`, and changed in
/// place: dialects ask it at nearly every line.
struct RecentTable<Key: RecentKey, Value: Recent> {
  /// Places among ``keys`` and ``values``, by hash; -1 is free.
  private var slots: ContiguousArray<Int16>
  private(set) var keys: ContiguousArray<Key> = []
  private(set) var values: ContiguousArray<Value> = []
  private let seed: UInt64
  /// Where the search for the next one to forget goes on.
  private var hand = 0

  /// Remembered at most.
  static var limit: Int { 4096 }

  init() {
    slots = ContiguousArray(repeating: -1, count: 64)
    // The process's own seed: whoever chooses queue ids must not be able to choose collisions.
    seed = UInt64(bitPattern: Int64(Hasher().finalize())) | 1
  }

  var isEmpty: Bool { keys.isEmpty }
  var count: Int { keys.count }

  /// Where the value of `key` lies, for ``subscript(_:)``; good until the next change.
  @inline(__always)
  func place(of key: Key) -> Int? {
    if keys.isEmpty { return nil }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: key.mixed(with: seed)) & mask
    while true {
      let place = Int(slots[slot])
      if place < 0 { return nil }
      if keys[place] == key { return place }
      slot = (slot + 1) & mask
    }
  }

  /// The value at a place.
  subscript(place: Int) -> Value {
    _read { yield values[place] }
    _modify { yield &values[place] }
  }

  /// The value of a key, copied.
  func value(of key: Key) -> Value? { place(of: key).map { values[$0] } }

  /// Sets the value of a key, known or not; gives its place.
  @discardableResult
  mutating func set(_ key: Key, _ value: Value) -> Int {
    if let place = place(of: key) {
      values[place] = value
      return place
    }
    let place = add(key, at: value.moment)
    values[place] = value
    return place
  }

  /// Adds a key that is not known, with a value that says nothing yet; gives its place.
  mutating func add(_ key: Key, at moment: Timestamp) -> Int {
    if keys.count >= RecentTable.limit {
      let place = oldestAtHand()
      vacate(slot(of: place))
      keys[place] = key
      values[place].restart(at: moment)
      occupy(with: place)
      return place
    }
    if (keys.count + 1) * 2 > slots.count { grow() }
    keys.append(key)
    values.append(Value(moment: moment))
    occupy(with: keys.count - 1)
    return keys.count - 1
  }

  /// The oldest of the next few.
  private mutating func oldestAtHand() -> Int {
    var oldest = hand
    for _ in 0..<4 {
      if values[hand].moment.microseconds < values[oldest].moment.microseconds { oldest = hand }
      hand = hand + 1 < keys.count ? hand + 1 : 0
    }
    return oldest
  }

  /// Takes a key away; the last one takes its place.
  @discardableResult
  mutating func remove(_ key: Key) -> Value? {
    guard let place = place(of: key) else { return nil }
    vacate(slot(of: place))
    let last = keys.count - 1
    if place != last {
      slots[slot(of: last)] = Int16(truncatingIfNeeded: place)
      keys[place] = keys[last]
      values.swapAt(place, last)
    }
    keys.removeLast()
    hand = 0
    return values.removeLast()
  }

  /// Forgets all but the newest `most`.
  mutating func forget(allBut most: Int) {
    guard keys.count > most else { return }
    let kept = newest(most)
    self = RecentTable()
    for (key, value) in kept { set(key, value) }
  }

  /// The newest `most`, in the order of their keys.
  func newest(_ most: Int) -> [(key: Key, value: Value)] {
    var places = Array(keys.indices)
    if places.count > most {
      let moments = values.map(\.moment.microseconds)
      places.sort {
        moments[$0] == moments[$1] ? keys[$0] > keys[$1] : moments[$0] > moments[$1]
      }
    }
    return places.prefix(most).sorted { keys[$0] < keys[$1] }.map { (keys[$0], values[$0]) }
  }

  private mutating func grow() {
    slots = ContiguousArray(repeating: -1, count: slots.count * 2)
    placeAll()
  }

  private mutating func placeAll() {
    for slot in slots.indices { slots[slot] = -1 }
    for place in keys.indices { occupy(with: place) }
  }

  private func home(of place: Int) -> Int {
    Int(truncatingIfNeeded: keys[place].mixed(with: seed)) & (slots.count - 1)
  }

  private func slot(of place: Int) -> Int {
    var slot = home(of: place)
    while Int(slots[slot]) != place { slot = (slot + 1) & (slots.count - 1) }
    return slot
  }

  private mutating func occupy(with place: Int) {
    var slot = home(of: place)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int16(truncatingIfNeeded: place)
  }

  /// Empties a slot and moves back what was pushed behind it.
  private mutating func vacate(_ empty: Int) {
    let mask = slots.count - 1
    var hole = empty
    var slot = (hole + 1) & mask
    while slots[slot] >= 0 {
      if (slot &- home(of: Int(slots[slot]))) & mask >= (slot &- hole) & mask {
        slots[hole] = slots[slot]
        hole = slot
      }
      slot = (slot + 1) & mask
    }
    slots[hole] = -1
  }
}

extension Int32: RecentKey {
  @inline(__always)
  func mixed(with seed: UInt64) -> UInt64 {
    seed.folded(with: UInt64(UInt32(bitPattern: self)))
  }
}

extension UInt64 {
  /// Multiplies and folds one word into a hash.
  @inline(__always)
  func folded(with word: UInt64) -> UInt64 {
    let product = (self ^ word).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
    return product.high ^ product.low
  }
}
