import Glibc

/// The last `host tag` seen of each of some kinds, with its number, in front of the table of all: a log
/// has a dozen of them, and asks for one at every line.
struct RecentTags {
  private struct Entry {
    var length = 0
    var value = 0
    var bytes = InlineArray<48, UInt8>(repeating: 0)
  }

  private var entries = ContiguousArray(repeating: Entry(), count: 64)

  /// The number of `key`, where it was the last of its kind.
  @inline(__always)
  func value(of key: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let place = RecentTags.place(of: key), let start = key.baseAddress,
      entries[place].length == key.count
    else { return nil }
    let isSame = withUnsafeBytes(of: entries[place].bytes) {
      $0.baseAddress.map { memcmp($0, start, key.count) == 0 } ?? false
    }
    return isSame ? entries[place].value : nil
  }

  mutating func note(_ key: UnsafeBufferPointer<UInt8>, value: Int) {
    guard let place = RecentTags.place(of: key) else { return }
    entries[place].length = key.count
    entries[place].value = value
    withUnsafeMutableBytes(of: &entries[place].bytes) {
      $0.copyMemory(from: UnsafeRawBufferPointer(key))
    }
  }

  /// By the length and the last eight bytes; nil for what is not kept.
  @inline(__always)
  private static func place(of key: UnsafeBufferPointer<UInt8>) -> Int? {
    guard key.count >= 8, key.count <= 48 else { return nil }
    let end = UnsafeRawBufferPointer(key)
      .loadUnaligned(fromByteOffset: key.count - 8, as: UInt64.self)
    let mixed = (end ^ UInt64(key.count)) &* 0xa076_1d64_78bd_642f
    return Int(truncatingIfNeeded: mixed &>> 58)
  }
}
