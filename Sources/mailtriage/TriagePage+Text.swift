import Diagnosis
import FoundationEssentials
import Glibc
import MailModel
import Reporting
import Triage

extension TriagePage {
  enum Style {
    /// Colour where standard output is a terminal and `NO_COLOR` is not set.
    case terminal
    case plain
  }

  /// The page for a terminal.
  func text(style: Style) -> String {
    let isColoured =
      style == .terminal && isatty(1) == 1
      && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
    func bold(_ text: String) -> String { isColoured ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
    var out = bold(verdict) + "\n" + coverage + "\n\n"
    let rows = trouble
    if !rows.isEmpty {
      out += bold(TriagePage.heading) + "\n"
      for row in rows.prefix(TriagePage.rows) { out += line(row) + "\n" }
      if rows.count > TriagePage.rows {
        let rest = rows.dropFirst(TriagePage.rows)
        out +=
          "… and \(rest.count) more with \(rest.reduce(0) { $0 + $1.waiting }) messages "
          + "(mailtriage queue lists all)\n"
      }
      out += "\n"
    }
    if let first = rows.first(where: { $0.fixBy != nil && $0.incident.tlsIsCause == .yes }),
      let fixBy = rows.filter({ $0.incident.tlsIsCause == .yes }).compactMap(\.fixBy).min()
    {
      let saved = rows.filter { $0.incident.tlsIsCause == .yes }.reduce(0) { $0 + $1.waiting }
      out +=
        bold(
          "Fix by \(time.short(fixBy)) or the first of \(saved) messages bounce; most wait for "
            + "\(OutsideText(first.name).terminal(limit: 40))."
        ) + "\n"
    }
    for line in losses { out += line + "\n" }
    return redaction.apply(out)
  }

  private static let heading =
    cell("DESTINATION", 25) + right("WAIT", 5) + " " + cell("TREND", 9) + cell("OLDEST", 8)
    + cell("CAUSE", 19) + cell("FIX BY", 13) + "DO THIS"

  private func line(_ row: Row) -> String {
    let age = row.oldest.map { LocalTime.length(max(0, analysis.now.seconds(since: $0))) } ?? "-"
    let deadline = row.fixBy.map { "\(time.day($0)) \(time.hour($0))" } ?? "-"
    let cause = row.cause.replacing("certificate", with: "cert")
    let first =
      TriagePage.cell(OutsideText(row.name).terminal(limit: 23), 25)
      + TriagePage.right(String(row.waiting), 5) + " " + TriagePage.cell(row.trend, 9)
      + TriagePage.cell(age.replacing(" ", with: ""), 8) + TriagePage.cell(cause, 19)
      + TriagePage.cell(deadline, 13) + row.brief
    return TriagePage.trimmed(first)
  }

  static func cell(_ text: String, _ width: Int) -> String {
    text.count >= width
      ? String(text.prefix(width - 1)) + " "
      : text + String(repeating: " ", count: width - text.count)
  }

  static func right(_ text: String, _ width: Int) -> String {
    text.count >= width ? text : String(repeating: " ", count: width - text.count) + text
  }

  static func trimmed(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }

  /// The page as Markdown.
  var markdown: String {
    func safe(_ text: String) -> String { OutsideText(text).markdown(limit: 120) }
    var out = "# Mail triage\n\n**\(safe(verdict))**\n\n\(safe(coverage))\n\n"
    let rows = trouble
    if !rows.isEmpty {
      out += "| Destination | Waiting | Trend | Oldest | Cause | First NDR | Fix by | Do this |\n"
      out += "|---|---:|---|---|---|---|---|---|\n"
      for row in rows {
        let cells = [
          row.name, String(row.waiting), row.trend, row.oldest.map { time.short($0) } ?? "–",
          row.cause, row.firstExpiry.map { time.short($0) } ?? "–",
          row.fixBy.map { time.short($0) } ?? "–", row.remedy,
        ]
        out += "| " + cells.map(safe).joined(separator: " | ") + " |\n"
      }
      out += "\n"
    }
    for line in losses { out += safe(line) + "\n\n" }
    return redaction.apply(out)
  }
}
