import MailModel

/// Sendmail's queue ids: eight characters of time and sequence, then the process id, six digits or
/// more. Before 8.12 seven characters and five digits, before 8.10 three letters and five digits.
/// Source: sendmail/queue.c (assign_queueid).
enum SendmailQueueID {
  /// The id at the start of `range` where `: ` follows.
  static func leading(_ bytes: Span<UInt8>, in range: Range<Int>) -> Range<Int>? {
    let start = range.lowerBound
    var end = start
    // Behind the last character that is no digit.
    var digitsStart = start
    var length = 8
    while length == 8, end - start <= longest {
      let word = EightBytes(bytes, at: end)
      let characters = word.alphanumeric
      length = characters.leadingMarks
      let letters =
        characters & .places(below: length) & ~word.between(UInt8(ascii: "0"), UInt8(ascii: "9"))
      if let letter = letters.lastMark { digitsStart = end + letter + 1 }
      end += length
    }
    guard end + 1 < range.upperBound, bytes[end] == UInt8(ascii: ":"), bytes[end + 1] == 0x20,
      isShape(length: end - start, digits: end - digitsStart)
    else { return nil }
    return start..<end
  }

  /// Whether a word is an id.
  static func isOne(_ word: some StringProtocol) -> Bool {
    var digits = 0
    for byte in word.utf8 {
      switch byte {
      case 48...57: digits += 1
      case 65...90, 97...122: digits = 0
      default: return false
      }
    }
    return isShape(length: word.utf8.count, digits: digits)
  }

  private static let longest = 16

  /// `digits` counts those at the end.
  private static func isShape(length: Int, digits: Int) -> Bool {
    switch length {
    case 14...longest: digits >= length - 8
    case 12: digits >= 5
    case 8: digits == 5
    default: false
    }
  }

  /// When the message with this id arrived: year, month, day, hour, minute and second are a character
  /// each, in UTC. Nil where the id has another shape.
  static func creation(_ id: String, near: Timestamp) -> Timestamp? {
    guard id.utf8.count >= 12 else { return nil }
    let digits = id.utf8.prefix(6).compactMap { byte -> Int? in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 55
      case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte) - 61
      default: nil
      }
    }
    guard digits.count == 6 else { return nil }
    // The year is counted from 1900, modulo 60.
    let now = CivilTime(near).year
    guard let year = (now - 59...now + 1).last(where: { ($0 - 1900) % 60 == digits[0] }) else {
      return nil
    }
    var time = CivilTime(year: year, month: digits[1] + 1, day: digits[2])
    time.hour = digits[3]
    time.minute = digits[4]
    time.second = digits[5]
    return time.isPlausible ? time.timestamp() : nil
  }
}
