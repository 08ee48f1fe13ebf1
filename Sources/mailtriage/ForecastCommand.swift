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
      switch options.format {
      case .json:
        let redaction = Redaction(isOn: options.redact)
        try session.write(redaction.apply(page.json.text()) + "\n")
      default:
        try session.write(
          page.page(withMessages: options.verbose),
          width: Session.terminalWidth
        )
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

  /// The destinations, the nearest deadline first; with each message where that is wanted.
  func page(withMessages: Bool) -> Page {
    guard !destinations.isEmpty else {
      return Page(title: "Mail forecast", [.lead("Nothing waits.")])
    }
    var blocks: [Page.Block] = [
      .lead(
        "As of \(time.long(analysis.now)). Fix a destination before “fix by”, or mail is returned."
      ), .table(table),
    ]
    if withMessages { blocks.append(.table(messages)) }
    blocks += analysis.schedules.sorted { $0.key < $1.key }.map {
      .paragraph("\($0.key): \($0.value).")
    }
    blocks.append(
      .paragraph(
        "Chance: between these it lies that mail goes out before it is returned, if nobody repairs anything."
      )
    )
    return Page(title: "Mail forecast", blocks)
  }

  private var table: Table {
    let hazards = analysis.hazards
    let waiting = Dictionary(grouping: analysis.schedule) { $0.domain }
    return Table(
      caption: "What waits, and until when it can be saved",
      columns: [
        Table.Column("DESTINATION", isFlexible: true), Table.Column("WAIT", .right),
        Table.Column("NEXT TRY"), Table.Column("FIX BY"), Table.Column("FIRST NDR"),
        Table.Column("TOO LATE AT"), Table.Column("CHANCE", .right),
      ],
      rows: destinations.map { one in
        let messages = waiting[one.domain] ?? []
        let chances = messages.compactMap {
          hazards[$0.domain]?.interval(attempts: $0.attemptsLeft)
        }
        return Table.Row([
          Table.Cell(one.domain.isEmpty ? "(no domain)" : one.domain), "\(one.queued)",
          moment(messages.compactMap(\.nextAttempt).min()), moment(one.fixBy),
          moment(one.firstExpiry), moment(one.tooLateAt), ForecastPage.chance(chances),
        ])
      }
    )
  }

  private var messages: Table {
    let hazards = analysis.hazards
    return Table(
      caption: "Each message that waits",
      columns: [
        Table.Column("MESSAGE"), Table.Column("DESTINATION", isFlexible: true),
        Table.Column("NEXT TRY"), Table.Column("WARNING"), Table.Column("NDR"),
        Table.Column("CHANCE", .right),
      ],
      rows: analysis.schedule.map { one in
        Table.Row([
          Table.Cell(one.queueID), Table.Cell(one.domain), moment(one.nextAttempt),
          moment(one.warningAt), moment(one.expiresAt),
          ForecastPage.chance(
            [hazards[one.domain]?.interval(attempts: one.attemptsLeft)].compactMap { $0 }
          ),
        ])
      }
    )
  }

  /// `3–40 %`: between which lies the chance that it is delivered before it is returned, if nobody
  /// repairs anything.
  private static func chance(_ intervals: [ClosedRange<Double>]) -> Table.Cell {
    guard let low = intervals.map(\.lowerBound).min(), let high = intervals.map(\.upperBound).max(),
      low.isFinite, high.isFinite
    else { return "-" }
    return Table.Cell("\(Int((low * 100).rounded(.down)))–\(Int((high * 100).rounded(.up))) %")
  }

  private func moment(_ moment: Timestamp?) -> Table.Cell {
    Table.Cell(moment.map { time.short($0) } ?? "-")
  }
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
