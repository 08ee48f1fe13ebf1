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
      try? printResult(
        "MAILTRIAGE UNKNOWN - \(OutsideText(refusal.description).terminal(limit: 400))\n"
      )
      throw ExitCode(3)
    }
  }

  // MARK: What it does

  private func evaluate() async throws {
    let session = try Session(options)
    let settings = session.settings.configuration.alert
    if let silence { return try keepQuiet(session, silence) }
    let runner = (hook ?? settings.hook).map {
      HookRunner(
        executable: $0,
        timeout: .seconds(settings.timeout),
        inheritedEnvironment: ProcessInfo.processInfo.environment
      )
    }
    if test { return try await sendTest(session, runner) }
    try read(session)
    let (analysis, conditions) = try conditions(session)
    var told: [Alert] = []
    var handovers: [AlertOutbox.Handover] = []
    if let runner {
      told = try session.answering {
        try AlertOutbox(session.store).post(
          conditions,
          now: session.settings.now,
          settle: settings.settle,
          report: newestReport(session)
        )
      }
      handovers = try await drain(session, runner)
    }
    if let prometheus {
      let pending = try session.answering { try session.store.outbox().count }
      let metrics = AlertMetrics(analysis: analysis, conditions: conditions, pending: pending)
      try ReplacedFile(prometheus).write(metrics.prometheus)
    }
    try show(session, conditions, told, handovers)
    if handovers.contains(where: { $0.outcome != .taken }) {
      throw ExitStatus.unavailable.code
    }
    try session.finish()
  }

  /// The monitoring plugin: the rules alone, nothing told, nothing marked as told.
  private func check() throws {
    let session = try Session(options)
    try read(session)
    let (analysis, conditions) = try conditions(session)
    let pending = try session.answering { try session.store.outbox().count }
    let metrics = AlertMetrics(analysis: analysis, conditions: conditions, pending: pending)
    if let prometheus { try ReplacedFile(prometheus).write(metrics.prometheus) }
    try printResult(metrics.nagiosLine)
    throw ExitCode(metrics.nagiosStatus)
  }

  private func read(_ session: Session) throws {
    let configuration = session.settings.configuration
    if !paths.isEmpty || !options.spool.isEmpty || !configuration.inputs.isEmpty
      || !configuration.spools.isEmpty
    {
      try session.ingest(paths)
    }
  }

  private func conditions(_ session: Session) throws -> (Analysis, [AlertCondition]) {
    let analysis = try session.analysis()
    let flow = try session.answering {
      try MailFlow(session.store, now: session.settings.now, newest: analysis.newest)
    }
    let rules = AlertRules(AlertThresholds(session.settings.configuration.alert))
    return (analysis, rules.conditions(analysis, flow: flow))
  }

  private func drain(
    _ session: Session,
    _ runner: HookRunner
  ) async throws -> [AlertOutbox.Handover] {
    do {
      return try await AlertOutbox(session.store).drain(runner, clock: Settings.clockNow) {
        if $0.outcome != .taken {
          complain("alert \($0.alert.id) stays: \($0.outcome.explanation)")
        }
      }
    } catch let error as StoreError { throw Refusal(error) }
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
    try printResult("The hook has taken the test alert \(alert.id).\n")
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
    try printResult("Nothing is told of \(OutsideText(name).terminal()) until \(until.rfc3339).\n")
  }

  /// Where the newest report lies, if reports are written.
  private func newestReport(_ session: Session) -> String? {
    guard let directory = session.settings.configuration.report.outputDirectory,
      let names = try? FileManager.default.contentsOfDirectory(atPath: directory)
    else { return nil }
    return names.filter { $0.hasPrefix("report-") && $0.hasSuffix(".html") }.max()
      .map { "\(directory)/\($0)" }
  }

  // MARK: What it shows

  private func show(
    _ session: Session,
    _ conditions: [AlertCondition],
    _ told: [Alert],
    _ handovers: [AlertOutbox.Handover]
  ) throws {
    let present = conditions.filter { $0.standing == .present }
    if options.format == .json {
      let redaction = Redaction(isOn: options.redact)
      let document = JSONValue.object([
        "schema": .string("mailtriage.alerts/1"),
        "now": JSONValue(session.settings.now),
        "present": .array(present.map(\.json)),
        "told": .array(told.map { .string($0.id) }),
        "handed_over": .array(
          handovers.map {
            .object([
              "id": .string($0.alert.id), "state": .string($0.alert.state.rawValue),
              "taken": .bool($0.outcome == .taken), "outcome": .string($0.outcome.explanation),
            ])
          }
        ),
      ])
      return try session.write(redaction.apply(document.text()) + "\n")
    }
    let ordered = present.sorted { ($1.severity, $1.count) < ($0.severity, $0.count) }
    var blocks: [Page.Block] = ordered.map {
      let line = "\($0.severity.name): \($0.rule.rawValue): \($0.summary)"
      return options.format == .text ? .paragraph(line) : .item(line)
    }
    if present.isEmpty { blocks.append(.lead("Nothing to alert of.")) }
    let taken = handovers.count { $0.outcome == .taken }
    if !handovers.isEmpty {
      blocks.append(.paragraph("The hook has taken \(taken) of \(handovers.count) alerts."))
    }
    try session.write(Page(title: "Mail alerts", blocks), width: Session.terminalWidth)
  }
}

extension AlertThresholds {
  fileprivate init(_ settings: Configuration.AlertSettings) {
    self.init(
      fixByWithin: settings.fixByWithin,
      ndrWave: settings.ndrWave,
      backlogGrowth: settings.backlogGrowth,
      backlogMinimum: settings.backlogMinimum,
      inboundDrop: settings.inboundDrop,
      noInputFor: settings.noInputFor
    )
  }
}

extension AlertCondition {
  fileprivate var json: JSONValue {
    .object([
      "rule": .string(rule.rawValue), "severity": .string(severity.name),
      "destination": JSONValue(destination.isEmpty ? nil : destination),
      "class": JSONValue(failureClass?.rawValue), "count": .int(count),
      "first_seen": JSONValue(firstSeen), "fix_by": JSONValue(fixBy),
      "summary": .string(summary), "remedy": JSONValue(remedy),
    ])
  }
}
