/// Finds what a person meant to write.
enum Spelling {
  /// The word that takes the fewest edits, three at most, and fewer than the half of its letters.
  static func nearest(to written: String, among words: [String]) -> String? {
    let near = words.map { ($0, distance($0, written)) }.min { $0.1 < $1.1 }
    return near.flatMap { $0.1 <= 3 && $0.1 * 2 < $0.0.count ? $0.0 : nil }
  }

  /// Edits between two names (Levenshtein); bounded.
  private static func distance(_ left: String, _ right: String) -> Int {
    let a = Array(left.utf8.prefix(80))
    let b = Array(right.utf8.prefix(80))
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
        diagonal = row[j + 1]
        row[j + 1] = next
      }
    }
    return row[b.count]
  }
}
