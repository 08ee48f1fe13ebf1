import ArgumentParser
import FoundationEssentials
import Glibc
import Intake
import MailModel
import MailServers
import Reporting
import Store
import Triage

/// One run of a command on the store: opened, fed with what is new, asked.
final class Session {
  let options: SharedOptions
  private(set) var settings: Settings
  let store: TriageStore
  private(set) var reports: [InputReport] = []
  private(set) var statuses: [ExitStatus] = []
  /// What is wrong with the input, each as a sentence.
  private(set) var complaints: [String] = []

  /// What was complained of, and is not again.
  private var said: Set<String> = []

  /// Opens the store. Throws ``Refusal``.
  init(_ options: SharedOptions) throws {
    self.options = options
    settings = try Settings(options)
    do {
      if options.rebuild, let kept = try TriageStore.setAside(path: settings.databasePath),
        !options.quiet
      {
        complain("the old database is kept as \(kept)")
      }
      store = try TriageStore(path: settings.databasePath)
    } catch let error as StoreError {
      throw Refusal(error)
    }
  }

  /// Reads what is new in the paths and spools; with none, this machine's own server's.
  func ingest(_ paths: [String]) throws {
    var discovery = Discovery(servers: registeredMailServers)
    var named = paths
    var spools = settings.spools
    if paths.isEmpty, spools.isEmpty {
      named = settings.configuration.inputs
      spools = settings.configuration.spools
      if named.isEmpty, spools.isEmpty {
        let server: (any MailServer)?
        (named, spools, server) = usualPlaces()
        if settings.configurations.isEmpty, let server {
          try settings.readOwnConfigurations(options, of: [server])
        }
      }
      if !options.quiet, !(named + spools).isEmpty {
        complain("reading \((named + spools).joined(separator: ", "))")
      }
    }
    for path in named { discovery.add(path) }
    for path in spools { discovery.addQueue(path) }
    for trouble in discovery.troubles { note(trouble) }
    guard !discovery.inputs.isEmpty else { return }
    var ingestOptions = IngestOptions(
      zone: settings.zoneName,
      year: options.year,
      now: settings.now
    )
    if let bytes = ProcessInfo.processInfo.environment["MAILTRIAGE_COMMIT_BYTES"].flatMap({
      Int64($0)
    }),
      bytes > 0
    {
      ingestOptions.commitBytes = bytes
      ingestOptions.flushBytes = max(1, bytes / 4)
    }
    do {
      let bar = ProgressBar(isWanted: !options.quiet)
      let ingest = try Ingest(
        store: store,
        servers: registeredMailServers,
        options: ingestOptions,
        seed: UInt64.random(in: 0...UInt64.max),
        progress: bar.show
      )
      reports = try ingest.run(discovery.inputs)
      bar.clear()
    } catch let error as StoreError {
      guard case .busy = error, store.isReadable else { throw Refusal(error) }
      // Another run is at work: what is stored is answered, and the status says so.
      complain(error.description + "; answering from what it holds")
      statuses.append(.temporary)
    }
    for report in reports { note(report) }
  }

  /// Faults of one input that are told each; a damaged queue may have as many as it has files.
  private static let mostTold = 20

  private func note(_ report: InputReport) {
    var told = 0
    for trouble in report.troubles {
      if !trouble.kind.isHarmless { told += 1 }
      note(trouble, isTold: told <= Session.mostTold)
    }
    if told > Session.mostTold {
      complain("\(report.path): \(told - Session.mostTold) more faults like these")
    }
  }

  /// Shows samples of the lines of mail servers that were not understood, on standard error.
  func showLinesNotUnderstood(_ redaction: Redaction) throws {
    try answering {
      for line in try store.linesNotUnderstood(limit: Session.mostTold) {
        let text = redaction.apply(line.text)
        complain("\(line.path): offset \(line.offset): not understood: \(text)")
      }
    }
  }

  /// Whether this run has read a line of mail or a queue.
  var hasUnderstoodInput: Bool {
    reports.contains { $0.recognized > 0 || $0.kind == .queue || $0.kind == .queueListing }
  }

  private func usualPlaces() -> (logs: [String], spools: [String], server: (any MailServer)?) {
    for server in registeredMailServers {
      let places = server.usualPlaces
      let logs = places.logs.filter { access($0, F_OK) == 0 }
      let queues = places.queues.filter { access($0, F_OK) == 0 }
      if !queues.isEmpty { return (logs, queues, server) }
    }
    let logs = registeredMailServers.flatMap(\.usualPlaces.logs).filter { access($0, F_OK) == 0 }
    return (logs, [], nil)
  }

  private func note(_ trouble: InputTrouble, isTold: Bool = true) {
    switch trouble.kind {
    case .note:
      if options.verbose { complain(trouble.trouble.description) }
      return
    case .warning:
      if options.quiet { return }
    case .missing: statuses.append(.noInput)
    case .permission: statuses.append(.noPermission)
    case .inputOutput: statuses.append(.inputOutput)
    case .content: statuses.append(.inputNotValid)
    }
    let sentence = trouble.trouble.description
    if !trouble.kind.isHarmless { complaints.append(sentence) }
    if said.insert(sentence).inserted, isTold { complain(sentence) }
  }

  /// The analysis of what the store holds.
  func analysis() throws -> Analysis {
    try answering { try builder().build(store) }
  }

  func builder() throws -> AnalysisBuilder {
    var builder = AnalysisBuilder(
      servers: registeredMailServers,
      configurations: settings.configurations,
      window: settings.window,
      now: settings.now,
      generatedAt: settings.clock
    )
    builder.serversInUse = Set(
      try store.sources().flatMap {
        ($0.format ?? "").split(separator: "+").map { MailServerID(String($0)) }
      }
    )
    return builder
  }

  /// Runs a question; what the store says goes out as a ``Refusal``.
  func answering<Value>(_ question: () throws -> Value) throws -> Value {
    do { return try question() } catch let error as StoreError { throw Refusal(error) }
  }

  /// Ends the command with the status that the run earned.
  func finish() throws {
    let status = ExitStatus.gravest(statuses)
    if status != .done { throw status.code }
  }
}

/// Runs a command's body; a ``Refusal`` becomes its sentence and status.
func refusing(_ body: () throws -> Void) throws {
  signal(SIGPIPE, SIG_DFL)
  do { try body() } catch let refusal as Refusal {
    complain(refusal.description)
    throw refusal.status.code
  }
}

/// The same for a body that waits for something.
func refusing(_ body: () async throws -> Void) async throws {
  // A hook may end without reading; results of this command are short.
  signal(SIGPIPE, SIG_IGN)
  do { try await body() } catch let refusal as Refusal {
    complain(refusal.description)
    throw refusal.status.code
  }
}
