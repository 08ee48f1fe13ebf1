import Glibc

/// Numeric IP addresses.
package enum Address {
  /// Whether the text is an IPv4 or IPv6 address.
  package static func isNumeric(_ text: String) -> Bool { bytes(text) != nil }

  /// Loopback, private, link-local, unspecified and multicast (RFC 6890); also inside a mapped one.
  package static func isPrivate(_ text: String) -> Bool {
    guard let bytes = bytes(text) else { return true }
    if bytes.count == 4 { return isPrivate(four: bytes) }
    if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff {
      return isPrivate(four: Array(bytes[12...]))
    }
    if bytes.prefix(15).allSatisfy({ $0 == 0 }) { return true }
    return bytes[0] & 0xfe == 0xfc || (bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80)
      || bytes[0] == 0xff
  }

  private static func isPrivate(four bytes: [UInt8]) -> Bool {
    switch (bytes[0], bytes[1]) {
    case (0, _), (10, _), (127, _), (192, 168), (169, 254), (172, 16...31), (100, 64...127),
      (224..., _):
      true
    default: false
    }
  }

  private static func bytes(_ text: String) -> [UInt8]? {
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
    var six = in6_addr()
    if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
    return nil
  }
}
