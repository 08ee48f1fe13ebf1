import Glibc

/// Maps byte strings to small numbers without making a `String` of each. Seeded per run: the names
/// come from outside, and whoever chooses them must not be able to choose collisions.
package struct ByteInterner {
  private var slots: [Int32]
  private var hashes: [UInt64] = []
  private var ends: [Int] = []
  private var arena: [UInt8] = []
  private var values: [Int64] = []
  private let seed: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    slots = Array(repeating: -1, count: 1024)
  }

  /// Names known.
  package var count: Int { values.count }

  /// The number of `bytes`, where it is known.
  package func value(of bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    let hash = self.hash(bytes)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let entry = Int(slots[slot])
      if hashes[entry] == hash, equals(entry, bytes) { return values[entry] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Remembers `value` for `bytes`, which must not be known yet.
  package mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, value: Int64) {
    if (values.count + 1) * 2 > slots.count { grow() }
    let hash = self.hash(bytes)
    hashes.append(hash)
    arena.append(contentsOf: bytes)
    ends.append(arena.count)
    values.append(value)
    place(entry: values.count - 1, hash: hash)
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    for entry in hashes.indices { place(entry: entry, hash: hashes[entry]) }
  }

  private mutating func place(entry: Int, hash: UInt64) {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(truncatingIfNeeded: entry)
  }

  private func equals(_ entry: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = entry == 0 ? 0 : ends[entry - 1]
    guard ends[entry] - start == bytes.count else { return false }
    guard let wanted = bytes.baseAddress else { return true }
    return arena.withUnsafeBytes { stored in
      stored.baseAddress.map { memcmp($0 + start, wanted, bytes.count) == 0 } ?? false
    }
  }

  /// A seeded multiply-and-fold over eight bytes at a time.
  private func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
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
    return mixed(state, rest ^ seed.byteSwapped)
  }
}
