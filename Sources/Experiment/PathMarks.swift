/// What devices on the path leave behind that overwrite what they do not want to be seen ("fixup").
enum PathMarks {
  /// `XXXXXXXA` where `STARTTLS` was: a keyword of X, with one other letter at its end at most, or
  /// of asterisks.
  static func isMangled(keyword line: String) -> Bool {
    guard let word = line.uppercased().split(separator: " ").first, word.utf8.count >= 5 else {
      return false
    }
    return word.dropLast().allSatisfy { $0 == "X" } || word.allSatisfy { $0 == "*" }
  }

  /// `220 ****************0*****`: a banner made of asterisks for the most part.
  static func isMangled(banner: [String]) -> Bool {
    guard let text = banner.first?.dropFirst(4), text.utf8.count >= 8 else { return false }
    return text.utf8.count(where: { $0 == UInt8(ascii: "*") }) * 2 > text.utf8.count
  }
}
