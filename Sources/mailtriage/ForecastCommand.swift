import ArgumentParser
import Diagnosis
import Forecast
import FoundationEssentials
import Intake
import MailModel
import Reporting
import Triage

/// `mailtriage forecast`: when each waiting message is tried, warned about and returned.
struct ForecastCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forecast",
    abstract: "Says when each waiting message is tried again, warned about and returned.",
    discussion: """
      --verbose lists each message. Deadlines follow the server's own rule and settings.

      Examples:
        mailtriage forecast --spool /var/spool/postfix --mta-config /etc/postfix
        mailtriage forecast /var/log/exim4 --now 2026-03-02T09:00:00Z --verbose
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
      let page = ForecastPage(analysis, inputs: session.reports, zone: session.settings.zone)
      switch options.format {
      case .json: try session.write(page.json)
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
  private let caveat: String?
  private let time: LocalTime

  init(_ analysis: Analysis, inputs: [InputReport], zone: TimeZone) {
    self.analysis = analysis
    caveat = InputCaveat(inputs, isMore: analysis.tellsOfMail)?.sentence
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
    let odds = analysis.recoveryOdds
    return .object([
      "schema": .string("mailtriage.forecast/1"), "now": JSONValue(analysis.now),
      "understood": .bool(analysis.tellsOfMail),
      "messages": .array(
        analysis.schedule.map { scheduled in
          let known = messages[scheduled.queueID]
          let chance = ForecastPage.chance(scheduled, odds[scheduled.domain])
          return .object([
            "queue_id": .string(scheduled.queueID),
            "mta": JSONValue(known?.0.description), "destination": .string(scheduled.domain),
            "arrived_at": JSONValue(known?.1.arrivedAt),
            "attempts_made": .int(known?.1.attemptsMade ?? 0),
            "next_attempt_at": JSONValue(scheduled.nextAttempt),
            "next_attempt_certainty": scheduled.nextAttempt.map { _ in
              .number(ForecastPage.rounded(scheduled.nextAttemptCertainty))
            } ?? .null,
            "warning_at": JSONValue(scheduled.warningAt),
            "expires_at": JSONValue(scheduled.expiresAt),
            "delivery_probability": chance.probability.map {
              .number(ForecastPage.rounded($0))
            } ?? .null,
            "delivery_interval": .array([
              .number(ForecastPage.rounded(chance.interval.lowerBound)),
              .number(ForecastPage.rounded(chance.interval.upperBound)),
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
    let first = caveat.map { [Page.Block.lead($0)] } ?? []
    guard !destinations.isEmpty else {
      let lead = Headline(analysis).ignorance ?? QueuePage.nothing(in: analysis.queue)
      return Page(title: "Mail forecast", first + [.lead(lead)])
    }
    var blocks: [Page.Block] =
      first + [
        .lead(
          "As of \(time.long(analysis.now)). Fix a destination before “fix by”, or mail is returned."
        ), .table(table),
      ]
    if withMessages {
      blocks.append(.table(messages))
      if analysis.schedule.contains(where: ForecastPage.isByChance) {
        blocks.append(
          .paragraph(
            "~ the likeliest run: which message for a host makes its next attempt is left to chance, the others wait for the host's next turn."
          )
        )
      }
    }
    blocks += analysis.schedules.sorted { $0.key < $1.key }.map {
      .paragraph("\($0.key): \($0.value).")
    }
    blocks.append(
      .paragraph(
        "Chance: the share of destinations with the same fault that recovered by themselves, as a range; - where too few are known."
      )
    )
    return Page(title: "Mail forecast", blocks)
  }

  private var table: Table {
    let odds = analysis.recoveryOdds
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
        return Table.Row([
          Table.Cell(one.domain.isEmpty ? "(no domain)" : one.domain), "\(one.queued)",
          moment(messages.compactMap(\.nextAttempt).min()), moment(one.fixBy),
          moment(one.firstExpiry), moment(one.tooLateAt), ForecastPage.cell(odds[one.domain]),
        ])
      }
    )
  }

  private var messages: Table {
    let odds = analysis.recoveryOdds
    return Table(
      caption: "Each message that waits",
      columns: [
        Table.Column("MESSAGE"), Table.Column("DESTINATION", isFlexible: true),
        Table.Column("NEXT TRY"), Table.Column("WARNING"), Table.Column("NDR"),
        Table.Column("CHANCE", .right),
      ],
      rows: analysis.schedule.map { one in
        Table.Row([
          Table.Cell(one.queueID), Table.Cell(one.domain), nextAttempt(of: one),
          moment(one.warningAt), moment(one.expiresAt),
          ForecastPage.cell(odds[one.domain]),
        ])
      }
    )
  }

  /// The chance of one message: none where no attempt is left to it.
  private static func chance(
    _ message: ScheduledMessage,
    _ odds: RecoveryOdds?
  ) -> (probability: Double?, interval: ClosedRange<Double>) {
    if message.expiresAt != nil, message.attemptsLeft == 0 { return (0, 0...0) }
    return (odds?.probability, odds?.interval ?? 0...1)
  }

  /// `3–40 %`: between which lies the chance that the destination recovers by itself in time.
  private static func cell(_ odds: RecoveryOdds?) -> Table.Cell {
    guard let odds, odds.probability != nil else { return "-" }
    let low = Int((odds.interval.lowerBound * 100).rounded(.down))
    return Table.Cell("\(low)–\(Int((odds.interval.upperBound * 100).rounded(.up))) %")
  }

  private func nextAttempt(of message: ScheduledMessage) -> Table.Cell {
    guard let next = message.nextAttempt else { return "-" }
    return Table.Cell((ForecastPage.isByChance(message) ? "~" : "") + time.short(next))
  }

  /// Whether the next attempt may well be another than the one told.
  private static func isByChance(_ message: ScheduledMessage) -> Bool {
    message.nextAttempt != nil && message.nextAttemptCertainty < 0.8
  }

  private func moment(_ moment: Timestamp?) -> Table.Cell {
    Table.Cell(moment.map { time.short($0) } ?? "-")
  }
}

extension Analysis {
  /// By destination in trouble, what became of the others that failed for the same reason.
  var recoveryOdds: [String: RecoveryOdds] {
    let troubled = destinations.compactMap { one in one.incident.map { (one.domain, $0) } }
    let byClass = Dictionary(grouping: troubled) { $0.1.failureClass }
    return Dictionary(
      troubled.map { domain, incident in
        let others = byClass[incident.failureClass, default: []].filter { $0.0 != domain }
          .map(\.1.state)
        return (
          domain,
          RecoveryOdds(
            recovered: others.count { $0 == .recovered },
            lost: others.count { $0 == .endedInBounces },
            lasting: others.count { $0 == .active }
          )
        )
      },
      uniquingKeysWith: { first, _ in first }
    )
  }
}
