import Glibc

extension UnsafeRawBufferPointer {
  /// The first index of `byte`, by memchr.
  func firstByte(_ byte: UInt8) -> Int? {
    guard let base = baseAddress, let hit = memchr(base, Int32(byte), count) else { return nil }
    return UnsafeRawPointer(hit) - base
  }
}

/// FNV-1a over `bytes`: tells contents apart, guards nothing.
func fingerprint(_ bytes: some Sequence<UInt8>) -> Int64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  return Int64(bitPattern: hash)
}
