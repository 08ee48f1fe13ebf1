/// A domain or host name that is safe in configuration, shell and reports: LDH labels, underscores
/// and dots only, 253 bytes at most (RFC 1035 section 2.3.1, RFC 2181 section 11), lower case.
package struct HostName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// The name, lower-cased, a trailing dot removed; nil for anything that is no host name.
  package init?(_ text: some StringProtocol) {
    var bytes = Array(text.utf8)
    if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
    guard !bytes.isEmpty, bytes.count <= 253 else { return nil }
    var labelLength = 0
    for index in bytes.indices {
      switch bytes[index] {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"):
        bytes[index] |= 0x20
        labelLength += 1
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"):
        labelLength += 1
      case UInt8(ascii: "-"):
        guard labelLength > 0 else { return nil }
        labelLength += 1
      case UInt8(ascii: "."):
        guard labelLength > 0, bytes[index - 1] != UInt8(ascii: "-") else { return nil }
        labelLength = 0
      default: return nil
      }
      guard labelLength <= 63 else { return nil }
    }
    guard labelLength > 0, bytes.last != UInt8(ascii: "-") else { return nil }
    description = String(decoding: bytes, as: UTF8.self)
  }
}
