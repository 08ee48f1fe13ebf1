import MailModel

/// A text folded for matching: lower case, bounded, and with the names in it blanked, since a host,
/// an address or a certificate's subject can hold any word.
struct FoldedText {
  let bytes: [UInt8]

  /// Longer texts are cut: what they say stands at their start.
  static let longest = 4096

  init(_ text: String) { self.init(Array(text.utf8.prefix(FoldedText.longest))) }

  init(_ text: [UInt8]) {
    var bytes = text.count > FoldedText.longest ? Array(text[..<FoldedText.longest]) : text
    NameMask.blank(&bytes)
    for at in bytes.indices { bytes[at] = TextIndex.folded(bytes[at]) }
    self.bytes = bytes
  }

  /// Every enhanced status code in the text.
  var enhancedStatuses: [EnhancedStatusCode] {
    var found: [EnhancedStatusCode] = []
    var at = 0
    while at + 4 < bytes.count, found.count < 16 {
      let isStart = at == 0 || !FoldedText.isWord(bytes[at - 1])
      if isStart, bytes[at] == 0x32 || bytes[at] == 0x34 || bytes[at] == 0x35,
        let (code, end) = EnhancedStatusCode.parse(bytes.span, from: at, to: bytes.count),
        end == bytes.count
          || !(bytes[end] == 0x2e && end + 1 < bytes.count && FoldedText.isDigit(bytes[end + 1])),
        end == bytes.count || !FoldedText.isDigit(bytes[end])
      {
        found.append(code)
        at = end
      } else {
        at += 1
      }
    }
    return found
  }

  /// Every three-digit word that may be a reply code.
  var replyCodes: Set<Int> {
    var found: Set<Int> = []
    var at = 0
    while at + 3 <= bytes.count {
      let isStart =
        at == 0
        || !(FoldedText.isWord(bytes[at - 1]) || bytes[at - 1] == 0x2e || bytes[at - 1] == 0x5b)
      if isStart, bytes[at] == 0x34 || bytes[at] == 0x35, FoldedText.isDigit(bytes[at + 1]),
        FoldedText.isDigit(bytes[at + 2]),
        at + 3 == bytes.count || bytes[at + 3] == 0x20 || bytes[at + 3] == 0x2d
      {
        found.insert(
          Int(bytes[at] - 48) * 100 + Int(bytes[at + 1] - 48) * 10 + Int(bytes[at + 2] - 48)
        )
      }
      at += 1
    }
    return found
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
  private static func isWord(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte >= 97 && byte <= 122)
  }
}
