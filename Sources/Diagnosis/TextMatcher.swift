import Glibc
import MailModel

/// A text folded for matching: lower case, bounded.
struct FoldedText {
  let bytes: [UInt8]

  /// Longer texts are cut: what they say stands at their start.
  static let longest = 4096

  init(_ text: String) {
    bytes = text.utf8.prefix(FoldedText.longest).map {
      $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0
    }
  }

  func contains(_ needle: [UInt8]) -> Bool {
    guard let first = needle.first else { return true }
    guard needle.count <= bytes.count else { return false }
    return bytes.withUnsafeBufferPointer { text in
      needle.withUnsafeBufferPointer { wanted in
        guard let base = text.baseAddress, let word = wanted.baseAddress else { return false }
        var at = 0
        let last = text.count - wanted.count
        while at <= last, let hit = memchr(base + at, Int32(first), last - at + 1) {
          let index = UnsafeRawPointer(hit) - UnsafeRawPointer(base)
          if memcmp(hit, word, wanted.count) == 0 { return true }
          at = index + 1
        }
        return false
      }
    }
  }

  /// Every enhanced status code in the text.
  var enhancedStatuses: [EnhancedStatusCode] {
    var found: [EnhancedStatusCode] = []
    var at = 0
    while at + 4 < bytes.count, found.count < 16 {
      let isStart = at == 0 || !FoldedText.isWord(bytes[at - 1])
      if isStart, bytes[at] == 0x32 || bytes[at] == 0x34 || bytes[at] == 0x35,
        let (code, end) = EnhancedStatusCode.parse(bytes.span, from: at, to: bytes.count),
        end == bytes.count || (bytes[end] != 0x2e && !FoldedText.isDigit(bytes[end]))
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

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
  static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || (byte >= 97 && byte <= 122) }
}

/// A rule's pattern with its texts folded once.
indirect enum CompiledPattern: Sendable {
  case contains([UInt8])
  case startsWith([UInt8])
  case all([CompiledPattern])
  case any([CompiledPattern])
  case not(CompiledPattern)
  case enhancedStatus(class: Int?, subject: Int, detail: Int?)
  case replyCode(Int)

  init(_ pattern: TextPattern) {
    switch pattern {
    case .contains(let text): self = .contains(FoldedText(text).bytes)
    case .startsWith(let text): self = .startsWith(FoldedText(text).bytes)
    case .all(let parts): self = .all(parts.map(CompiledPattern.init))
    case .any(let parts): self = .any(parts.map(CompiledPattern.init))
    case .not(let part): self = .not(CompiledPattern(part))
    case .enhancedStatus(let `class`, let subject, let detail):
      self = .enhancedStatus(class: `class`, subject: subject, detail: detail)
    case .replyCode(let code): self = .replyCode(code)
    }
  }

  func matches(_ text: FoldedText) -> Bool {
    switch self {
    case .contains(let needle): text.contains(needle)
    case .startsWith(let needle): text.bytes.starts(with: needle)
    case .all(let parts): parts.allSatisfy { $0.matches(text) }
    case .any(let parts): parts.contains { $0.matches(text) }
    case .not(let part): !part.matches(text)
    case .enhancedStatus(let kind, let subject, let detail):
      text.enhancedStatuses.contains { code in
        code.subject == subject && (kind == nil || kind == code.classDigit)
          && (detail == nil || detail == code.detail)
      }
    case .replyCode(let code): text.replyCodes.contains(code)
    }
  }
}
