import Glibc
import MailModel

extension UnsafeRawBufferPointer {
  /// The first index of `byte`, by memchr.
  func firstByte(_ byte: UInt8) -> Int? {
    guard let base = baseAddress, let hit = memchr(base, Int32(byte), count) else { return nil }
    return UnsafeRawPointer(hit) - base
  }
}

/// What the store keeps of contents, to know them again.
func fingerprint(_ bytes: some Sequence<UInt8>) -> Int64 {
  Int64(bitPattern: Fingerprint(bytes).value)
}
