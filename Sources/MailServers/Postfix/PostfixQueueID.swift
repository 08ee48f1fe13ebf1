import MailModel

/// Postfix queue ids: short (`3561EF9D07D`: microseconds and inode in upper-case hexadecimal, reused
/// over time) and long (`4fPYCK0sf8z3md`: seconds base 52, microseconds base 52, `z`, inode base 51;
/// unique). Source: Postfix src/global/mail_queue.h, safe_ultostr.c.
enum PostfixQueueID {
  /// The queue id at the start of `range` where `: ` follows it, or nil.
  static func leading(_ bytes: Span<UInt8>, in range: Range<Int>) -> Range<Int>? {
    var at = range.lowerBound
    let end = min(range.upperBound, at + ShortID.longest, bytes.count)
    // The forms that all its characters allow.
    var forms = inShort | inLong
    var lastZ = -1
    while at < end {
      let byte = bytes[unchecked: at]
      let allowed = PostfixQueueID.forms(of: byte)
      if allowed == 0 { break }
      forms &= allowed
      if byte == UInt8(ascii: "z") { lastZ = at }
      at &+= 1
    }
    guard at + 1 < range.upperBound, bytes[at] == UInt8(ascii: ":"),
      bytes[at + 1] == UInt8(ascii: " ")
    else { return nil }
    let length = at - range.lowerBound
    if forms & inShort != 0, length >= 6 { return range.lowerBound..<at }
    // The last z has ten characters or more before it and the inode behind it.
    if forms & inLong != 0, lastZ - range.lowerBound >= 10, at > lastZ + 1 {
      return range.lowerBound..<at
    }
    return nil
  }

  private static var inShort: UInt64 { 1 }
  private static var inLong: UInt64 { 2 }

  /// The forms of id in which a character may stand.
  @inline(__always)
  private static func forms(of byte: UInt8) -> UInt64 {
    // A bit per character, from `0` on: hexadecimal digits, and the digits of base 52.
    let (hexadecimal, base52, base52Rest): (UInt64, UInt64, UInt64) =
      (0x7e_03ff, 0x7ddc_07df_7ddc_03ff, 0x7df)
    let place = UInt64(byte &- 48)
    if place < 64 { return (hexadecimal &>> place) & 1 | ((base52 &>> place) & 1) &<< 1 }
    return place < 75 ? ((base52Rest &>> (place &- 64)) & 1) &<< 1 : 0
  }

  private static let alphabet = Array("0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz".utf8)

  /// When the queue file of a long id was made; nil for a short one.
  static func creation(_ id: String) -> Timestamp? {
    let bytes = Array(id.utf8)
    guard let z = bytes.lastIndex(of: UInt8(ascii: "z")), z >= 10 else { return nil }
    func decode(_ part: ArraySlice<UInt8>) -> Int64? {
      var value: Int64 = 0
      for byte in part {
        guard let digit = alphabet.firstIndex(of: byte), value < 1 << 50 else { return nil }
        value = value * 52 + Int64(digit)
      }
      return value
    }
    guard let seconds = decode(bytes[..<(z - 4)]), let micros = decode(bytes[(z - 4)..<z]),
      seconds < 1 << 40, micros < 1_000_000
    else { return nil }
    return Timestamp(microseconds: seconds * 1_000_000 + micros)
  }
}
