import ArgumentParser
import Diagnosis
import Forecast
import FoundationEssentials
import MailModel
import Reporting
import Triage

/// `mailtriage queue`: what waits now, by destination, age and cause.
struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue",
    abstract: "Shows what waits now: destination, age and cause."
  )

  @Argument(help: "Files and directories to read first.")
  var paths: [String] = []

  @OptionGroup var options: SharedOptions

  func run() throws {
    try refusing {
      let session = try Session(options)
      try session.ingest(paths)
      let page = QueuePage(try session.analysis(), zone: session.settings.zone)
      let redaction = Redaction(isOn: options.redact)
      switch options.format {
      case .json: try session.write(redaction.apply(page.json.text()) + "\n")
      case .markdown, .html: try session.write(redaction.apply(page.markdown))
      case .text: try session.write(redaction.apply(page.text))
      }
      try session.finish()
    }
  }
}

/// What waits, in its formats.
struct QueuePage {
  private let analysis: Analysis
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

  init(_ analysis: Analysis, zone: TimeZone) {
    self.analysis = analysis
    time = LocalTime(zone: zone)
  }

  private var rows: [Row] {
    var rows: [String: Row] = [:]
    for message in analysis.queue.messages {
      let age = analysis.now.seconds(since: message.arrivedAt)
      let slot = QueuePage.ages.firstIndex { age < $0.below } ?? QueuePage.ages.count - 1
      for domain in Set(message.recipients.filter { !$0.isDone }.map(\.address.domainOfAddress)) {
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

  var text: String {
    guard !rows.isEmpty else { return "Nothing waits.\n" }
    var out = TriagePage.cell("DESTINATION", 32) + TriagePage.right("WAIT", 5)
    for age in QueuePage.ages { out += TriagePage.right(age.name, 6) }
    out += "  " + TriagePage.cell("CAUSE", 26) + "FIRST NDR\n"
    for row in rows {
      var line =
        TriagePage.cell(OutsideText(row.domain).terminal(limit: 30), 32)
        + TriagePage.right(String(row.total), 5)
      for count in row.ages { line += TriagePage.right(count == 0 ? "." : String(count), 6) }
      line +=
        "  " + TriagePage.cell(row.cause, 26) + (row.firstExpiry.map { time.short($0) } ?? "-")
      out += TriagePage.trimmed(line) + "\n"
    }
    if analysis.queue.isFromLog {
      out += "\nNo queue was read: this is what the log leaves open.\n"
    }
    return out
  }

  var markdown: String {
    var out = "| Destination | Waiting | Oldest | Cause | First NDR |\n|---|---:|---|---|---|\n"
    for row in rows {
      let cells = [
        row.domain, String(row.total), time.short(row.oldest), row.cause,
        row.firstExpiry.map { time.short($0) } ?? "–",
      ]
      out += "| " + cells.map { OutsideText($0).markdown() }.joined(separator: " | ") + " |\n"
    }
    return out
  }
}
