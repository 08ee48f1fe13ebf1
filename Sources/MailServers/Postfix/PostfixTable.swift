import MailModel

/// Entries of a lookup table as its text source or an `inline:` map states them.
/// Source: postmap(1) INPUT FILE FORMAT, DATABASE_README (inline).
struct PostfixTable {
  /// A key with its value and the line where it stands.
  struct Entry {
    var key: String
    var value: String
    var line: Int
  }

  private(set) var entries: [Entry] = []

  private static let mostEntries = 100_000

  /// `key value` per line; a line that begins with a blank continues the one before.
  init(text: String) {
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      guard entries.count < PostfixTable.mostEntries else { return }
      let trimmed = String(line).trimmed
      if trimmed.isEmpty || trimmed.first == "#" { continue }
      if line.first == " " || line.first == "\t" {
        if !entries.isEmpty { entries[entries.count - 1].value += " " + trimmed }
        continue
      }
      let words = trimmed.split(maxSplits: 1) { $0 == " " || $0 == "\t" }
      entries.append(
        Entry(
          key: words[0].lowercased(),
          value: words.count > 1 ? String(words[1]).trimmed : "",
          line: number + 1
        )
      )
    }
  }

  /// `{ key = value }, { key = value }`, or `key=value` words without braces.
  init(inline text: String) {
    var rest = text[...]
    while !rest.isEmpty, entries.count < PostfixTable.mostEntries {
      rest = rest.drop { $0 == " " || $0 == "," || $0 == "\t" || $0 == "\n" }
      var pair: Substring
      if rest.first == "{" {
        let end = rest.firstIndex(of: "}") ?? rest.endIndex
        pair = rest[rest.index(after: rest.startIndex)..<end]
        rest = end == rest.endIndex ? "" : rest[rest.index(after: end)...]
      } else {
        pair = rest.prefix { $0 != "," && $0 != " " && $0 != "\t" && $0 != "\n" }
        rest = rest.dropFirst(pair.count)
      }
      guard let equals = pair.firstIndex(of: "=") else { continue }
      entries.append(
        Entry(
          key: pair[..<equals].trimmed.lowercased(),
          value: pair[pair.index(after: equals)...].trimmed,
          line: 1
        )
      )
    }
  }
}

/// One map of a list such as `smtp_tls_policy_maps`.
struct PostfixMapReference: Hashable {
  var type: String
  var name: String

  var description: String { "\(type):\(name)" }

  /// The last component of the path.
  var fileName: String { name.split(separator: "/").last.map(String.init) ?? "" }

  /// Types whose text source holds `key value` lines.
  static let keyed: Set<String> = ["hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash"]

  /// The maps of a parameter's value; braces keep an inline map together.
  static func all(in value: String) -> [PostfixMapReference] {
    var words: [String] = []
    var word = ""
    var depth = 0
    for character in value {
      if depth == 0, character == "," || character == " " || character == "\t" {
        if !word.isEmpty { words.append(word) }
        word = ""
        continue
      }
      if character == "{" { depth += 1 }
      if character == "}" { depth -= 1 }
      word.append(character)
    }
    if !word.isEmpty { words.append(word) }
    return words.compactMap { word in
      guard let colon = word.firstIndex(of: ":") else { return nil }
      var type = String(word[..<colon])
      var name = String(word[word.index(after: colon)...])
      // proxy:hash:/etc/postfix/x is the same table, asked for through proxymap(8).
      if type == "proxy", let inner = name.firstIndex(of: ":") {
        type = String(name[..<inner])
        name = String(name[name.index(after: inner)...])
      }
      if type == "inline", name.first == "{", name.last == "}" {
        name = String(name.dropFirst().dropLast())
      }
      return PostfixMapReference(type: type, name: name)
    }
  }
}
