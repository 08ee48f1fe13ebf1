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

  /// Throws ``Refusal``.
  func route(to domain: HostName) throws -> TrialRoute {
    try command.trial.route(
      domain,
      declared: declared(domain),
      relay: settings.relay(for: domain),
      resolver: resolver
    )
  }

  /// Throws ``Refusal``.
  func run(_ target: RetryTarget, _ route: TrialRoute) throws -> RetryDocument {
    let document =
      switch route {
      case .none(let reason): unrouted(target, reason)
      case .paths(let paths): try run(target, paths)
      }
    keep(document)
    return document
  }

  /// No connection can be tried: where the mail is to go is not to be had from the DNS.
  private func unrouted(_ target: RetryTarget, _ reason: String) -> RetryDocument {
    var trial = Trial(rung: .asConfigured, usedTLS: false, peer: "")
    trial.failedStage = .connect
    trial.failureClass = .dnsFailure
    trial.stages = [StageRecord(stage: .connect, isOK: false, detail: reason, seconds: 0)]
    let domain = target.domain
    return RetryDocument(
      destination: domain,
      path: nil,
      isUntried: true,
      startedAt: settings.clock,
      policy: command.trial.policy(domain, domain.description, settings),
      result: RetryResult(
        trials: [trial],
        verdict: .tlsIsNotTheCause,
        weakestChange: nil,
        explanation: "No session comes about: \(reason). TLS has nothing to do with it."
      )
    )
  }

  /// As the mail server does it: host after host, until one takes the mail.
  private func run(_ target: RetryTarget, _ paths: [TrialPath]) throws -> RetryDocument {
    let isDeclared = declared(target.domain) != nil
    var walk = HostWalk()
    for path in paths where walk.goesOn {
      walk.add(try outcome(target, path, isDeclared: isDeclared, isFull: !walk.isDecided))
    }
    guard var chosen = walk.answer else {
      throw Refusal(
        .unavailable,
        "\(target.domain): no mail host with a usable address; name one with --test-path HOST:PORT"
      )
    }
    if let message = target.message, command.replay {
      let replay = Replay(
        domain: target.domain,
        message: message,
        policy: chosen.policy,
        isAnswered: command.yes
      )
      let turn = try turn(chosen.path)
      replay.run(
        &chosen.result,
        chosen.base,
        policies: { policies(of: target.domain) },
        attempt: { attempt($0, turn) },
        now: settings.clock
      )
    }
    return RetryDocument(
      destination: target.domain,
      path: isDeclared ? chosen.path : nil,
      startedAt: settings.clock,
      policy: chosen.policy,
      result: chosen.result
    )
  }

  /// The experiment at one peer; a trial as configured alone where it is not to be full.
  private func outcome(
    _ target: RetryTarget,
    _ path: TrialPath,
    isDeclared: Bool,
    isFull: Bool
  ) throws -> HostWalk.Outcome {
    let (base, policy) = command.trial.settings(target.domain, path, settings, resolver)
    try checkFiles(of: policy)
    let turn = try turn(path)
    if !command.shared.quiet { complain("trying \(path.host)[\(path.address)]:\(path.port)") }
    guard isFull else {
      let trial = attempt(base, turn)
      return HostWalk.Outcome(path: path, base: base, policy: policy, trial: trial)
    }
    var notes: [String] = []
    var isDestination = path.isExchanger || command.pathIsDestination
    if let address = command.sendProbe, !isDestination {
      let probe = ArrivalProbe(address: address, heloName: base.heloName, settings: settings)
      let (isSeen, note) = probe.run(base, isDeclared: isDeclared) { attempt($0, turn) }
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
    var result = experiment.run(attempt: { attempt($0, turn) }, pause: {}, random: &random)
    result.explanation = ([result.explanation] + notes).joined(separator: " ")
    return HostWalk.Outcome(path: path, base: base, policy: policy, result: result)
  }

  /// A key that the mail server can read and this user cannot would be taken for the cause. Throws
  /// ``Refusal``.
  private func checkFiles(of policy: TLSPolicy) throws {
    let files = [policy.clientCertificate, policy.clientKey, policy.caFile].compactMap { $0 }
    for file in files where access(file, R_OK) != 0 && errno == EACCES {
      throw Refusal(
        .noPermission,
        "\(file): no permission to read it, so the trial cannot do what the mail server does: run "
          + "this as root, or as the user that the mail server runs as"
      )
    }
  }

  private func attempt(_ trial: TrialSettings, _ turn: TrialTurn) -> Trial {
    turn.next()
    return ReplyReading.refined(TrialRun.run(trial))
  }

  /// The right to try a peer. Throws ``Refusal`` where another run has it.
  private func turn(_ path: TrialPath) throws -> TrialTurn {
    guard let turn = gate.enter(peer: path.address, wait: 60) else {
      throw Refusal(
        .temporary,
        "\(path.host)[\(path.address)]: another run makes trials there, or \(gate.directory) cannot "
          + "be used for the lock"
      )
    }
    return turn
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
      switch resolver.tlsaLookup(host, port: 25).answer {
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
