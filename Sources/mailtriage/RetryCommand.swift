import ArgumentParser
import Experiment
import FoundationEssentials
import Glibc
import MailModel
import MailServers
import Store
import Triage

/// `mailtriage retry`: the paired experiment and the ladder.
struct RetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Proves whether TLS is the cause: with TLS and without, then the ladder.",
    discussion: "A trial stops after RCPT TO and carries nobody's mail."
  )

  @Argument(help: "The destination domain.")
  var destination: String

  @OptionGroup var trial: TrialOptions
  @OptionGroup var shared: SharedOptions

  @Option(name: .customLong("repeat"), help: "Pairs to run at least.")
  var repeats = 1

  @Flag(help: "Vouch that the test path is the destination itself, not a relay.")
  var pathIsDestination = false

  func run() throws {
    try refusing {
      guard let domain = HostName(destination) else {
        throw Refusal(.usage, "\(destination): not a domain name")
      }
      guard (1...20).contains(repeats) else { throw Refusal(.usage, "--repeat: 1 to 20") }
      let settings = try Settings(shared)
      let resolver = try trial.dns(settings)
      let declared = trial.testPath ?? settings.configuration.testPaths[domain.description]
      let path = try trial.path(domain, declared: declared, resolver: resolver)
      let base = trial.settings(domain, path, settings, resolver)
      let isExchanger = path.isExchanger || pathIsDestination
      if !shared.quiet { complain("trying \(path.host)[\(path.address)]:\(path.port)") }
      let experiment = RetryExperiment(
        base: base,
        mayTryInClear: declared != nil,
        isDestination: isExchanger,
        repeats: repeats
      )
      var random = SystemRandomNumberGenerator()
      let result = experiment.run(
        attempt: TrialRun.run,
        pause: { usleep(500_000) },
        random: &random
      )
      let document = RetryDocument(
        destination: domain,
        path: declared == nil ? nil : path,
        startedAt: settings.clock,
        result: result
      )
      keep(document, settings)
      let sink = try ResultSink(shared.output)
      switch shared.format {
      case .json: try sink.write(document.json.text() + "\n")
      case .markdown: try sink.write(document.markdown)
      case .text, .html:
        try sink.write(document.text)
        if declared == nil {
          try sink.write(recipe(domain, settings))
        }
      }
      try sink.finish()
    }
  }

  /// Keeps the result: incidents and remedies follow it.
  private func keep(_ document: RetryDocument, _ settings: Settings) {
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

  /// How to make a test path, for the server whose configuration was read, else for all known.
  private func recipe(_ domain: HostName, _ settings: Settings) -> String {
    let used = Set(settings.configurations.map { $0.server })
    let servers = registeredMailServers.filter { used.isEmpty || used.contains($0.id) }
    return "\nNo test path is declared, so nothing was tried in clear. "
      + "Declare one with --test-path HOST:PORT, or in test_paths; or make one:\n"
      + servers.map { "\n\($0.name):\n\($0.testPathRecipe(domain: domain))\n" }.joined()
  }
}

/// A retry as the three formats show it.
struct RetryDocument {
  var destination: HostName
  var path: TrialPath?
  var startedAt: Timestamp
  var result: RetryResult

  var json: JSONValue {
    .object([
      "schema": .string("mailtriage.retry/1"),
      "destination": .string(destination.description),
      "test_path": JSONValue(path.map { "\($0.host):\($0.port)" }),
      "source": JSONValue(result.trials.compactMap(\.source).first),
      "started_at": JSONValue(startedAt),
      "trials": .array(result.trials.map(\.json)),
      "verdict": .string(result.verdict.rawValue),
      "weakest_change": JSONValue(result.weakestChange?.rawValue),
      "explanation": .string(result.explanation),
    ])
  }

  var text: String {
    var out = "\(destination): \(result.verdict.rawValue)\n"
    out += "  \(OutsideText(result.explanation).terminal(limit: 2000))\n"
    if let rung = result.weakestChange { out += "  least change that works: \(rung.rawValue)\n" }
    let source = result.trials.compactMap(\.source).first ?? "unknown"
    out += "  trials, from \(source):\n"
    for trial in result.trials {
      let last = trial.stages.last.map { OutsideText($0.detail).terminal(limit: 200) } ?? ""
      let end =
        trial.failedStage.map { "failed at \($0.rawValue): \(trial.failureClass?.rawValue ?? "")" }
        ?? "ok"
      out += "    \(trial.rung.rawValue) to \(trial.peer): \(end)\n      \(last)\n"
      for note in trial.notes { out += "      \(OutsideText(note).terminal(limit: 200))\n" }
    }
    return out
  }

  var markdown: String {
    var out = "## Retry of \(OutsideText(destination.description).markdown())\n\n"
    out += "**\(result.verdict.rawValue)**"
    if let rung = result.weakestChange { out += ", least change that works: \(rung.rawValue)" }
    out += "\n\n\(OutsideText(result.explanation).markdown(limit: 2000))\n\n"
    out += "| trial | peer | stage | class |\n| --- | --- | --- | --- |\n"
    for trial in result.trials {
      out += "| \(trial.rung.rawValue) | \(OutsideText(trial.peer).markdown()) "
      out += "| \(trial.failedStage?.rawValue ?? "ok") | \(trial.failureClass?.rawValue ?? "") |\n"
    }
    return out
  }
}

extension Trial {
  var json: JSONValue {
    .object([
      "rung": .string(rung.rawValue),
      "tls": .bool(usedTLS),
      "peer": .string(peer),
      "stages": .array(stages.map(\.json)),
      "ok": .bool(isOK),
      "failed_stage": JSONValue(failedStage?.rawValue),
      "class": JSONValue(failureClass?.rawValue),
      "notes": JSONValue(notes),
      "tls_facts": facts?.json ?? .null,
    ])
  }
}

extension TLSFacts {
  var json: JSONValue {
    .object([
      "protocol": .string(version),
      "cipher": .string(cipher),
      "group": JSONValue(group),
      "verify_code": .int(verifyCode),
      "verify_text": .string(verifyText),
      "client_certificate_requested": .bool(isClientCertificateRequested),
      "alerts": JSONValue(alerts),
      "chain": .array(chain.map(\.json)),
    ])
  }
}

extension CertificateFacts {
  var json: JSONValue {
    .object([
      "subject": .string(OutsideText(subject).terminal()),
      "issuer": .string(OutsideText(issuer).terminal()),
      "names": JSONValue(names.map { OutsideText($0).terminal() }),
      "not_before": JSONValue(notBefore.map { Timestamp(seconds: $0) }),
      "not_after": JSONValue(notAfter.map { Timestamp(seconds: $0) }),
      "key_type": .string(keyType),
      "key_bits": .int(keyBits),
      "signature": .string(signature),
      "sha256": .string(fingerprint),
      "public_key_sha256": .string(publicKeyFingerprint),
    ])
  }
}

extension StageRecord {
  var json: JSONValue {
    .object([
      "stage": .string(stage.rawValue),
      "ok": .bool(isOK),
      "detail": .string(OutsideText(detail).terminal()),
      "seconds": .number((seconds * 1000).rounded() / 1000),
    ])
  }
}
