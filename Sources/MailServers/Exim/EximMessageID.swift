import MailModel

/// Exim message ids: `6-6-2` characters before 4.97, `6-11-4` since; the first six are seconds in
/// base 62. Source: Exim src/string.c, spec chapter 3.4.
enum EximMessageID {
  /// The id at `start`, where a blank or the end follows it.
  static func at(_ start: Int, in bytes: Span<UInt8>, to end: Int) -> Range<Int>? {
    guard start + 16 <= end, bytes[start + 6] == UInt8(ascii: "-") else { return nil }
    return at(start, in: bytes, to: end, middle: 6, last: 2)
      ?? at(start, in: bytes, to: end, middle: 11, last: 4)
  }

  /// The id at `start` whose parts behind the first have these lengths.
  @inline(__always)
  private static func at(
    _ start: Int,
    in bytes: Span<UInt8>,
    to end: Int,
    middle: Int,
    last: Int
  ) -> Range<Int>? {
    let dash = start + 7 + middle
    let stop = dash + 1 + last
    guard stop <= end, stop == end || bytes[stop] == 0x20, bytes[dash] == UInt8(ascii: "-")
    else { return nil }
    return isAlphanumeric(bytes, start, 6) && isAlphanumeric(bytes, start + 7, middle)
      && isAlphanumeric(bytes, dash + 1, last) ? start..<stop : nil
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

  /// Whether `length` bytes are letters and digits, told without a branch for each.
  @inline(__always)
  private static func isAlphanumeric(_ bytes: Span<UInt8>, _ start: Int, _ length: Int) -> Bool {
    let part = bytes.extracting(start..<(start + length))
    var others: UInt8 = 0
    for index in 0..<length {
      let byte = part[unchecked: index]
      let isDigit = byte &- 48 < 10
      let isLetter = (byte | 0x20) &- 97 < 26
      others |= isDigit || isLetter ? 0 : 1
    }
    return others == 0
  }
}
