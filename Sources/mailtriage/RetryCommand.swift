import ArgumentParser
import Diagnosis
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
    discussion: """
      A trial stops after RCPT TO and carries nobody's mail; --replay alone sends a queued message, \
      and asks first. Several destinations give several results, as JSON one object a line.

      Examples:
        mailtriage retry example.com --test-path mx
        mailtriage retry --incidents --mta-config /etc/postfix/main.cf
        mailtriage retry --queue-id 4Zx1Bk2mTz9vN --replay
      """
  )

  @Argument(help: "The destination domain.")
  var destination: String?

  @OptionGroup(title: "Trial") var trial: TrialOptions
  @OptionGroup var shared: SharedOptions

  @Option(name: .customLong("repeat"), help: "Pairs to run at least.")
  var repeats = 1

  @Option(
    name: .customLong("queue-id"),
    help: ArgumentHelp("The destinations of this queued message.", valueName: "id")
  )
  var queueID: String?

  @Flag(help: "The destinations of all active TLS incidents, one of each next hop.")
  var incidents = false

  @Flag(help: "Vouch that the test path is the destination itself, not a relay.")
  var pathIsDestination = false

  @Option(
    help: ArgumentHelp(
      "Sends a short message over the test path to a mailbox of yours there, to see whether it arrives.",
      valueName: "address"
    )
  )
  var sendProbe: String?

  @Flag(
    help: "Sends the queued message itself with the change that works; the original stays queued."
  )
  var replay = false

  @Flag(help: "Answers yes to what --replay asks.")
  var yes = false

  func validate() throws {
    let targets = [destination != nil, queueID != nil, incidents].count { $0 }
    guard targets == 1 else {
      throw ValidationError("name one of: a destination, --queue-id, --incidents")
    }
    if replay, incidents {
      throw ValidationError("--replay sends one message: never with --incidents")
    }
    if replay, queueID == nil { throw ValidationError("--replay needs --queue-id") }
    if sendProbe != nil, incidents {
      throw ValidationError("--send-probe goes to one destination: never with --incidents")
    }
    guard (1...20).contains(repeats) else {
      throw ValidationError("--repeat \(repeats): not 1 to 20")
    }
    if let sendProbe {
      guard TrialOptions.isSafe(address: sendProbe), sendProbe.contains("@") else {
        throw ValidationError("--send-probe \(sendProbe): not a mail address")
      }
    }
  }

  func run() throws {
    try refusing {
      var settings = try Settings(shared)
      if settings.configurations.isEmpty { try settings.readOwnConfigurations(shared) }
      let targets = try targets(settings)
      if replay, !yes, isatty(0) == 0 {
        throw Refusal(.usage, "--replay asks before it sends; where nobody can answer, give --yes")
      }
      let retry = Retry(command: self, settings: settings, resolver: try trial.dns(settings))
      let sink = try PageSink(shared, title: "Retries")
      var triedPeers: Set<String> = []
      var failures: [Refusal] = []
      for target in targets {
        do {
          let route = try retry.route(to: target.domain)
          // One trial of a next hop is enough for all whose mail it carries.
          if incidents, case .paths(let paths) = route, let path = paths.first,
            !triedPeers.insert("\(path.address):\(path.port)").inserted
          {
            complain("\(target.domain): its next hop \(path.host) was tried already")
            continue
          }
          let document = try retry.run(target, route)
          try write(document, to: sink, settings)
        } catch let refusal as Refusal {
          guard targets.count > 1 else { throw refusal }
          complain("\(target.domain): \(refusal.description)")
          failures.append(refusal)
        }
      }
      try sink.finish()
      if let status = failures.first?.status { throw status.code }
    }
  }

  private func write(
    _ document: RetryDocument,
    to sink: PageSink,
    _ settings: Settings
  ) throws {
    guard shared.format != .json else { return try sink.write(json: document.json.text()) }
    let isLacking = document.path == nil && !document.isUntried
    let recipe =
      isLacking
      ? TestPathRecipe(
        domain: document.destination,
        servers: Set(settings.configurations.map(\.server))
      ) : nil
    try sink.write(document.page(recipe: recipe))
  }

  private func targets(_ settings: Settings) throws -> [RetryTarget] {
    if let destination {
      guard let domain = HostName(anyScript: destination) else {
        throw Refusal(.usage, "\(destination): not a domain name")
      }
      return [RetryTarget(domain: domain)]
    }
    if let queueID { return try RetryTarget.waiting(queueID, settings) }
    return try incidentTargets()
  }

  private func incidentTargets() throws -> [RetryTarget] {
    let session = try Session(shared)
    let analysis = try session.analysis()
    let domains = analysis.incidents.filter {
      $0.state == .active && $0.tlsIsCause != .no && $0.failureClass.isTLS
    }.flatMap(\.domains)
    let targets = domains.compactMap { HostName($0) }.map { RetryTarget(domain: $0) }
    guard !targets.isEmpty else {
      throw Refusal(
        .noInput,
        "no active TLS incident in \(session.settings.databasePath): nothing to try"
      )
    }
    return Array(targets.prefix(100))
  }
}
