import MailModel

/// A text with what a search of all the catalogue's texts found in it.
struct SearchedText {
  let text: FoldedText
  let found: NumberSet
  private(set) lazy var statuses = text.enhancedStatuses
  private(set) lazy var replyCodes = text.replyCodes

  init(_ text: FoldedText, in index: TextIndex) {
    self.text = text
    found = index.search(text.bytes)
  }
}

/// A rule's pattern with its texts numbered in the index of all.
indirect enum CompiledPattern: Sendable {
  case occurs(Int)
  case startsWith([UInt8])
  case all([CompiledPattern])
  case any([CompiledPattern])
  case not(CompiledPattern)
  case enhancedStatus(class: Int?, subject: Int, detail: Int?)
  case replyCode(Int)

  init(_ pattern: TextPattern, _ index: inout TextIndex.Builder) {
    switch pattern {
    case .contains(let text): self = .occurs(index.number(Array(text.utf8)))
    case .word(let text): self = .occurs(index.number(Array(text.utf8), isWord: true))
    case .startsWith(let text): self = .startsWith(text.utf8.map(TextIndex.folded))
    case .all(let parts): self = .all(parts.map { CompiledPattern($0, &index) })
    case .any(let parts): self = .any(parts.map { CompiledPattern($0, &index) })
    case .not(let part): self = .not(CompiledPattern(part, &index))
    case .enhancedStatus(let `class`, let subject, let detail):
      self = .enhancedStatus(class: `class`, subject: subject, detail: detail)
    case .replyCode(let code): self = .replyCode(code)
    }
  }

  func matches(_ text: inout SearchedText) -> Bool {
    switch self {
    case .occurs(let number): return text.found.contains(number)
    case .startsWith(let opening): return text.text.bytes.starts(with: opening)
    case .all(let parts):
      for part in parts where !part.matches(&text) { return false }
      return true
    case .any(let parts):
      for part in parts where part.matches(&text) { return true }
      return false
    case .not(let part): return !part.matches(&text)
    case .enhancedStatus(let kind, let subject, let detail):
      return text.statuses.contains { code in
        code.subject == subject && (kind == nil || kind == code.classDigit)
          && (detail == nil || detail == code.detail)
      }
    case .replyCode(let code): return text.replyCodes.contains(code)
    }
  }

  /// Texts of which one must occur for the pattern to match; nil where it can match without any.
  var triggers: Set<Int>? {
    switch self {
    case .occurs(let number): return [number]
    case .all(let parts):
      return parts.lazy.compactMap(\.triggers).min { $0.count < $1.count }
    case .any(let parts):
      var all: Set<Int> = []
      for part in parts {
        guard let its = part.triggers else { return nil }
        all.formUnion(its)
      }
      return all
    case .startsWith, .not, .enhancedStatus, .replyCode: return nil
    }
  }
}
