import MailModel

/// A whole non-delivery report: the line in it that says why. Reads RFC 3464 delivery-status fields,
/// and the wordings of servers that write none; parts in base64 or quoted-printable are decoded.
package struct NDRText {
  private let lines: [String]

  /// Longer reports are cut.
  private static let longest = 1 << 20

  package init(_ text: String) {
    var unfolded: [String] = []
    let readable = MIMEText(String(decoding: text.utf8.prefix(NDRText.longest), as: UTF8.self))
    for line in readable.lines where !line.isEmpty {
      if let first = line.first, first == " " || first == "\t", !unfolded.isEmpty {
        unfolded[unfolded.count - 1] += " " + line.drop { $0 == " " || $0 == "\t" }
      } else {
        unfolded.append(String(line))
      }
    }
    lines = unfolded
  }

  /// The line that says most about why: of the report's own lines the one with the most specific
  /// failure, a `Diagnostic-Code` before prose that says as much.
  package func diagnosis(by explainer: LineExplainer) -> String {
    let status = field("status:").map { " " + $0 } ?? ""
    var best: (line: String, rank: Int)?
    for line in reportLines {
      let isField = line.lowercased().hasPrefix("diagnostic-code:")
      guard let found = explainer.explain(line).classification, let kind = found.failureClass,
        isField || kind != .other
      else { continue }
      let rank = found.specificity.rawValue * 4 + (kind.isCoarse ? 0 : 2) + (isField ? 1 : 0)
      if rank > best?.rank ?? -1 { best = (line, rank) }
    }
    if let best { return best.line + status }
    return (field("diagnostic-code:") ?? lines.first ?? "") + status
  }

  private func field(_ name: String) -> String? {
    lines.first { $0.lowercased().hasPrefix(name) }
  }

  /// What the server wrote, without its headers and without the message that it returns; bounded.
  private var reportLines: [String] {
    let copyMarks = [
      "content-type: message/rfc822", "content-type: text/rfc822-headers",
      "--- below this line is a copy", "------ this is a copy of", "original message headers",
      "----- original message", "message header follows",
    ]
    let headers = [
      "subject:", "received:", "content-", "mime-version:", "from:", "to:", "date:", "message-id:",
      "return-path:", "x-", "authentication-results:", "dkim-signature:", "references:",
      "action:", "status:",
    ]
    var found: [String] = []
    for line in lines.prefix(4000) {
      let folded = line.lowercased()
      if copyMarks.contains(where: { folded.contains($0) }) { break }
      if headers.contains(where: { folded.hasPrefix($0) }) { continue }
      found.append(line)
    }
    return found
  }
}
