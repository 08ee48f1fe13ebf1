import Yams

/// What is wrong with a configuration file before any key is read: no text, no UTF-8, no YAML.
enum ConfigurationText {
  /// Why the bytes are no text in UTF-8; nil where they are.
  static func fault(_ bytes: [UInt8], path: String) -> ConfigurationFault? {
    func fault(_ line: Int?, _ message: String) -> ConfigurationFault {
      ConfigurationFault(place: path, line: line, message: message)
    }
    if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
      return fault(nil, "UTF-16; save it as UTF-8: iconv -f UTF-16 -t UTF-8")
    }
    if bytes.contains(0) { return fault(nil, "not a text file: it holds a byte of value 0") }
    let bad: Int
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes.span)
      return nil
    } catch {
      bad = error.byteOffsets.lowerBound
    }
    let start = bytes[..<bad].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return fault(
      bytes[..<bad].count { $0 == UInt8(ascii: "\n") } + 1,
      "not UTF-8: byte 0x\(String(bytes[bad], radix: 16, uppercase: true)) in column "
        + "\(bad - start + 1); save it as UTF-8, from Latin-1 with: iconv -f LATIN1 -t UTF-8"
    )
  }

  /// What the parser found, in words that say what to do.
  static func fault(_ error: YamlError, _ yaml: String, path: String) -> ConfigurationFault {
    func fault(_ line: Int?, _ message: String) -> ConfigurationFault {
      ConfigurationFault(place: path, line: line, message: message)
    }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
      let isTab =
        lines.indices.contains(mark.line - 1)
        && lines[mark.line - 1].prefix { $0 == " " || $0 == "\t" }.contains("\t")
      return fault(
        mark.line,
        isTab ? "a tab before a key: YAML is indented with blanks" : "not YAML: \(problem)"
      )
    case .reader(let problem, let offset, _, _):
      let line = offset.map { yaml.prefix($0).count(where: \.isNewline) + 1 }
      return fault(line, "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.first.map { String($0.prefix(80)) } ?? ""
      let again = again(key, after: context.mark, yaml).map { "here and on line \($0)" }
      return fault(context.mark.line, "`\(key)` is given twice, \(again ?? "first here"): keep one")
    default: return fault(nil, "not YAML: \(error)")
    }
  }

  /// The line behind `mark` where a key of its indentation is given again, as far as block style tells.
  private static func again(_ key: String, after mark: Mark, _ yaml: String) -> Int? {
    let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.indices.dropFirst(mark.line).first { index in
      let line = lines[index]
      guard line.prefix(while: { $0 == " " }).count == mark.column - 1 else { return false }
      let text = line.drop { $0 == " " }
      return ["\(key)", "\"\(key)\"", "'\(key)'"].contains { form in
        text.hasPrefix(form) && text.dropFirst(form.count).drop { $0 == " " }.hasPrefix(":")
      }
    }.map { $0 + 1 }
  }
}
