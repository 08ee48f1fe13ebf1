import MailModel

/// `smtp_delivery_status_filter`: turns a temporary status into a permanent one, so that mail comes
/// back at the attempt instead of waiting. Source: postconf(5) default_delivery_status_filter;
/// pcre_table(5) and regexp_table(5) for the tables.
struct PostfixStatusFilter: Sendable {
  /// One line of a table.
  private struct Entry: @unchecked Sendable {
    // A compiled pattern is never changed; the type is not marked so.
    var pattern: Regex<AnyRegexOutput>
    var isNegated: Bool
    var status: String
  }

  /// Longer reasons are matched by their beginning.
  private static let longestReason = 1000
  /// A table of more lines is cut.
  private static let mostEntries = 1000

  private var entries: [Entry] = []

  var isEmpty: Bool { entries.isEmpty }

  /// Adds a `pcre:` or `regexp:` table: `/pattern/flags result`, `!/pattern/`; an `if` block counts
  /// as its lines.
  mutating func add(patterns text: String) {
    for line in PostfixStatusFilter.logicalLines(text).prefix(PostfixStatusFilter.mostEntries) {
      var rest = line[...]
      let isNegated = rest.first == "!"
      if isNegated { rest = rest.dropFirst() }
      guard let delimiter = rest.first, !delimiter.isLetter, !delimiter.isNumber,
        let end = PostfixStatusFilter.end(of: rest.dropFirst(), at: delimiter)
      else { continue }
      let pattern = String(rest[rest.index(after: rest.startIndex)..<end])
      let tail = rest[rest.index(after: end)...].split(maxSplits: 1) { $0 == " " || $0 == "\t" }
      let hasFlags = rest[rest.index(after: end)...].first.map { $0 != " " && $0 != "\t" } ?? false
      let flags = hasFlags ? tail.first ?? "" : ""
      let result = hasFlags ? tail.dropFirst().first ?? "" : rest[rest.index(after: end)...]
      guard let compiled = try? Regex(pattern) else { continue }
      entries.append(
        Entry(
          // Patterns ignore case unless the flag `i` switches that off.
          pattern: compiled.ignoresCase(!flags.contains("i")),
          isNegated: isNegated,
          status: String(result).trimmed
        )
      )
    }
  }

  /// Whether the filter makes a temporary failure with this status and text a permanent one.
  func returns(_ status: EnhancedStatusCode?, _ reason: String?) -> Bool {
    guard !isEmpty, let status, let reason, status.classDigit == 4 else { return false }
    let text = "\(status) \(reason)".prefix(PostfixStatusFilter.longestReason)
    for entry in entries {
      let matches = (try? entry.pattern.firstMatch(in: text)) ?? nil
      if (matches != nil) != entry.isNegated { return entry.status.first == "5" }
    }
    return false
  }

  /// The delimiter that ends a pattern; one behind a backslash does not.
  private static func end(of text: Substring, at delimiter: Character) -> Substring.Index? {
    var isEscaped = false
    for index in text.indices {
      if isEscaped {
        isEscaped = false
      } else if text[index] == "\\" {
        isEscaped = true
      } else if text[index] == delimiter {
        return index
      }
    }
    return nil
  }

  /// Lines without comments; one that begins with a blank continues the one before.
  private static func logicalLines(_ text: String) -> [String] {
    var lines: [String] = []
    for line in text.split(separator: "\n") {
      let trimmed = String(line).trimmed
      if trimmed.isEmpty || trimmed.first == "#" { continue }
      if line.first == " " || line.first == "\t", !lines.isEmpty {
        lines[lines.count - 1] += " " + trimmed
      } else {
        lines.append(trimmed)
      }
    }
    return lines
  }
}
