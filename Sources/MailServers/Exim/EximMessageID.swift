import MailModel

/// Exim message ids: `6-6-2` characters before 4.97, `6-11-4` since; the first six are seconds in
/// base 62. Source: Exim src/string.c, spec chapter 3.4.
enum EximMessageID {
  /// The id at `start`, where a blank or the end follows it.
  static func at(_ start: Int, in bytes: Span<UInt8>, to end: Int) -> Range<Int>? {
    for shape in [(6, 6, 2), (6, 11, 4)] {
      let length = shape.0 + shape.1 + shape.2 + 2
      guard start + length <= end, start + length == end || bytes[start + length] == 0x20,
        bytes[start + shape.0] == UInt8(ascii: "-"),
        bytes[start + shape.0 + 1 + shape.1] == UInt8(ascii: "-")
      else { continue }
      var isID = true
      for index in start..<(start + length)
      where index != start + shape.0 && index != start + shape.0 + 1 + shape.1 {
        if !isAlphanumeric(bytes[index]) { isID = false }
      }
      if isID { return start..<(start + length) }
    }
    return nil
  }

  /// When the message with this id arrived, to the second: the first six characters are seconds in
  /// base 62 (base 36 where file names ignore case). `near` decides between the two, and stands where
  /// neither fits.
  static func creation(_ id: String, near: Timestamp) -> Timestamp {
    func seconds(base: Int64) -> Int64? {
      var value: Int64 = 0
      for byte in id.utf8.prefix(6) {
        let digit: Int64
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = Int64(byte) - 48
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = Int64(byte) - 55
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = Int64(byte) - 61
        default: return nil
        }
        guard digit < base else { return nil }
        value = value * base + digit
      }
      return value
    }
    // An age is told in minutes, hours or days, cut off: a listing is rarely older than that.
    for base in [62, 36] as [Int64] {
      if let found = seconds(base: base), abs(found - near.seconds) < 400 * 86_400 {
        return Timestamp(seconds: found)
      }
    }
    return near
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }
}
