import MailModel

/// Exim message ids: `6-6-2` characters before 4.97, `6-11-4` since; the first six are seconds in
/// base 62. Source: Exim src/string.c, spec chapter 3.4.
enum EximMessageID {
  /// The id at `start`, where a blank or the end follows it.
  static func at(_ start: Int, in bytes: Span<UInt8>, to end: Int) -> Range<Int>? {
    let all = EightBytes.all
    guard start + 16 <= end, bytes[start + 6] == UInt8(ascii: "-"),
      EightBytes(bytes, at: start).alphanumeric == all ^ mark(6)
    else { return nil }
    let middle = EightBytes(bytes, at: start + 8).alphanumeric
    if middle == all ^ mark(5) {
      return ending(at: start + 16, from: start, dash: start + 13, in: bytes, to: end)
    }
    guard middle == all, start + 23 <= end else { return nil }
    let seven = all & .places(below: 7)
    guard EightBytes(bytes, at: start + 16).alphanumeric & seven == seven ^ mark(2) else {
      return nil
    }
    return ending(at: start + 23, from: start, dash: start + 18, in: bytes, to: end)
  }

  /// The mark of one of eight bytes.
  @inline(__always)
  private static func mark(_ place: Int) -> UInt64 { 0x80 << UInt64(8 * place) }

  @inline(__always)
  private static func ending(
    at stop: Int,
    from start: Int,
    dash: Int,
    in bytes: Span<UInt8>,
    to end: Int
  ) -> Range<Int>? {
    bytes[dash] == UInt8(ascii: "-") && (stop == end || bytes[stop] == 0x20) ? start..<stop : nil
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
}
