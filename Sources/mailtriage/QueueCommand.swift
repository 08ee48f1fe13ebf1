import ArgumentParser
import Diagnosis
import Forecast
import FoundationEssentials
import Intake
import MailModel
import Reporting
import Triage

/// `mailtriage queue`: what waits now, by destination, age and cause.
struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue",
    abstract: "Shows what waits now: destination, age and cause.",
    discussion: """
      Examples:
        mailtriage queue
        mailtriage queue /var/log/mail.log --spool /var/spool/postfix
        postqueue -j | mailtriage queue - --format json
      """
  )

  @Argument(help: "Files and directories to read first.")
  var paths: [String] = []

  @OptionGroup var options: SharedOptions

  func run() throws {
    try refusing {
      let session = try Session(options)
      try session.ingest(paths)
      let analysis = try session.analysis()
      let page = QueuePage(analysis, inputs: session.reports, zone: session.settings.zone)
      switch options.format {
      case .json: try session.write(page.json)
      default: try session.write(page.page, width: Session.terminalWidth)
      }
      try session.finish()
    }
  }
}

/// What waits, in its formats.
struct QueuePage {
  private let analysis: Analysis
  private let caveat: String?
  private let time: LocalTime

  /// Upper ends of the age classes in seconds, with their names.
  private static let ages: [(name: String, below: Double)] = [
    ("<1h", 3600), ("<6h", 21_600), ("<1d", 86_400), ("<3d", 259_200), ("older", .infinity),
  ]

  private struct Row {
    var domain: String
    var ages: [Int]
    var oldest: Timestamp
    var bytes: Int
    var held: Int
    var cause: String
    var firstExpiry: Timestamp?

    var total: Int { ages.reduce(0, +) }
  }

  init(_ analysis: Analysis, inputs: [InputReport], zone: TimeZone) {
    self.analysis = analysis
    caveat = InputCaveat(inputs, isMore: analysis.tellsOfMail)?.sentence
    time = LocalTime(zone: zone)
  }

  private var rows: [Row] {
    var rows: [String: Row] = [:]
    for message in analysis.queue.messages {
      let age = analysis.now.seconds(since: message.arrivedAt)
      let slot = QueuePage.ages.firstIndex { age < $0.below } ?? QueuePage.ages.count - 1
      for domain in Set(message.recipients.filter { !$0.isDone }.map(\.address.mailDomain)) {
        var row =
          rows[domain]
          ?? Row(
            domain: domain,
            ages: QueuePage.ages.map { _ in 0 },
            oldest: message.arrivedAt,
            bytes: 0,
            held: 0,
            cause: "",
            firstExpiry: nil
          )
        row.ages[slot] += 1
        row.oldest = min(row.oldest, message.arrivedAt)
        row.bytes += message.size ?? 0
        if message.state == .held { row.held += 1 }
        rows[domain] = row
      }
    }
    for destination in analysis.destinations {
      rows[destination.domain]?.cause = destination.incident?.failureClass.rawValue ?? ""
      rows[destination.domain]?.firstExpiry = destination.forecast?.firstExpiry
    }
    return rows.values.sorted { ($1.total, $0.domain) < ($0.total, $1.domain) }
  }

  var json: JSONValue {
    .object([
      "schema": .string("mailtriage.queue/1"), "now": JSONValue(analysis.now),
      "messages": .int(analysis.queue.messages.count),
      "understood": .bool(analysis.tellsOfMail),
      "from_log_only": .bool(analysis.queue.isFromLog),
      "destinations": .array(
        rows.map { row in
          .object([
            "domain": .string(row.domain), "queued": .int(row.total), "held": .int(row.held),
            "bytes": .int(row.bytes), "oldest_queued": JSONValue(row.oldest),
            "class": JSONValue(row.cause.isEmpty ? nil : row.cause),
            "next_expiry": JSONValue(row.firstExpiry),
            "ages": .object(
              Dictionary(
                uniqueKeysWithValues: zip(QueuePage.ages.map(\.name), row.ages).map {
                  ($0, JSONValue.int($1))
                }
              )
            ),
          ])
        }
      ),
    ])
  }

  var page: Page {
    let rows = rows
    let first = caveat.map { [Page.Block.lead($0)] } ?? []
    guard !rows.isEmpty else {
      let lead = Headline(analysis).ignorance ?? QueuePage.nothing(in: analysis.queue)
      return Page(title: "Mail queue", first + [.lead(lead)])
    }
    let count = analysis.queue.messages.count
    var blocks: [Page.Block] =
      first + [
        .lead(
          "\(Headline.messages(count)) \(count == 1 ? "waits" : "wait") for "
            + "\(Headline.destinations(rows.count)), as of \(time.long(analysis.now))."
        ), .table(table(rows)),
      ]
    if analysis.queue.isFromLog {
      blocks.append(.paragraph("No queue was read: this is what the log leaves open."))
    }
    return Page(title: "Mail queue", blocks)
  }

  /// What is said where nothing waits, as far as is known.
  static func nothing(in queue: QueueView) -> String {
    queue.isFromLog ? "The log leaves nothing open; no queue was read." : "Nothing waits."
  }

  private func table(_ rows: [Row]) -> Table {
    let hasHeld = rows.contains { $0.held > 0 }
    let hasSizes = rows.contains { $0.bytes > 0 }
    var columns =
      [Table.Column("DESTINATION", isFlexible: true), Table.Column("WAIT", .right)]
      + QueuePage.ages.map { Table.Column($0.name, .right) }
    if hasHeld { columns.append(Table.Column("HELD", .right)) }
    columns.append(Table.Column("OLDEST"))
    if hasSizes { columns.append(Table.Column("SIZE", .right)) }
    columns += [Table.Column("CAUSE"), Table.Column("FIRST NDR")]
    return Table(
      caption: "What waits, by destination and age",
      columns: columns,
      rows: rows.map { row in
        var cells: [Table.Cell] = [
          Table.Cell(row.domain.isEmpty ? "(no domain)" : row.domain), "\(row.total)",
        ]
        cells += row.ages.map { $0 == 0 ? "." : "\($0)" }
        if hasHeld { cells.append(row.held == 0 ? "." : "\(row.held)") }
        cells.append(Table.Cell(time.short(row.oldest)))
        if hasSizes { cells.append(Table.Cell(QueuePage.size(row.bytes))) }
        cells += [
          Table.Cell(row.cause.isEmpty ? "-" : row.cause),
          Table.Cell(row.firstExpiry.map { time.short($0) } ?? "-"),
        ]
        return Table.Row(cells)
      }
    )
  }

  /// `900 B`, `12 kB`, `3.4 MB`.
  private static func size(_ bytes: Int) -> String {
    var value = Double(bytes)
    var unit = "B"
    for next in ["kB", "MB", "GB", "TB"] where value >= 1000 {
      value /= 1000
      unit = next
    }
    let text =
      value < 10 && unit != "B" ? "\((value * 10).rounded() / 10)" : "\(Int(value.rounded()))"
    return "\(text) \(unit)"
  }
}
