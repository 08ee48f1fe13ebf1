import Alerting
import ArgumentParser
import FoundationEssentials
import Glibc
import MailModel
import Reporting
import Store
import Triage

/// `mailtriage alert`: evaluates the rules and runs the hook for what changed.
struct AlertCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alert",
    abstract: "Evaluates the alert rules and runs the hook for what changed.",
    discussion: """
      What is to be told is in the database before the hook runs and leaves it only when the hook \
      ends with 0. Without a hook the alerts are only shown.

      Examples:
        mailtriage alert /var/log/mail.log --hook /etc/mailtriage/hook
        mailtriage alert --silence example.com --for 2h
        mailtriage alert --nagios
      """
  )

  @Argument(help: "Files and directories to read first; default: the configuration's inputs.")
  var paths: [String] = []

  @OptionGroup var options: SharedOptions

  @Option(help: ArgumentHelp("The executable that gets each alert as JSON.", valueName: "path"))
  var hook: String?

  @Flag(help: "Give the hook an alert that means nothing, to see whether it arrives.")
  var test = false

  @Option(
    help: ArgumentHelp(
      "Tell nothing of a destination for a while; `all` for everything about no single one.",
      valueName: "destination"
    )
  )
  var silence: String?

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("How long, as 2h or 3d.", valueName: "time")
  )
  var duration: String?

  @Flag(help: "Answer as a monitoring plugin: one line, status 0, 1, 2 or 3; runs no hook.")
  var nagios = false

  @Option(help: ArgumentHelp("Write metrics there for node_exporter.", valueName: "file"))
  var prometheus: String?

  func run() async throws {
    guard nagios else { return try await refusing { try await evaluate() } }
    do { try check() } catch let refusal as Refusal {
      let reason = OutsideText(refusal.description).terminal(limit: 400)
      _ = writeAll("MAILTRIAGE UNKNOWN - \(reason)\n".utf8, to: 1)
      throw ExitCode(3)
    }
  }

  // MARK: What it does

  private func evaluate() async throws {
    let session = try Session(options)
    if let silence { return try keepQuiet(session, silence) }
    let runner = session.alertHook(hook)
    if test { return try await sendTest(session, runner) }
    try read(session)
    let round = try await session.alertRound(runner)
    if let prometheus { try ReplacedFile(prometheus).write(metrics(session, round).prometheus) }
    try show(session, round)
    if round.handovers.contains(where: { $0.outcome != .taken }) {
      throw ExitStatus.unavailable.code
    }
    try session.finish()
  }

  /// The monitoring plugin: the rules alone, nothing told, nothing marked as told.
  private func check() throws {
    let session = try Session(options)
    try read(session)
    var metrics = try metrics(session, try session.alertConditions())
    if !session.hasUnderstoodInput { metrics.inputFault = session.complaints.first }
    if let prometheus { try ReplacedFile(prometheus).write(metrics.prometheus) }
    try session.write(metrics.nagiosLine)
    throw ExitCode(metrics.nagiosStatus)
  }

  private func metrics(_ session: Session, _ round: AlertRound) throws -> AlertMetrics {
    AlertMetrics(
      analysis: round.analysis,
      conditions: round.conditions,
      pending: try session.answering { try session.store.outbox().count }
    )
  }

  private func read(_ session: Session) throws {
    let configuration = session.settings.configuration
    if !paths.isEmpty || !options.spool.isEmpty || !configuration.inputs.isEmpty
      || !configuration.spools.isEmpty
    {
      try session.ingest(paths)
    }
  }

  private func sendTest(_ session: Session, _ runner: HookRunner?) async throws {
    guard let runner else {
      throw Refusal(.usage, "--test: no hook; name one with --hook or as alert.hook")
    }
    let now = session.settings.clock
    let condition = AlertCondition(
      key: "\(AlertRule.test.rawValue)/\(now.microseconds)",
      rule: .test,
      severity: .info,
      destination: "",
      failureClass: nil,
      count: 0,
      firstSeen: now,
      summary: "A test of the alert hook: nothing is wrong."
    )
    let alert = Alert(
      id: "\(AlertRule.test.rawValue)-\(now.microseconds)",
      state: .firing,
      condition: condition
    )
    // Not through the outbox: a test that is not taken must not come back tomorrow.
    let outcome = await runner.run(alert)
    guard outcome == .taken else {
      throw Refusal(.unavailable, "\(runner.executable): \(outcome.explanation)")
    }
    try session.write("The hook has taken the test alert \(alert.id).\n")
  }

  private func keepQuiet(_ session: Session, _ name: String) throws {
    guard let duration, let seconds = ConfigurationReader.seconds(duration), seconds > 0 else {
      throw Refusal(.usage, "--silence \(name): --for says how long, as 2h or 3d")
    }
    guard name == "all" || HostName(name) != nil else {
      throw Refusal(.usage, "--silence \(name): not a domain name")
    }
    let destination = name == "all" ? "" : HostName(name)?.description ?? name
    let until = session.settings.now.advanced(bySeconds: seconds)
    try session.answering { try session.store.silence(destination, until: until) }
    try session.write(
      "Nothing is told of \(OutsideText(name).terminal()) until \(until.rfc3339).\n"
    )
  }

  // MARK: What it shows

  private func show(_ session: Session, _ round: AlertRound) throws {
    let analysis = round.analysis
    let handovers = round.handovers
    let present = round.present
    if options.format == .json {
      let document = JSONValue.object([
        "schema": .string("mailtriage.alerts/1"),
        "now": JSONValue(session.settings.now),
        "understood": .bool(analysis.tellsOfMail),
        "present": .array(present.map { .object($0.json) }),
        "told": .array(round.told.map { .string($0.id) }),
        "handed_over": .array(
          handovers.map {
            .object([
              "id": .string($0.alert.id), "state": .string($0.alert.state.rawValue),
              "taken": .bool($0.outcome == .taken), "outcome": .string($0.outcome.explanation),
            ])
          }
        ),
      ])
      return try session.write(document)
    }
    let ordered = present.sorted { ($1.severity, $1.count) < ($0.severity, $0.count) }
    let caveat = InputCaveat(session.reports, isMore: analysis.tellsOfMail)?.sentence
    var blocks: [Page.Block] = [caveat].compactMap { $0 }.map { .lead($0) }
    blocks += ordered.map {
      let line = "\($0.severity.name): \($0.rule.rawValue): \($0.summary)"
      return options.format == .text ? .paragraph(line) : .item(line)
    }
    if present.isEmpty {
      blocks.append(.lead(Headline(analysis).ignorance ?? "Nothing to alert of."))
    }
    let taken = handovers.count { $0.outcome == .taken }
    if !handovers.isEmpty {
      blocks.append(.paragraph("The hook has taken \(taken) of \(handovers.count) alerts."))
    }
    try session.write(Page(title: "Mail alerts", blocks), width: Session.terminalWidth)
  }
}
