import ArgumentParser
import Dispatch
import Experiment
import Glibc
import MailModel
import Store
import Synchronization
import Triage

/// `mailtriage probe HOST…`: looks at live servers; never sends mail.
struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Looks at live servers: STARTTLS, certificates, DANE, MTA-STS. Sends no mail.",
    discussion: """
      Touches the network: DNS, SMTP up to EHLO behind STARTTLS, and the MTA-STS policy. A domain is \
      looked at through its MX hosts; HOST:PORT and addresses are taken as they stand, port 465 with \
      TLS from the first byte.

      Examples:
        mailtriage probe example.com
        mailtriage probe mx1.example.net:25 --resolver 127.0.0.1 --format json
      """
  )

  @Argument(help: "Domains, hosts, HOST:PORT or addresses.")
  var targets: [String]

  @OptionGroup(title: "Trial") var trial: TrialOptions
  @OptionGroup var shared: SharedOptions

  @Option(help: ArgumentHelp("Looks at this many targets at once.", valueName: "count"))
  var parallel = 4

  @Option(help: "Where the MX hosts listen.")
  var port: UInt16 = 25

  @Flag(inversion: .prefixedNo, help: "Try each TLS version in a session of its own.")
  var versions = true

  func run() throws {
    try refusing {
      guard !targets.isEmpty, targets.count <= 1000 else {
        throw Refusal(.usage, "\(targets.count) targets: one run takes 1 to 1000")
      }
      let settings = try Settings(shared)
      let resolver = try trial.dns(settings)
      let probe = Probe(
        resolver: resolver,
        heloName: TrialOptions.ownName,
        timeout: trial.timeout,
        caFile: trial.caFile,
        clientCertificate: trial.clientCertificate,
        clientKey: trial.clientKey,
        serverName: trial.serverName,
        mayAskPrivate: trial.resolver != nil,
        triesVersions: versions,
        port: port
      )
      let found = try look(probe, resolver)
      try keep(found, settings)
      let documents = found.map(ProbeDocument.init)
      let sink = try PageSink(shared, title: "Probe")
      if shared.format == .json {
        let document = JSONValue.object([
          "schema": .string("mailtriage.probe/1"), "started_at": JSONValue(settings.clock),
          "targets": .array(documents.map { $0.json(now: settings.now) }),
        ])
        try sink.write(json: document.text())
      } else {
        for one in documents { try sink.write(one.page(now: settings.now)) }
      }
      try sink.finish()
      if found.allSatisfy({ $0.trouble != nil }) { throw ExitStatus.unavailable.code }
    }
  }

  /// All targets, some at once, in the order in which they were named.
  private func look(_ probe: Probe, _ resolver: Resolver) throws -> [DestinationProbe] {
    for target in targets where TrialOptions.endpoint(target, defaultPort: 25) == nil {
      throw Refusal(.usage, "\(target): neither a domain, a host, HOST:PORT nor an address")
    }
    let targets = targets
    let results = Mutex<[Int: DestinationProbe]>([:])
    let slots = DispatchSemaphore(value: min(max(parallel, 1), 32))
    let queue = DispatchQueue(label: "probe", attributes: .concurrent)
    let group = DispatchGroup()
    for (index, target) in targets.enumerated() {
      slots.wait()
      queue.async(group: group) {
        defer { slots.signal() }
        let found = ProbeCommand.look(at: target, probe, resolver)
        results.withLock { $0[index] = found }
      }
    }
    group.wait()
    return results.withLock { found in targets.indices.compactMap { found[$0] } }
  }

  private static func look(
    at target: String,
    _ probe: Probe,
    _ resolver: Resolver
  ) -> DestinationProbe {
    func pause() { usleep(200_000) }
    guard let (host, port) = TrialOptions.endpoint(target, defaultPort: 25) else {
      return DestinationProbe(target: target, hosts: [], trouble: "not a name")
    }
    // With a port, or as an address, it is that very host.
    let isHost = host != target || Address.isNumeric(host)
    if Address.isNumeric(host) {
      return DestinationProbe(
        target: target,
        hosts: [probe.look(at: host, host, port, pause: pause)]
      )
    }
    guard let name = HostName(anyScript: host) else {
      return DestinationProbe(target: target, hosts: [], trouble: "not a name")
    }
    guard isHost else { return probe.look(at: name, pause: pause) }
    let answer = resolver.addressAnswer(name)
    guard let address = answer.values.first else {
      var none = DestinationProbe(
        target: target,
        hosts: [],
        trouble: resolver.reason(for: name, answer)
      )
      none.troubleClass = .dnsFailure
      return none
    }
    return DestinationProbe(
      target: target,
      hosts: [probe.look(at: name.description, address, port, pause: pause)]
    )
  }

  /// Keeps what was found of domains: remedies ask for it.
  private func keep(_ found: [DestinationProbe], _ settings: Settings) throws {
    let domains = found.filter { HostName($0.target) != nil && $0.trouble == nil }
    guard !domains.isEmpty, settings.databasePath != ":memory:" else { return }
    do {
      let store = try TriageStore(path: settings.databasePath)
      for one in domains { try store.record(RecordedProbe(one, at: settings.clock)) }
    } catch {
      complain("what was found is not kept: \(error)")
    }
  }
}

extension RecordedProbe {
  /// What guards and remedies need of a probe.
  init(_ probe: DestinationProbe, at moment: Timestamp) {
    let leaf = probe.hosts.compactMap { $0.session.facts?.chain.first }.first
    let isUnknown = probe.hosts.contains {
      if case .failed = $0.tlsa { return true }
      return false
    }
    self.init(
      destination: probe.target.lowercased(),
      at: moment,
      dane: probe.hosts.contains(where: \.hasUsableDANE)
        ? .published : isUnknown ? .unknown : .none,
      mtaSTS: probe.sts?.mode.flatMap { MTASTS(rawValue: $0.rawValue) } ?? .unknown,
      certificateNames: leaf?.names ?? [],
      certificateFingerprint: leaf?.fingerprint,
      publicKeyFingerprint: leaf?.publicKeyFingerprint,
      body: ProbeDocument(probe).json(now: moment).text()
    )
  }
}
