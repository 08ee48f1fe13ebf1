/// A number that tells contents apart and names things the same way for ever; it guards nothing. FNV-1a
/// in 64 bits.
package struct Fingerprint: Hashable, Sendable {
  package let value: UInt64

  @inlinable package init(_ bytes: some Sequence<UInt8>) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    value = hash
  }

  /// Its last `digits` hexadecimal digits, lower-case, zeros in front.
  package func hex(digits: Int = 16) -> String {
    let all = String(value, radix: 16)
    return (String(repeating: "0", count: 16 - all.count) + all).suffix(digits).description
  }
}
