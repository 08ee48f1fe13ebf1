import Experiment
import Glibc
import MailModel
import Store
import Triage

/// Runs the experiment for one destination after the other, under the guards.
struct Retry {
  let command: RetryCommand
  let settings: Settings
  let resolver: Resolver

  private func declared(_ domain: HostName) -> String? {
    command.trial.testPath ?? settings.configuration.testPaths[domain.description]
  }

  func path(to domain: HostName) throws -> TrialPath {
    try command.trial.path(domain, declared: declared(domain), resolver: resolver)
  }

  /// Throws ``Refusal``.
  func run(_ target: RetryTarget, _ path: TrialPath) throws -> RetryDocument {
    let isDeclared = declared(target.domain) != nil
    let (base, policy) = command.trial.settings(target.domain, path, settings, resolver)
    guard let turn = gate.enter(peer: path.address, wait: 60) else {
      throw Refusal(
        .temporary,
        "\(path.host)[\(path.address)]: another run makes trials there, or \(gate.directory) cannot "
          + "be used for the lock"
      )
    }
    if !command.shared.quiet { complain("trying \(path.host)[\(path.address)]:\(path.port)") }
    func attempt(_ trial: TrialSettings) -> Trial {
      turn.next()
      return ReplyReading.refined(TrialRun.run(trial))
    }
    var notes: [String] = []
    var isDestination = path.isExchanger || command.pathIsDestination
    if let address = command.sendProbe, !isDestination {
      let probe = ArrivalProbe(address: address, heloName: base.heloName, settings: settings)
      let (isSeen, note) = probe.run(base, isDeclared: isDeclared, attempt: attempt)
      isDestination = isSeen
      notes.append(note)
    }
    let experiment = RetryExperiment(
      base: base,
      // Where TLS comes first, there is nothing to speak in clear.
      mayTryInClear: isDeclared && !base.isImplicit,
      isDestination: isDestination,
      repeats: command.repeats
    )
    var random = SystemRandomNumberGenerator()
    var result = experiment.run(attempt: attempt, pause: {}, random: &random)
    result.explanation = ([result.explanation] + notes).joined(separator: " ")
    if let message = target.message, command.replay {
      let replay = Replay(
        domain: target.domain,
        message: message,
        policy: policy,
        isAnswered: command.yes
      )
      replay.run(
        &result,
        base,
        policies: { policies(of: target.domain) },
        attempt: attempt,
        now: settings.clock
      )
    }
    let document = RetryDocument(
      destination: target.domain,
      path: isDeclared ? path : nil,
      startedAt: settings.clock,
      policy: policy,
      result: result
    )
    keep(document)
    return document
  }

  /// What the destination demands, asked for now; nil where that cannot be told for certain.
  private func policies(of domain: HostName) -> DestinationPolicies? {
    let sts = STSFetch(
      resolver: resolver,
      timeout: command.trial.timeout,
      caFile: command.trial.caFile,
      mayAskPrivate: command.trial.resolver != nil
    ).find(domain)
    guard let mode = sts.mode else { return nil }
    let exchangers = resolver.mailExchangers(domain)
    if case .failed = exchangers { return nil }
    var names = exchangers.values.map(\.name).filter { !$0.isEmpty }
    if names.isEmpty { names = [domain.description] }
    var hasDANE = false
    for host in names.prefix(10).compactMap({ HostName($0) }) {
      switch resolver.tlsa(host, port: 25) {
      case .failed: return nil
      case .found(_, isSecure: true): hasDANE = true
      default: break
      }
    }
    return DestinationPolicies(
      hasDANE: hasDANE,
      hasEnforcedSTS: mode == .enforce,
      probedAt: settings.clock
    )
  }

  /// The locks lie beside the database, so that all who share it share them; else in a place of this
  /// user's own.
  private var gate: TrialGate {
    let path = settings.databasePath
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    guard path != ":memory:", access(directory, W_OK) == 0 else {
      return TrialGate(directory: "/tmp/mailtriage-trials-\(geteuid())")
    }
    return TrialGate(directory: directory + "/mailtriage-trials")
  }

  /// Keeps the result: incidents and remedies follow it.
  private func keep(_ document: RetryDocument) {
    guard settings.databasePath != ":memory:" else { return }
    do {
      try TriageStore(path: settings.databasePath).record(
        RecordedRetry(
          destination: document.destination.description,
          at: settings.clock,
          path: document.path.map { "\($0.host):\($0.port)" },
          verdict: document.result.verdict.rawValue,
          weakestChange: document.result.weakestChange,
          body: document.json.text()
        )
      )
    } catch {
      complain("the result is not kept: \(error)")
    }
  }
}
