/// Where a message's recipients lie, by the hash of their address: a message with many is met at each
/// line about one of them.
struct RecipientPlaces {
  private struct Slot {
    let hash: UInt32
    /// -1 where it is free.
    let place: Int32
  }

  private var slots: ContiguousArray<Slot>
  private var count = 0

  private static let free = Slot(hash: 0, place: -1)
  /// The process's own seed: whoever chooses addresses must not be able to choose collisions.
  private static let seed = UInt64(bitPattern: Int64(Hasher().finalize())) | 1

  init() { slots = ContiguousArray(repeating: RecipientPlaces.free, count: 64) }

  static func hash(_ address: UnsafeBufferPointer<UInt8>) -> UInt32 { hashed(address, seed: seed) }

  /// The first place under this hash that is the one.
  func first(_ hash: UInt32, where isIt: (Int) -> Bool) -> Int? {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot].place >= 0 {
      let place = Int(slots[slot].place)
      if slots[slot].hash == hash, isIt(place) { return place }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Adds a place.
  mutating func insert(_ hash: UInt32, place: Int) {
    count += 1
    if count * 2 > slots.count {
      let old = slots
      slots = ContiguousArray(repeating: RecipientPlaces.free, count: old.count * 2)
      for slot in old where slot.place >= 0 { occupy(slot) }
    }
    occupy(Slot(hash: hash, place: Int32(truncatingIfNeeded: place)))
  }

  private mutating func occupy(_ new: Slot) {
    let mask = slots.count - 1
    var slot = Int(new.hash) & mask
    while slots[slot].place >= 0 { slot = (slot + 1) & mask }
    slots[slot] = new
  }
}
