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
    let head = [verdict] + coverage + (others.map { [$0] } ?? [])
    let foot = [deadline].compactMap { $0 } + losses
    let prose = (head + foot).reduce(0) { $0 + TriagePage.wrapped($1).count }
    // Two blank lines, the heading and the line that counts the rest.
    let room = max(TriagePage.fewestRows, TriagePage.lines - prose - 4)
    var out = ""
    for (number, text) in head.enumerated() {
      let lines = TriagePage.wrapped(text).joined(separator: "\n")
      out += (number == 0 ? bold(lines) : lines) + "\n"
    }
    out += "\n"
    let rows = trouble
    if !rows.isEmpty {
      out += bold(TriagePage.heading) + "\n"
      for row in rows.prefix(room) { out += line(row) + "\n" }
      if rows.count > room {
        let rest = rows.dropFirst(room)
        out +=
          "… and \(rest.count) more with \(rest.reduce(0) { $0 + $1.waiting }) messages "
          + "(mailtriage queue lists all)\n"
      }
      out += "\n"
    }
    for (number, text) in foot.enumerated() {
      let lines = TriagePage.wrapped(text).joined(separator: "\n")
      out += (number == 0 && deadline != nil ? bold(lines) : lines) + "\n"
    }
    return redaction.apply(out)
  }

  /// The moment that matters most.
  private var deadline: String? {
    let tls = trouble.filter { $0.incident.tlsIsCause == .yes }
    guard let fixBy = tls.compactMap(\.fixBy).min(),
      let first = tls.first(where: { $0.fixBy != nil })
    else { return nil }
    let saved = tls.reduce(0) { $0 + $1.waiting }
    return "Fix by \(time.short(fixBy)) or the first of \(saved) messages bounce; most wait for "
      + "\(OutsideText(first.name).terminal(limit: 40))."
  }

  /// A sentence broken at blanks into lines of the screen's width; a word that is longer than a
  /// line is broken where the line ends.
  private static func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > columns {
        lines.append(line)
        line = "  "
      } else if !line.isEmpty {
        line += " "
      }
      line += word
      while line.count > columns {
        lines.append(String(line.prefix(columns)))
        line = "  " + line.dropFirst(columns)
      }
    }
    return lines + [line]
  }

  private static let heading =
    cell("DESTINATION", 21) + right("WAIT", 5) + " " + cell("TREND", 9) + cell("OLDEST", 7)
    + cell("CAUSE", 18) + cell("FIX BY", 14) + cell("NDR", 7) + "DO THIS"

  private func line(_ row: Row) -> String {
    let age = row.oldest.map { TriagePage.age(analysis.now.seconds(since: $0)) } ?? "-"
    let mark = row.isAssumed ? "*" : ""
    let deadline = row.fixBy.map { "\(time.day($0)) \(time.hour($0))\(mark)" } ?? "-"
    let first =
      TriagePage.cell(name(row), 21)
      + TriagePage.right(String(row.waiting), 5) + " " + TriagePage.cell(row.trend, 9)
      + TriagePage.cell(age, 7) + TriagePage.cell(row.label, 18) + TriagePage.cell(deadline, 14)
      + TriagePage.cell(notice(row), 7) + row.brief
    return TriagePage.trimmed(String(first.prefix(TriagePage.columns)))
  }

  /// `mx.provider.exa… ×12`.
  private func name(_ row: Row) -> String {
    let suffix = row.domains == 1 ? "" : " ×\(row.domains)"
    let room = 20 - suffix.count
    let text = OutsideText(row.name).terminal(limit: 60)
    return (text.count > room ? text.prefix(room - 1) + "…" : text[...]) + suffix
  }

  /// `5d3h`, `7h`, `12m`: an age in at most six letters.
  private static func age(_ seconds: Double) -> String {
    let minutes = Int(min(max(seconds, 0), 1e9) / 60)
    if minutes < 60 { return "\(minutes)m" }
    let hours = minutes / 60
    if hours < 24 { return "\(hours)h" }
    return hours >= 2400 || hours % 24 == 0 ? "\(hours / 24)d" : "\(hours / 24)d\(hours % 24)h"
  }

  /// The first NDR beside the deadline: its hour, or its day where that is another one.
  private func notice(_ row: Row) -> String {
    guard let expiry = row.firstExpiry else { return "-" }
    let isSameDay = row.fixBy.map { time.isoDay($0) == time.isoDay(expiry) } ?? false
    return isSameDay ? time.hour(expiry) : time.day(expiry)
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
    var out =
      "# Mail triage\n\n**\(safe(verdict))**\n\n\(safe(coverage.joined(separator: " ")))\n\n"
    if let others { out += safe(others) + "\n\n" }
    let rows = trouble
    if !rows.isEmpty {
      out += "| Destination | Waiting | Trend | Oldest | Cause | First NDR | Fix by | Do this |\n"
      out += "|---|---:|---|---|---|---|---|---|\n"
      for row in rows {
        let name = row.domains == 1 ? row.name : "\(row.name) (\(row.domains) domains)"
        let cells = [
          name, String(row.waiting), row.trend, row.oldest.map { time.short($0) } ?? "–",
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
