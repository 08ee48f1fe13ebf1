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

/// A hash table with open addressing, a few times faster than a `Dictionary` for keys of several
/// words. Entries lie in the order in which they came, as long as none is removed.
struct SeededTable<Key: SeededKey, Value> {
  private var slots: ContiguousArray<Int32>
  private var hashes: ContiguousArray<UInt64> = []
  private(set) var keys: ContiguousArray<Key> = []
  private(set) var values: ContiguousArray<Value> = []
  private let seed: UInt64

  init(seed: UInt64) {
    self.seed = seed
    slots = ContiguousArray(repeating: -1, count: 64)
  }

  var count: Int { values.count }
  var isEmpty: Bool { values.isEmpty }

  /// The place of `key` among ``keys`` and ``values``; nil where it is not there.
  @inline(__always)
  func place(of key: Key) -> Int? {
    let hash = key.hash(seed: seed)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let entry = Int(slots[slot])
      if entry < 0 { return nil }
      if hashes[entry] == hash, keys[entry] == key { return entry }
      slot = (slot + 1) & mask
    }
  }

  subscript(key: Key) -> Value? { place(of: key).map { values[$0] } }

  /// Adds a key that is not there yet.
  mutating func insert(_ key: Key, _ value: Value) {
    if (values.count + 1) * 2 > slots.count { grow() }
    let hash = key.hash(seed: seed)
    hashes.append(hash)
    keys.append(key)
    values.append(value)
    occupy(hash, with: values.count - 1)
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
      slots[slot(of: last)] = Int32(truncatingIfNeeded: place)
      hashes[place] = hashes[last]
      keys[place] = keys[last]
    }
    values.swapAt(place, last)
    hashes.removeLast()
    keys.removeLast()
    return values.removeLast()
  }

  /// Forgets everything.
  mutating func removeAll() {
    guard !values.isEmpty else { return }
    for index in slots.indices { slots[index] = -1 }
    hashes.removeAll(keepingCapacity: true)
    keys.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
  }

  /// The slot that holds an entry's place.
  private func slot(of place: Int) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hashes[place]) & mask
    while Int(slots[slot]) != place { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func occupy(_ hash: UInt64, with place: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots[slot] = Int32(truncatingIfNeeded: place)
  }

  private mutating func grow() {
    slots = ContiguousArray(repeating: -1, count: slots.count * 2)
    for place in hashes.indices { occupy(hashes[place], with: place) }
  }

  /// Empties a slot and moves back what was pushed behind it.
  private mutating func vacate(_ empty: Int) {
    let mask = slots.count - 1
    var hole = empty
    var slot = (hole + 1) & mask
    while slots[slot] >= 0 {
      let home = Int(truncatingIfNeeded: hashes[Int(slots[slot])]) & mask
      if (slot &- home) & mask >= (slot &- hole) & mask {
        slots[hole] = slots[slot]
        hole = slot
      }
      slot = (slot + 1) & mask
    }
    slots[hole] = -1
  }
}
