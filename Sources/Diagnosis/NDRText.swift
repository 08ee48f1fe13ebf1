/// A whole non-delivery report: the line in it that says why. Reads RFC 3464 delivery-status fields,
/// and the wordings of servers that write none.
package struct NDRText {
  private let lines: [String]

  /// Longer reports are cut.
  private static let longest = 1 << 20

  package init(_ text: String) {
    var unfolded: [String] = []
    for line in String(decoding: text.utf8.prefix(NDRText.longest), as: UTF8.self)
      .split(whereSeparator: \.isNewline)
    {
      if let first = line.first, first == " " || first == "\t", !unfolded.isEmpty {
        unfolded[unfolded.count - 1] += " " + line.drop { $0 == " " || $0 == "\t" }
      } else {
        unfolded.append(String(line))
      }
    }
    lines = unfolded
  }

  /// The most telling line.
  package var diagnosis: String {
    func field(_ name: String) -> String? {
      lines.first { $0.lowercased().hasPrefix(name) }
    }
    let status = field("status:").map { " " + $0 } ?? ""
    if let code = field("diagnostic-code:") { return code + status }
    // qmail, Exim and Exchange write prose: the line that speaks of an error.
    let telling = lines.first { line in
      let folded = line.lowercased()
      return ["tls", "certificate", "said:", "error", "refused", "timed out", "remote server"]
        .contains { folded.contains($0) } && !folded.hasPrefix("subject:")
        && !folded.hasPrefix("content-") && !folded.hasPrefix("received:")
    }
    return (telling ?? lines.first ?? "") + status
  }
}
