/// A key whose words are mixed with a seed of the run: whoever chooses names must not be able to
/// choose collisions.
protocol SeededKey: Equatable {
  func hash(seed: UInt64) -> UInt64
}

/// Multiplies and folds one word into a hash.
@inline(__always)
func mixed(_ state: UInt64, _ word: UInt64) -> UInt64 {
  let product = (state ^ word).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
  return product.high ^ product.low
}

extension SeededTable: Sendable where Key: Sendable, Value: Sendable {}

/// A hash table with open addressing, a few times faster than a `Dictionary` for keys of several
/// words. Entries lie in the order in which they came, as long as none is removed.
struct SeededTable<Key: SeededKey, Value> {
  /// By hash; the table is large, so that a look at one that is not the key's must touch nothing else.
  private var slots: ContiguousArray<Slot>
  private(set) var keys: ContiguousArray<Key> = []
  private(set) var values: ContiguousArray<Value> = []
  private let seed: UInt64

  /// Half of a hash, and the place of its entry.
  private struct Slot {
    let hash: UInt32
    /// -1 where it is free.
    let place: Int32

    static var free: Slot { Slot(hash: 0, place: -1) }
  }

  init(seed: UInt64) {
    self.seed = seed
    slots = ContiguousArray(repeating: .free, count: 64)
  }

  var count: Int { values.count }
  var isEmpty: Bool { values.isEmpty }

  /// The place of `key` among ``keys`` and ``values``; nil where it is not there.
  @inline(__always)
  func place(of key: Key) -> Int? {
    let hash = half(key)
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while true {
      let found = slots[slot]
      if found.place < 0 { return nil }
      if found.hash == hash, keys[Int(found.place)] == key { return Int(found.place) }
      slot = (slot + 1) & mask
    }
  }

  @inline(__always)
  private func half(_ key: Key) -> UInt32 { UInt32(truncatingIfNeeded: key.hash(seed: seed)) }

  subscript(key: Key) -> Value? { place(of: key).map { values[$0] } }

  /// Adds a key that is not there yet.
  mutating func insert(_ key: Key, _ value: Value) {
    if (values.count + 1) * 4 > slots.count * 3 { grow() }
    keys.append(key)
    values.append(value)
    occupy(Slot(hash: half(key), place: Int32(truncatingIfNeeded: values.count - 1)))
  }

  /// Changes the value at a place.
  mutating func update<Result>(at place: Int, _ change: (inout Value) -> Result) -> Result {
    change(&values[place])
  }

  /// Takes a key away; the last entry takes its place.
  @discardableResult
  mutating func remove(_ key: Key) -> Value? {
    guard let place = place(of: key) else { return nil }
    vacate(slot(of: place))
    let last = values.count - 1
    if place != last {
      let moved = slot(of: last)
      slots[moved] = Slot(hash: slots[moved].hash, place: Int32(truncatingIfNeeded: place))
      keys[place] = keys[last]
    }
    values.swapAt(place, last)
    keys.removeLast()
    return values.removeLast()
  }

  /// Forgets everything.
  mutating func removeAll() {
    guard !values.isEmpty else { return }
    for index in slots.indices { slots[index] = .free }
    keys.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
  }

  /// The slot that holds an entry's place.
  private func slot(of place: Int) -> Int {
    let mask = slots.count - 1
    var slot = Int(half(keys[place])) & mask
    while Int(slots[slot].place) != place { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func occupy(_ new: Slot) {
    let mask = slots.count - 1
    var slot = Int(new.hash) & mask
    while slots[slot].place >= 0 { slot = (slot + 1) & mask }
    slots[slot] = new
  }

  private mutating func grow() {
    let old = slots
    slots = ContiguousArray(repeating: .free, count: old.count * 2)
    for slot in old where slot.place >= 0 { occupy(slot) }
  }

  /// Empties a slot and moves back what was pushed behind it.
  private mutating func vacate(_ empty: Int) {
    let mask = slots.count - 1
    var hole = empty
    var slot = (hole + 1) & mask
    while slots[slot].place >= 0 {
      let home = Int(slots[slot].hash) & mask
      if (slot &- home) & mask >= (slot &- hole) & mask {
        slots[hole] = slots[slot]
        hole = slot
      }
      slot = (slot + 1) & mask
    }
    slots[hole] = .free
  }
}
