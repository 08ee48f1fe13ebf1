import ArgumentParser
import Diagnosis
import Forecast
import FoundationEssentials
import MailModel
import Reporting
import Triage

/// `mailtriage forecast`: when each waiting message is tried, warned about and returned.
struct ForecastCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forecast",
    abstract: "Says when each waiting message is tried again, warned about and returned."
  )

  @Argument(help: "Files and directories to read first.")
  var paths: [String] = []

  @OptionGroup var options: SharedOptions

  func run() throws {
    try refusing {
      let session = try Session(options)
      try session.ingest(paths)
      let page = ForecastPage(try session.analysis(), zone: session.settings.zone)
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

/// The forecast in its formats.
struct ForecastPage {
  private let analysis: Analysis
  private let time: LocalTime

  init(_ analysis: Analysis, zone: TimeZone) {
    self.analysis = analysis
    time = LocalTime(zone: zone)
  }

  private var destinations: [DestinationForecast] {
    analysis.destinations.compactMap(\.forecast)
      .sorted { ($0.fixBy ?? .far, $0.domain) < ($1.fixBy ?? .far, $1.domain) }
  }

  var json: JSONValue {
    let messages = Dictionary(
      analysis.queue.snapshots.flatMap { snapshot in
        snapshot.messages.map { ($0.queueID, (snapshot.server, $0)) }
      },
      uniquingKeysWith: { first, _ in first }
    )
    let hazards = analysis.hazards
    return .object([
      "schema": .string("mailtriage.forecast/1"), "now": JSONValue(analysis.now),
      "messages": .array(
        analysis.schedule.map { scheduled in
          let known = messages[scheduled.queueID]
          let hazard = hazards[scheduled.domain]
          let left = scheduled.attemptsLeft
          let interval = hazard?.interval(attempts: left)
          return .object([
            "queue_id": .string(scheduled.queueID),
            "mta": JSONValue(known?.0.description), "destination": .string(scheduled.domain),
            "arrived_at": JSONValue(known?.1.arrivedAt),
            "attempts_made": .int(known?.1.attemptsMade ?? 0),
            "next_attempt_at": JSONValue(scheduled.nextAttempt),
            "warning_at": JSONValue(scheduled.warningAt),
            "expires_at": JSONValue(scheduled.expiresAt),
            "delivery_probability": .number(
              ForecastPage.rounded(hazard?.probability(attempts: left) ?? 0)
            ),
            "delivery_interval": .array([
              .number(ForecastPage.rounded(interval?.lowerBound ?? 0)),
              .number(ForecastPage.rounded(interval?.upperBound ?? 1)),
            ]),
            "basis": .string(scheduled.basis.rawValue),
          ])
        }
      ),
      "destinations": .array(destinations.map(\.json)),
    ])
  }

  private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

  var text: String {
    guard !destinations.isEmpty else { return "Nothing waits.\n" }
    var out =
      "As of \(time.long(analysis.now)). Fix a destination before “fix by”, or mail is returned.\n\n"
    out += TriagePage.cell("DESTINATION", 34) + TriagePage.right("WAIT", 5) + "  "
    out += TriagePage.cell("FIX BY", 18) + TriagePage.cell("FIRST NDR", 18) + "TOO LATE AT\n"
    for one in destinations {
      let row =
        TriagePage.cell(OutsideText(one.domain).terminal(limit: 32), 34)
        + TriagePage.right(String(one.queued), 5) + "  " + TriagePage.cell(moment(one.fixBy), 18)
        + TriagePage.cell(moment(one.firstExpiry), 18) + moment(one.tooLateAt)
      out += TriagePage.trimmed(row) + "\n"
    }
    for (server, rule) in analysis.schedules.sorted(by: { $0.key < $1.key }) {
      out += "\n\(server): \(rule)\n"
    }
    return out
  }

  var markdown: String {
    var out =
      "| Destination | Waiting | Fix by | First NDR | Too late at |\n|---|---:|---|---|---|\n"
    for one in destinations {
      let cells = [
        one.domain, String(one.queued), moment(one.fixBy), moment(one.firstExpiry),
        moment(one.tooLateAt),
      ]
      out += "| " + cells.map { OutsideText($0).markdown() }.joined(separator: " | ") + " |\n"
    }
    return out
  }

  private func moment(_ moment: Timestamp?) -> String { moment.map { time.short($0) } ?? "–" }
}

extension Analysis {
  /// The chance per attempt, by destination: attempts since its trouble began, shrunk to the rate of
  /// all destinations with the same cause.
  var hazards: [String: DeliveryHazard] {
    var pooled: [FailureClass: (successes: Int, trials: Int)] = [:]
    for one in destinations {
      guard let incident = one.incident else { continue }
      let known = pooled[incident.failureClass] ?? (0, 0)
      let success = incident.state == .recovered ? 1 : 0
      pooled[incident.failureClass] = (
        known.successes + success, known.trials + one.history.deferred + success
      )
    }
    return Dictionary(
      uniqueKeysWithValues: destinations.map { one in
        guard let incident = one.incident, let pool = pooled[incident.failureClass] else {
          return (one.domain, DeliveryHazard(successes: 0, trials: 0, pooledRate: 0.5))
        }
        let rate = Double(pool.successes + 1) / Double(pool.trials + 4)
        let success = incident.state == .recovered ? 1 : 0
        return (
          one.domain,
          DeliveryHazard(
            successes: success,
            trials: one.history.deferred + success,
            pooledRate: rate
          )
        )
      }
    )
  }
}
