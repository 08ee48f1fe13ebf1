import MailModel

/// Replaces local parts, user names, subjects and Message-IDs by stable tokens, wherever they stand in
/// a text, quoted log lines too: the same address gives the same token, and the domain stays.
struct Redaction {
  let isOn: Bool

  init(isOn: Bool) { self.isOn = isOn }

  /// `text` with each `local@domain` as `a1b2c3d4@domain`.
  func apply(_ text: String) -> String {
    guard isOn else { return text }
    var out: [UInt8] = []
    let bytes = RedactedFields.apply(Array(text.utf8))
    out.reserveCapacity(bytes.count)
    for (index, byte) in bytes.enumerated() {
      guard let domain = Redaction.domain(bytes, behind: index), domain < bytes.count,
        Redaction.isDomain(bytes[domain])
      else {
        out.append(byte)
        continue
      }
      var start = out.count
      if let quoted = Redaction.quotedStart(out) {
        start = quoted
      } else {
        while start > 0, Redaction.isLocal(out[start - 1]) { start -= 1 }
      }
      guard start < out.count else {
        out.append(byte)
        continue
      }
      let token = Redaction.token(out[start...])
      out.removeSubrange(start...)
      out.append(contentsOf: token.utf8)
      out.append(byte)
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Where a domain begins if an `@` stands here, as itself or as `%40` in an address within a URL.
  private static func domain(_ bytes: [UInt8], behind index: Int) -> Int? {
    if bytes[index] == UInt8(ascii: "@") { return index + 1 }
    return bytes[index...].starts(with: "%40".utf8) ? index + 3 : nil
  }

  /// Where a quoted local part begins that ends here (RFC 5321: `"john doe"@example.com`); in JSON its
  /// quotes are escaped. Bounded as a local part is.
  private static func quotedStart(_ out: [UInt8]) -> Int? {
    let quote = UInt8(ascii: "\"")
    guard out.count > 2, out.last == quote else { return nil }
    var at = out.count - 2
    let lowest = max(0, out.count - 140)
    while at > lowest, out[at] != quote, out[at] != UInt8(ascii: "\n") { at -= 1 }
    guard out[at] == quote, at < out.count - 2 else { return nil }
    return at > 0 && out[at - 1] == UInt8(ascii: "\\") ? at - 1 : at
  }

  static func token(_ local: ArraySlice<UInt8>) -> String {
    "r" + Fingerprint(local).hex(digits: 8)
  }

  private static func isLocal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...0xff:
      true
    default: ".!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }
  }

  private static func isDomain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "["), 0x80...0xff:
      true
    default: false
    }
  }
}
