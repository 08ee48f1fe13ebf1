package import MailModel

/// What a look at one mail host found. Nothing is sent beyond EHLO and QUIT.
package struct HostProbe: Hashable, Sendable {
  package var host: String
  package var address: String
  package var port: UInt16
  /// The MX preference; nil where the host was named itself.
  package var preference: Int?
  /// The session: verification is told by ``Trial/facts``, and stops nothing.
  package var session: Trial
  /// Whether the certificate carries the host's name.
  package var isNameMatched: Bool
  /// TLS versions that a handshake of their own was made with; empty where none was tried.
  package var versions: [String: Bool]
  package var tlsa: DNSAnswer<TLSARecord>
  /// The session under DANE, where records are usable.
  package var daneSession: Trial?

  /// Records in a signed zone that DANE can use (RFC 7672 section 3.1: usages 2 and 3).
  package var hasUsableDANE: Bool { HostProbe.isUsable(tlsa) }

  static func isUsable(_ tlsa: DNSAnswer<TLSARecord>) -> Bool {
    guard case .found(let records, true) = tlsa else { return false }
    return records.contains(where: \.isUsable)
  }
}

/// What a look at a destination found.
package struct DestinationProbe: Hashable, Sendable {
  package var target: String
  /// The MX question; nil where a host was named.
  package var exchangers: DNSAnswer<MailExchanger>?
  package var hosts: [HostProbe]
  package var sts: STSFinding?
  /// The TLS-RPT record (RFC 8460 section 3).
  package var tlsReporting: String?
  /// Why nothing could be probed; nil otherwise.
  package var trouble: String?
  /// Its class; nil where what was asked for makes no sense.
  package var troubleClass: FailureClass?

  package init(
    target: String,
    exchangers: DNSAnswer<MailExchanger>? = nil,
    hosts: [HostProbe],
    trouble: String? = nil
  ) {
    self.target = target
    self.exchangers = exchangers
    self.hosts = hosts
    self.trouble = trouble
  }
}

/// Looks at live servers.
package struct Probe: Sendable {
  package var resolver: Resolver
  package var heloName: String
  /// Seconds for each stage.
  package var timeout: Double
  package var caFile: String?
  package var clientCertificate: String?
  package var clientKey: String?
  package var serverName: String?
  /// Whether the DNS may lead to private addresses: the operator named the resolver.
  package var mayAskPrivate: Bool
  /// Whether each TLS version is tried in a session of its own.
  package var triesVersions: Bool
  package var stsPort: UInt16
  /// Where MX hosts listen.
  package var port: UInt16

  package init(
    resolver: Resolver,
    heloName: String,
    timeout: Double,
    caFile: String? = nil,
    clientCertificate: String? = nil,
    clientKey: String? = nil,
    serverName: String? = nil,
    mayAskPrivate: Bool = false,
    triesVersions: Bool = true,
    stsPort: UInt16 = 443,
    port: UInt16 = 25
  ) {
    self.resolver = resolver
    self.heloName = heloName
    self.timeout = timeout
    self.caFile = caFile
    self.clientCertificate = clientCertificate
    self.clientKey = clientKey
    self.serverName = serverName
    self.mayAskPrivate = mayAskPrivate
    self.triesVersions = triesVersions
    self.stsPort = stsPort
    self.port = port
  }

  /// Hosts of one domain and addresses of one host that are looked at.
  private static let mostHosts = 10
  private static let mostAddresses = 4
  private static let versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

  /// A domain through its MX hosts, or the name itself where it has none. `pause` comes between two
  /// connections to one host.
  package func look(at domain: HostName, pause: () -> Void) -> DestinationProbe {
    let exchangers = resolver.mailExchangers(domain)
    var result = DestinationProbe(target: domain.description, exchangers: exchangers, hosts: [])
    var targets: [(name: String, preference: Int?)] = []
    switch exchangers {
    case .failed(let reason): result.trouble = "the mail hosts are not known: \(reason)"
    case .nothing:
      result.exchangers = nil
      targets = [(domain.description, nil)]
    case .found(let found, _):
      if found.contains(where: { $0.name.isEmpty }) {
        result.trouble = "the domain takes no mail (null MX, RFC 7505)"
      } else {
        targets = found.prefix(Probe.mostHosts).map { ($0.name, $0.preference) }
      }
    }
    var reasons: [String] = []
    for target in targets {
      guard let host = HostName(target.name) else { continue }
      // What the DNS of others names is no reason to knock at our own doors.
      let isNamed = mayAskPrivate || target.preference == nil
      let answer = resolver.addressAnswer(host)
      let usable = answer.values.filter { isNamed || !Address.isPrivate($0) }
      if usable.isEmpty { reasons.append(resolver.reason(for: host, answer)) }
      for address in usable.prefix(Probe.mostAddresses) {
        result.hosts.append(
          look(
            at: target.name,
            address,
            port,
            preference: target.preference,
            domain: domain.description,
            pause: pause
          )
        )
      }
    }
    if result.hosts.isEmpty, result.trouble == nil {
      result.trouble = "no mail host with a usable address: " + reasons.joined(separator: "; ")
    }
    if result.trouble != nil { result.troubleClass = .dnsFailure }
    result.sts = STSFetch(
      resolver: resolver,
      timeout: timeout,
      port: stsPort,
      caFile: caFile,
      mayAskPrivate: mayAskPrivate
    ).find(domain)
    result.tlsReporting = resolver.texts("_smtp._tls.\(domain)").values
      .first { $0.hasPrefix("v=TLSRPTv1") }.map { String($0.prefix(500)) }
    return result
  }

  /// One host at one address; `domain` is the one that it takes mail for, where that is known.
  package func look(
    at host: String,
    _ address: String,
    _ port: UInt16,
    preference: Int? = nil,
    domain: String? = nil,
    pause: () -> Void
  ) -> HostProbe {
    var demand = TLSDemand(use: .opportunistic)
    demand.serverName = serverName ?? (HostName(host) == nil ? nil : host)
    demand.caFile = caFile
    demand.clientCertificate = clientCertificate
    demand.clientKey = clientKey
    let session = run(address, port, demand)
    let tlsa =
      HostName(host).map { resolver.tlsaLookup($0, port: port) } ?? .nothing(isSecure: false)
    var probe = HostProbe(
      host: host,
      address: address,
      port: port,
      preference: preference,
      session: session,
      isNameMatched: session.facts.map {
        Probe.matches($0.names, serverName ?? host)
      } ?? false,
      versions: [:],
      tlsa: tlsa.answer
    )
    guard session.usedTLS else { return probe }
    if case .found(let records, true) = tlsa.answer, probe.hasUsableDANE {
      pause()
      var dane = demand
      dane.use = .required
      let names = [tlsa.base ?? host, host] + (domain.map { [$0] } ?? [])
      dane.serverName = names.first
      dane.verification = .dane(records.filter(\.isUsable), names: names)
      probe.daneSession = run(address, port, dane)
    }
    if triesVersions {
      for version in Probe.versions {
        pause()
        var only = demand
        only.use = .required
        only.minimumProtocol = version
        only.maximumProtocol = version
        only.securityLevel = 0
        probe.versions[version] = run(address, port, only).hasFinishedHandshake
      }
    }
    return probe
  }

  private func run(_ address: String, _ port: UInt16, _ demand: TLSDemand) -> Trial {
    var settings = TrialSettings(
      rung: .asConfigured,
      address: address,
      port: port,
      demand: demand,
      heloName: heloName
    )
    settings.timeout = timeout
    settings.isImplicit = port == 465
    if settings.isImplicit { settings.demand.use = .required }
    return TrialRun.run(settings)
  }

  /// RFC 6125 section 6.4.3: a wildcard is a whole first label.
  package static func matches(_ names: [String], _ host: String) -> Bool {
    let host = host.lowercased()
    return names.contains { name in
      let name = name.lowercased()
      guard name.hasPrefix("*."), let dot = host.firstIndex(of: ".") else { return name == host }
      return host[dot...] == name.dropFirst()
    }
  }
}

extension Trial {
  /// Whether a TLS session came about, whatever followed.
  package var hasFinishedHandshake: Bool { stages.contains { $0.stage == .handshake && $0.isOK } }
}
