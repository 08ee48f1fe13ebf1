import MailModel

/// Postfix queue ids: short (`3561EF9D07D`: microseconds and inode in upper-case hexadecimal, reused
/// over time) and long (`4fPYCK0sf8z3md`: seconds base 52, microseconds base 52, `z`, inode base 51;
/// unique). Source: Postfix src/global/mail_queue.h, safe_ultostr.c.
enum PostfixQueueID {
  /// The queue id at the start of `range` where `: ` follows it, or nil.
  static func leading(_ bytes: Span<UInt8>, in range: Range<Int>) -> Range<Int>? {
    var at = range.lowerBound
    var isShort = true
    var isLong = true
    var lastZ = -1
    var length = 8
    while length == 8, at - range.lowerBound < ShortID.longest {
      let word = EightBytes(bytes, at: at)
      let characters = word.alphanumeric
      length = characters.leadingMarks
      // Most lines without an id are told by their first word.
      if length < 8, at + length >= range.upperBound || bytes[at + length] != UInt8(ascii: ":") {
        return nil
      }
      let inside = characters & .places(below: length)
      let hexadecimal =
        word.between(UInt8(ascii: "0"), UInt8(ascii: "9"))
        | word.between(UInt8(ascii: "A"), UInt8(ascii: "F"))
      if inside & ~hexadecimal != 0 { isShort = false }
      if inside & vowels(word.folded) != 0 { isLong = false }
      if let z = (word.equal(UInt8(ascii: "z")) & inside).lastMark { lastZ = at + z }
      at += length
    }
    guard at + 1 < range.upperBound, bytes[at] == UInt8(ascii: ":"),
      bytes[at + 1] == UInt8(ascii: " ")
    else { return nil }
    if isShort, at - range.lowerBound >= 6 { return range.lowerBound..<at }
    // The last z has ten characters or more before it and the inode behind it.
    if isLong, lastZ - range.lowerBound >= 10, at > lastZ + 1 {
      return range.lowerBound..<at
    }
    return nil
  }

  /// Base 52 has no vowels.
  @inline(__always)
  private static func vowels(_ folded: EightBytes) -> UInt64 {
    folded.equal(UInt8(ascii: "a")) | folded.equal(UInt8(ascii: "e"))
      | folded.equal(UInt8(ascii: "i")) | folded.equal(UInt8(ascii: "o"))
      | folded.equal(UInt8(ascii: "u"))
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
