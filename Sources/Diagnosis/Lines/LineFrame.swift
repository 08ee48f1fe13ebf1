import MailModel

/// A line that stands alone, taken apart: its syslog tag and what the program said. Forgiving, since
/// such lines are pasted, cut and quoted.
struct LineFrame {
  /// The line; for a JSON object the tag and text that it holds.
  var bytes: [UInt8]
  /// Without `[pid]` and colon; empty where the line has none.
  var tag: Range<Int>
  var text: Range<Int>

  /// Longer lines are cut: what they say stands at their start.
  private static let longest = 16_384

  init(_ line: String) {
    var bytes = Array(line.utf8.prefix(LineFrame.longest))
    if let said = JSONSaying(bytes) {
      bytes = said.tag + Array(": ".utf8) + said.text
      self.bytes = bytes
      tag = 0..<said.tag.count
      text = (said.tag.count + 2)..<bytes.count
      return
    }
    self.bytes = bytes
    let found =
      LineFrame.tagWithPID(bytes.span) ?? LineFrame.tagInBrackets(bytes.span)
      ?? LineFrame.tagAfterStamp(bytes.span)
    if let found {
      tag = found.tag
      text = found.text..<bytes.count
    } else {
      let start = LineFrame.afterStamp(bytes.span)
      tag = start..<start
      text = start..<bytes.count
    }
  }

  /// `postfix/smtp[12]: `, at any place near the start.
  private static func tagWithPID(_ line: Span<UInt8>) -> (tag: Range<Int>, text: Int)? {
    let end = min(line.count, 240)
    var at = 0
    while let open = line.firstIndex(of: UInt8(ascii: "["), from: at, to: end) {
      at = open + 1
      var close = open + 1
      while close < line.count, isDigit(line[close]) { close += 1 }
      guard close < line.count, line[close] == UInt8(ascii: "]"), close + 1 < line.count else {
        continue
      }
      let hasColon = line[close + 1] == UInt8(ascii: ":")
      guard hasColon || (close > open + 1 && line[close + 1] == UInt8(ascii: " ")) else { continue }
      var start = open
      while start > 0, isTagByte(line[start - 1]) { start -= 1 }
      guard start < open else { continue }
      return (start..<open, skipBlanks(line, close + (hasColon ? 2 : 1)))
    }
    return nil
  }

  /// `[postfix/smtpd] `
  private static func tagInBrackets(_ line: Span<UInt8>) -> (tag: Range<Int>, text: Int)? {
    guard let open = line.firstIndex(of: UInt8(ascii: "["), from: 0, to: min(line.count, 80)),
      open == 0 || line[open - 1] == UInt8(ascii: " ")
    else { return nil }
    var close = open + 1
    var hasSlash = false
    while close < line.count, isTagByte(line[close]) {
      if line[close] == UInt8(ascii: "/") { hasSlash = true }
      close += 1
    }
    guard hasSlash, close < line.count, line[close] == UInt8(ascii: "]") else { return nil }
    let hasColon = close + 1 < line.count && line[close + 1] == UInt8(ascii: ":")
    return ((open + 1)..<close, skipBlanks(line, close + (hasColon ? 2 : 1)))
  }

  /// `Mar  2 09:14:05 host tag: `
  private static func tagAfterStamp(_ line: Span<UInt8>) -> (tag: Range<Int>, text: Int)? {
    guard line.count > 20, line[3] == UInt8(ascii: " "), line[9] == UInt8(ascii: ":"),
      line[12] == UInt8(ascii: ":"), line[15] == UInt8(ascii: " "),
      let blank = line.firstIndex(of: UInt8(ascii: " "), from: 16, to: min(line.count, 280))
    else { return nil }
    let start = blank + 1
    var end = start
    while end < line.count, isTagByte(line[end]) { end += 1 }
    guard end > start, end < line.count, line[end] == UInt8(ascii: ":") else { return nil }
    return (start..<end, skipBlanks(line, end + 1))
  }

  /// Behind `2026-03-02 09:14:05.123 +0100 [pid] `, each part but the first two optional.
  private static func afterStamp(_ line: Span<UInt8>) -> Int {
    guard line.count > 20, line.digits(4, at: 0) != nil, line[4] == UInt8(ascii: "-"),
      line[10] == UInt8(ascii: " "), line[13] == UInt8(ascii: ":"),
      var at = line.firstIndex(of: UInt8(ascii: " "), from: 19, to: min(line.count, 40))
    else { return 0 }
    at += 1
    if at < line.count, line[at] == UInt8(ascii: "+") || line[at] == UInt8(ascii: "-"),
      line.digits(4, at: at + 1) != nil
    {
      at += 6
    }
    if at < line.count, line[at] == UInt8(ascii: "["),
      let (_, close) = line.number(at: at + 1, to: line.count), close < line.count,
      line[close] == UInt8(ascii: "]")
    {
      at = close + 2
    }
    return min(at, line.count)
  }

  private static func skipBlanks(_ line: Span<UInt8>, _ start: Int) -> Int {
    var at = min(start, line.count)
    while at < line.count, line[at] == UInt8(ascii: " ") { at += 1 }
    return at
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

  private static func isTagByte(_ byte: UInt8) -> Bool {
    let low = byte | 0x20
    return isDigit(byte) || (low >= 0x61 && low <= 0x7a) || byte == UInt8(ascii: "/")
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }
}
