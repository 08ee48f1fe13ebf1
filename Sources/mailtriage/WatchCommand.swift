import Alerting
import ArgumentParser
import FoundationEssentials
import Glibc
import Intake
import MailModel
import Synchronization
import Triage

/// `mailtriage watch`: follows logs and queues, keeps the database current, alerts as it happens.
struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Follows logs and queues, keeps the database current, alerts as it happens.",
    discussion: """
      Runs until it is interrupted. A log that grows, rotates or appears is read at once, the rest \
      every minute; each trouble is told when it begins, worsens and ends.

      Examples:
        mailtriage watch /var/log/mail.log --spool /var/spool/postfix
        mailtriage watch --hook /etc/mailtriage/hook --format json
      """
  )

  @Argument(help: "Files, directories or `journal:` to follow; default: as analyze.")
  var paths: [String] = []

  @OptionGroup var options: SharedOptions

  @Option(help: ArgumentHelp("The executable that gets each alert as JSON.", valueName: "path"))
  var hook: String?

  @Option(help: ArgumentHelp("Look at queues this often, as 30s or 5m.", valueName: "time"))
  var every = "60s"

  func validate() throws {
    guard (ConfigurationReader.seconds(every) ?? 0) >= 1 else {
      throw ValidationError("--every \(every): not a length of a second or more, such as 30s")
    }
    if paths.contains("-") {
      throw ValidationError("-: a pipe cannot be followed; name a file or journal:")
    }
    if options.format == .html || options.format == .markdown {
      throw ValidationError("--format \(options.format.rawValue): a watch tells in text or json")
    }
  }

  func run() async throws {
    try await refusing {
      StopSignal.listen()
      let sink = try ResultSink(options.output)
      var watch = Watch(command: self, sink: sink)
      try await watch.run()
      try sink.finish()
    }
  }
}

/// SIGINT or SIGTERM: what is at work is brought to its end. A second one ends the program at once.
enum StopSignal {
  private static let flag = Atomic(false)

  static var isRaised: Bool { flag.load(ordering: .relaxed) }

  static func listen() {
    guard !isRaised else { return }
    for number in [SIGINT, SIGTERM] {
      signal(number) {
        StopSignal.flag.store(true, ordering: .relaxed)
        signal($0, SIG_DFL)
      }
    }
  }
}

/// The rounds of a watch, and what was told in them.
struct Watch {
  let command: WatchCommand
  let sink: ResultSink
  private var options: SharedOptions
  private let interval: Double
  /// Conditions that were told as present, by their keys.
  private var present: [String: AlertCondition] = [:]
  /// What the last round complained of: it is not told again as long as it is so.
  private var complaints: Set<String> = []

  init(command: WatchCommand, sink: ResultSink) {
    self.command = command
    self.sink = sink
    options = command.options
    interval = ConfigurationReader.seconds(command.every) ?? 60
  }

  /// Goes on until ``StopSignal``. Throws ``Refusal`` where the first round cannot be made, or the
  /// output takes no more.
  mutating func run() async throws {
    let changes: FileWatch?
    do throws(FileWatch.Failure) { changes = try FileWatch() } catch {
      complain("\(error.path): \(error); looking every \(command.every) instead")
      changes = nil
    }
    var isFirst = true
    while !StopSignal.isRaised {
      let began = ContinuousClock.now
      do {
        try await round(changes)
      } catch let refusal as Refusal where !isFirst && refusal.status != .inputOutput {
        // It may pass: another run holds the database, somebody writes the configuration.
        if complaints.insert(refusal.description).inserted { complain(refusal.description) }
      }
      isFirst = false
      // What is said of the inputs, and a new database, are for the first round.
      options.result.quiet = true
      options.sources.rebuild = false
      // A round that takes long is not made all the time.
      await pause(changes, atLeast: max(1, (ContinuousClock.now - began) / .seconds(1) * 3))
    }
  }

  /// Waits for a change, or until queues are due.
  private func pause(_ changes: FileWatch?, atLeast shortest: Double) async {
    let began = ContinuousClock.now
    var hasChanged = false
    while !StopSignal.isRaised {
      let waited = (ContinuousClock.now - began) / .seconds(1)
      if waited >= max(interval, shortest) || (hasChanged && waited >= shortest) { return }
      // A second at a time: a signal may reach another thread.
      if let changes, !hasChanged {
        hasChanged = !changes.changes(within: min(1, interval)).isEmpty
      } else {
        try? await Task.sleep(for: .milliseconds(200))
      }
    }
  }

  private mutating func round(_ changes: FileWatch?) async throws {
    let session = try Session(options, saidBefore: complaints)
    try session.ingest(command.paths)
    complaints = session.said
    for path in command.paths + session.reports.filter({ $0.kind == .log }).map(\.path) {
      guard let changes, path != "journal:" else { continue }
      // What cannot be watched is looked at with the queues.
      if BoundedFile.isDirectory(path) {
        try? changes.watch(directory: path)
      } else {
        try? changes.watch(file: path)
      }
    }
    let found = try await session.alertRound(session.alertHook(command.hook))
    try tell(found, at: session.settings.now)
  }

  /// Tells what began, worsened and ended.
  private mutating func tell(_ round: AlertRound, at now: Timestamp) throws {
    let found = Dictionary(
      round.present.map { ($0.key, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    for (key, condition) in found.sorted(by: { $0.key < $1.key }) {
      guard let known = present[key] else {
        try tell("began", condition, .firing, now)
        continue
      }
      if known.severity < condition.severity { try tell("worsened", condition, .firing, now) }
    }
    for (key, condition) in present.sorted(by: { $0.key < $1.key }) where found[key] == nil {
      var state = AlertState.resolved
      if case .over(let ending, _) = round.conditions.first(where: { $0.key == key })?.standing {
        state = ending
      }
      try tell("ended", condition, state, now)
    }
    present = found
    try sink.flush()
  }

  private func tell(
    _ event: String,
    _ condition: AlertCondition,
    _ state: AlertState,
    _ now: Timestamp
  ) throws {
    let redaction = Redaction(isOn: options.redact)
    if options.format == .json {
      let document = JSONValue.object(
        condition.json.merging([
          "schema": .string("mailtriage.watch/1"), "at": JSONValue(now), "event": .string(event),
          "state": .string(state.rawValue),
        ]) { own, _ in own }
      )
      return try sink.write(redaction.apply(document.text()) + "\n")
    }
    // What was said when it began is no longer so.
    let about = [condition.destination, condition.failureClass?.rawValue ?? "", state.rawValue]
    let what =
      state == .firing
      ? "\(condition.severity.name): \(condition.rule.rawValue): \(condition.summary)"
      : ([condition.rule.rawValue] + about.filter { !$0.isEmpty }).joined(separator: ": ")
    let line = OutsideText(redaction.apply(what)).terminal(limit: 1000)
    try sink.write("\(now.rfc3339) \(event) \(line)\n")
  }
}
