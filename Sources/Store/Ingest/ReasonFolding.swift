/// Folds what varies in replies and failure lines, so that a few thousand texts stand for millions:
/// addresses `<address>`, IP addresses `<ip>`, the peer's own name `<host>`, queue ids and other
/// identifiers `<id>`, clock times `<time>`, long numbers `<n>`. Codes that carry meaning stay: SMTP
/// and enhanced status codes, OpenSSL error numbers, alert numbers.
package struct ReasonFolding {
  private var out: [UInt8] = []

  package init() { out.reserveCapacity(512) }

  /// The folded form of `bytes`, 1 KiB at most. `host` is the peer's name without address and port.
  package mutating func fold(
    _ bytes: UnsafeBufferPointer<UInt8>,
    host: UnsafeBufferPointer<UInt8>
  ) -> [UInt8] {
    out.removeAll(keepingCapacity: true)
    var at = 0
    let end = min(bytes.count, 2048)
    while at < end, out.count < 1024 {
      guard ReasonFolding.isWord(bytes[at]) else {
        out.append(bytes[at])
        at += 1
        continue
      }
      var stop = at + 1
      while stop < end, ReasonFolding.isWord(bytes[stop]) { stop += 1 }
      // A full stop ends a sentence, not a word.
      var word = at..<stop
      while word.count > 1, bytes[word.upperBound - 1] == UInt8(ascii: ".") {
        word = word.lowerBound..<(word.upperBound - 1)
      }
      append(bytes, word, host: host)
      for index in word.upperBound..<stop { out.append(bytes[index]) }
      at = stop
    }
    return out
  }

  /// Letters, digits and what joins them in names, addresses and numbers. Bytes of UTF-8 count.
  @inline(__always) private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "@"),
      UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"), 0x80...0xff:
      true
    default: false
    }
  }

  private mutating func append(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ word: Range<Int>,
    host: UnsafeBufferPointer<UInt8>
  ) {
    var digits = 0
    var letters = 0
    var dots = 0
    var isHex = true
    var hasAt = false
    var hasUpper = false
    var hasLower = false
    for index in word {
      switch bytes[index] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digits += 1
      case UInt8(ascii: "."): dots += 1
      case UInt8(ascii: "@"): hasAt = true
      case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
        letters += 1
      default:
        letters += 1
        isHex = false
      }
      if bytes[index] >= 0x41, bytes[index] <= 0x5a { hasUpper = true }
      if bytes[index] >= 0x61, bytes[index] <= 0x7a { hasLower = true }
    }
    if hasAt, word.count > 2 { return put("<address>") }
    if word.count == host.count, word.count > 0, isHost(bytes, word, host) { return put("<host>") }
    if digits == 0 { return copy(bytes, word) }
    if letters == 0, dots == 3 { return put("<ip>") }
    if letters == 0, dots == 0 {
      if digits == 2, isClock(bytes, word) { return put("<time>") }
      return digits >= 4 ? put("<n>") : copy(bytes, word)
    }
    // `0A00010B` behind `error:` is OpenSSL's number for the failure.
    if isHex, word.count == 8, follows(bytes, word, "error:") { return copy(bytes, word) }
    // Names of files, ciphers and protocols are short or hold few digits; identifiers are neither.
    if dots == 0, word.count >= 9, digits >= 2, digits * 5 >= word.count { return put("<id>") }
    if dots == 0, isHex, word.count >= 6, digits >= 2 { return put("<id>") }
    if dots == 0, word.count >= 10, hasUpper, hasLower { return put("<id>") }
    copy(bytes, word)
  }

  private func isHost(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ word: Range<Int>,
    _ host: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    for (offset, index) in word.enumerated() where bytes[index] | 0x20 != host[offset] | 0x20 {
      return false
    }
    return true
  }

  /// `12:34:56`: two digits between colons, or with a colon and two digits behind.
  private func isClock(_ bytes: UnsafeBufferPointer<UInt8>, _ word: Range<Int>) -> Bool {
    let colon = UInt8(ascii: ":")
    let before = word.lowerBound > 0 && bytes[word.lowerBound - 1] == colon
    let after = word.upperBound < bytes.count && bytes[word.upperBound] == colon
    func isDigit(_ index: Int) -> Bool {
      index >= 0 && index < bytes.count && bytes[index] &- 48 <= 9
    }
    return (after && isDigit(word.upperBound + 1)) || (before && isDigit(word.lowerBound - 2))
  }

  private func follows(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ word: Range<Int>,
    _ literal: StaticString
  ) -> Bool {
    let length = literal.utf8CodeUnitCount
    guard word.lowerBound >= length else { return false }
    for index in 0..<length
    where bytes[word.lowerBound - length + index] != literal.utf8Start[index] {
      return false
    }
    return true
  }

  private mutating func put(_ literal: StaticString) {
    out.append(
      contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    )
  }

  private mutating func copy(_ bytes: UnsafeBufferPointer<UInt8>, _ word: Range<Int>) {
    out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[word]))
  }
}
