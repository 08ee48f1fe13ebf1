import MailModel

/// Parameters as main.cf or `postconf -n` state them. Source: postconf(5).
struct PostfixParameters: Hashable, Sendable {
  private(set) var values: [String: String] = [:]

  /// Adds the parameters of a file; a later assignment wins.
  mutating func read(_ text: String) {
    var logical: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).prefix(100_000) {
      let trimmed = line.drop { $0 == " " || $0 == "\t" }
      if trimmed.isEmpty || trimmed.first == "#" { continue }
      if let first = line.first, first == " " || first == "\t", !logical.isEmpty {
        logical[logical.count - 1] += " " + trimmed
      } else {
        logical.append(String(line))
      }
    }
    for line in logical {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let name = line[..<equals].trimmed
      guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
        continue
      }
      values[name] = line[line.index(after: equals)...].trimmed
    }
  }

  mutating func set(_ name: String, _ value: String) { values[name] = value }

  /// A value with `$name`, `${name}` and `$(name)` expanded, eight levels deep at most.
  func value(_ name: String) -> String? { values[name].map { expand($0, depth: 0) } }

  private func expand(_ text: String, depth: Int) -> String {
    guard depth < 8, text.contains("$"), text.utf8.count < 10_000 else { return text }
    var out = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      out += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      var name = Substring()
      if let open = rest.first, open == "{" || open == "(" {
        let close: Character = open == "{" ? "}" : ")"
        guard let end = rest.firstIndex(of: close) else { return out + "$" + rest }
        name = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
      } else {
        name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        rest = rest.dropFirst(name.count)
      }
      out += expanded(name, depth: depth + 1)
    }
    return out + rest
  }

  /// What stands between the braces: a name, `name?text` (where it has a value) or `name:text` (where
  /// it has none).
  private func expanded(_ inside: Substring, depth: Int) -> String {
    let name = inside.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    let value = values[String(name)].map { expand($0, depth: depth) } ?? ""
    guard name.endIndex < inside.endIndex else { return value }
    let text = inside[inside.index(after: name.endIndex)...]
    switch inside[name.endIndex] {
    case "?": return value.isEmpty ? "" : expand(String(text), depth: depth)
    case ":": return value.isEmpty ? expand(String(text), depth: depth) : value
    default: return value
    }
  }

  /// A time in seconds; `unit` is the unit of a bare number, that of the built-in default.
  func seconds(_ name: String, unit: Character) -> Double? {
    guard let text = value(name) else { return nil }
    let factors: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    let last = text.last ?? unit
    let digits = factors[last] == nil ? text[...] : text.dropLast()
    guard let number = Double(digits), number >= 0, number < 1e9 else { return nil }
    return number * (factors[last] ?? factors[unit] ?? 1)
  }
}

extension StringProtocol {
  /// Without blanks at either end.
  var trimmed: String {
    var text = self[...]
    while let first = text.first, first == " " || first == "\t" || first == "\r" {
      text = text.dropFirst()
    }
    while let last = text.last, last == " " || last == "\t" || last == "\r" {
      text = text.dropLast()
    }
    return String(text)
  }
}
