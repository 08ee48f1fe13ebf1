import Glibc

/// Maps byte strings to small numbers without making a `String` of each. Seeded per run: the names
/// come from outside, and whoever chooses them must not be able to choose collisions.
package struct ByteInterner {
  /// Half of a hash, and the place of its entry; -1 where it is free.
  private struct Slot {
    let hash: UInt32
    let place: Int32

    static var free: Slot { Slot(hash: 0, place: -1) }
  }

  private struct Entry {
    let start: Int
    let length: Int
    let value: Int64
  }

  /// By hash; the table is large, so that a look at a name that is not the one touches nothing else.
  private var slots: ContiguousArray<Slot>
  private var entries: ContiguousArray<Entry> = []
  private var arena: ContiguousArray<UInt8> = []
  private let seed: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    slots = ContiguousArray(repeating: .free, count: 1024)
  }

  /// Names known.
  package var count: Int { entries.count }

  /// The bytes of all of them.
  package var byteCount: Int { arena.count }

  /// The number of `bytes`, where it is known.
  package func value(of bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    let hash = self.hash(bytes)
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot].place >= 0 {
      if slots[slot].hash == hash {
        let entry = entries[Int(slots[slot].place)]
        if equals(entry, bytes) { return entry.value }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Remembers `value` for `bytes`, which must not be known yet.
  package mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, value: Int64) {
    if (entries.count + 1) * 2 > slots.count { grow() }
    entries.append(Entry(start: arena.count, length: bytes.count, value: value))
    arena.append(contentsOf: bytes)
    occupy(Slot(hash: hash(bytes), place: Int32(truncatingIfNeeded: entries.count - 1)))
  }

  private mutating func grow() {
    let old = slots
    slots = ContiguousArray(repeating: .free, count: old.count * 2)
    for slot in old where slot.place >= 0 { occupy(slot) }
  }

  private mutating func occupy(_ new: Slot) {
    let mask = slots.count - 1
    var slot = Int(new.hash) & mask
    while slots[slot].place >= 0 { slot = (slot + 1) & mask }
    slots[slot] = new
  }

  private func equals(_ entry: Entry, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard entry.length == bytes.count else { return false }
    guard let wanted = bytes.baseAddress else { return true }
    return arena.withUnsafeBytes { stored in
      stored.baseAddress.map { memcmp($0 + entry.start, wanted, bytes.count) == 0 } ?? false
    }
  }

  @inline(__always)
  private func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 { hashed(bytes, seed: seed) }
}

/// A seeded multiply-and-fold over eight bytes at a time.
@inline(__always)
func hashed(_ bytes: UnsafeBufferPointer<UInt8>, seed: UInt64) -> UInt32 {
  var state = seed ^ UInt64(truncatingIfNeeded: bytes.count) &* 0x9e37_79b9_7f4a_7c15
  let raw = UnsafeRawBufferPointer(bytes)
  var at = 0
  while at + 8 < raw.count {
    state = mixed(state, raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    at += 8
  }
  var rest: UInt64 = 0
  if raw.count >= 8 {
    rest = raw.loadUnaligned(fromByteOffset: raw.count - 8, as: UInt64.self)
  } else {
    for byte in raw { rest = rest << 8 | UInt64(byte) }
  }
  return UInt32(truncatingIfNeeded: mixed(state, rest ^ seed.byteSwapped))
}
