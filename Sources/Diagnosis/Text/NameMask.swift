/// Blanks names in a text, in place and keeping its length: mail addresses, host names, and the
/// distinguished names of certificates.
enum NameMask {
  private static let blank = UInt8(ascii: "~")

  static func blank(_ bytes: inout [UInt8]) {
    blankSubjects(&bytes)
    blankBracketed(&bytes)
    var at = 0
    while at < bytes.count {
      guard isNameByte(bytes[at]) || bytes[at] == UInt8(ascii: "@") else {
        at += 1
        continue
      }
      let start = at
      var isAddress = false
      while at < bytes.count, isNameByte(bytes[at]) || bytes[at] == UInt8(ascii: "@") {
        if bytes[at] == UInt8(ascii: "@") { isAddress = true }
        at += 1
      }
      // A host in a URL belongs to what the text says: who lists us, where to read more.
      let follows = start > 0 && bytes[start - 1] == UInt8(ascii: "/")
      if isAddress || (!follows && isHostName(bytes, start..<at)) {
        for index in start..<at { bytes[index] = blank }
      }
    }
  }

  /// `helo=<anything>`
  private static func blankBracketed(_ bytes: inout [UInt8]) {
    var at = 1
    while at + 1 < bytes.count {
      guard bytes[at] == UInt8(ascii: "<"), bytes[at - 1] == UInt8(ascii: "=") else {
        at += 1
        continue
      }
      at += 1
      while at < bytes.count, bytes[at] != UInt8(ascii: ">"), bytes[at] != 0x20 {
        bytes[at] = blank
        at += 1
      }
    }
  }

  /// `/C=DE/O=Example/CN=Example CA`, up to what can end it.
  private static func blankSubjects(_ bytes: inout [UInt8]) {
    var at = 0
    while at + 3 < bytes.count {
      guard bytes[at] == UInt8(ascii: "/"), let value = subjectValue(bytes, after: at) else {
        at += 1
        continue
      }
      var end = value
      while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: ","),
        bytes[end] != UInt8(ascii: ":"), bytes[end] != UInt8(ascii: ")")
      {
        bytes[end] = blank
        end += 1
      }
      at = end
    }
  }

  /// Where the value of an attribute such as `/CN=` starts.
  private static func subjectValue(_ bytes: [UInt8], after slash: Int) -> Int? {
    var at = slash + 1
    while at < bytes.count, at - slash <= 3, bytes[at] >= 0x41, bytes[at] <= 0x5a { at += 1 }
    guard at > slash + 1, at < bytes.count, bytes[at] == UInt8(ascii: "=") else { return nil }
    return at + 1
  }

  /// Two labels or more, in one case, the last one of letters as a top-level domain is.
  private static func isHostName(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    var end = range.upperBound
    if end > range.lowerBound, bytes[end - 1] == UInt8(ascii: ".") { end -= 1 }
    guard let dot = bytes[range.lowerBound..<end].lastIndex(of: UInt8(ascii: ".")),
      dot > range.lowerBound, (2...12).contains(end - dot - 1)
    else { return false }
    var hasLower = false
    var hasUpper = false
    for at in range.lowerBound..<end {
      if bytes[at] >= 0x61, bytes[at] <= 0x7a { hasLower = true }
      if bytes[at] >= 0x41, bytes[at] <= 0x5a { hasUpper = true }
      if at > dot, !isLetter(bytes[at]) { return false }
    }
    return !(hasLower && hasUpper)
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    let low = byte | 0x20
    return low >= 0x61 && low <= 0x7a
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || (byte >= 0x30 && byte <= 0x39) || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "+")
  }
}
