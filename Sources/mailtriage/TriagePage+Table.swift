import Diagnosis
import FoundationEssentials
import Glibc
import MailModel
import Reporting
import Triage

extension TriagePage {
  /// The first screen of 100 by 30, with a line left for the prompt.
  static let columns = 100
  static let lines = 29
  /// Destinations that are listed however much else there is to say.
  static let fewestRows = 8

  /// The page for a terminal: what does not fit is counted.
  var screen: Page {
    let rows = trouble
    let prose = leads + head + [deadline].compactMap { $0 } + foot
    let height = prose.reduce(0) { $0 + Page.height($1, width: TriagePage.columns) }
    // Two blank lines, the heading and the line that counts the rest.
    let room = max(TriagePage.fewestRows, TriagePage.lines - height - 4)
    var blocks: [Page.Block] = leads.map { .lead($0) } + head.map { .paragraph($0) }
    if !rows.isEmpty {
      var table = brief(Array(rows.prefix(room)))
      let rest = rows.dropFirst(room)
      if !rest.isEmpty {
        table.rest =
          "… and \(rest.count) more with "
          + Headline.messages(rest.reduce(0) { $0 + $1.waiting }) + ": mailtriage queue lists all."
      }
      blocks.append(.table(table))
    }
    if let deadline { blocks.append(.lead(deadline)) }
    return Page(title: "Mail triage", blocks + foot.map { .paragraph($0) })
  }

  /// The page as a document: every row, each text in full.
  var document: Page {
    let rows = trouble
    var blocks: [Page.Block] =
      leads.map { .lead($0) } + head.map { .paragraph($0) }
    if let deadline { blocks.append(.paragraph(deadline)) }
    if !rows.isEmpty { blocks.append(.table(full(rows))) }
    return Page(title: "Mail triage", blocks + foot.map { .paragraph($0) })
  }

  private func brief(_ rows: [Row]) -> Table {
    Table(
      caption: "Destinations in trouble",
      columns: [
        Table.Column("DESTINATION", isFlexible: true), Table.Column("WAIT", .right),
        Table.Column("TREND"), Table.Column("OLDEST"), Table.Column("CAUSE"),
        Table.Column("FIX BY"), Table.Column("NDR"), Table.Column("DO THIS"),
      ],
      rows: rows.map { row in
        let age = row.oldest.map { TriagePage.age(analysis.now.seconds(since: $0)) } ?? "-"
        return Table.Row(
          [
            Table.Cell(row.name, suffix: row.domains == 1 ? "" : " ×\(row.domains)"),
            "\(row.waiting)", Table.Cell(row.trend), Table.Cell(age), Table.Cell(row.label),
            Table.Cell(fixBy(row)), Table.Cell(notice(row)), Table.Cell(row.brief),
          ],
          tone: tone(row)
        )
      }
    )
  }

  private func full(_ rows: [Row]) -> Table {
    Table(
      caption: "Destinations in trouble, the most urgent first",
      columns: [
        Table.Column("Destination"), Table.Column("Waiting", .right), Table.Column("Trend"),
        Table.Column("Oldest"), Table.Column("Cause"), Table.Column("First NDR"),
        Table.Column("Fix by"), Table.Column("Do this"),
      ],
      rows: rows.map { row in
        Table.Row(
          [
            Table.Cell(row.name, suffix: row.domains == 1 ? "" : " (\(row.domains) domains)"),
            "\(row.waiting)", Table.Cell(row.trend), moment(row.oldest), Table.Cell(row.cause),
            moment(row.firstExpiry), moment(row.fixBy), Table.Cell(row.remedy),
          ],
          tone: tone(row)
        )
      }
    )
  }

  private func moment(_ moment: Timestamp?) -> Table.Cell {
    Table.Cell(moment.map { time.short($0) } ?? "–")
  }

  private func tone(_ row: Row) -> Table.Tone {
    guard let fixBy = row.fixBy, row.incident.state != .recovered else { return .plain }
    let hours = fixBy.seconds(since: analysis.now) / 3600
    return hours < 3 ? .urgent : hours < 24 ? .soon : .plain
  }

  /// `28 Nov 11:59`; within a day `08:28 in 7h29`; a star where it rests on assumed settings.
  private func fixBy(_ row: Row) -> String {
    guard let fixBy = row.fixBy else { return "-" }
    let mark = row.isAssumed ? "*" : ""
    let left = fixBy.seconds(since: analysis.now)
    guard left < 86_400 else { return "\(time.day(fixBy)) \(time.hour(fixBy))\(mark)" }
    let minutes = Int(max(left, 0) / 60)
    let hours = minutes / 60
    let rest =
      hours == 0 ? "\(minutes)m" : "\(hours)h" + (minutes % 60 < 10 ? "0" : "") + "\(minutes % 60)"
    return "\(time.hour(fixBy)) in \(rest)\(mark)"
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
}

extension TerminalInk {
  /// Colour where standard output is a terminal and `NO_COLOR` is not set.
  static var standardOutput: TerminalInk {
    TerminalInk(
      isOn: isatty(1) == 1 && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
    )
  }

  static let none = TerminalInk(isOn: false)
}
