import ArgumentParser
import Experiment
import Glibc
import MailModel

/// Options of `probe` and `retry` for what the mail server's configuration does not say.
struct TrialOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The peer of both halves of the pair, or mx.", valueName: "host:port"))
  var testPath: String?

  @Option(help: "none, may, encrypt, verify, secure, fingerprint, dane or dane-only.")
  var tlsLevel: String?

  @Option(help: "The name sent in SNI, and that the certificate must carry.")
  var serverName: String?

  @Option(help: "CA certificates to trust.")
  var caFile: String?

  @Option(help: "Our client certificate (PEM).")
  var clientCertificate: String?

  @Option(help: "Its key (PEM).")
  var clientKey: String?

  @Option(help: "SHA-256 of the certificate or public key that is accepted.")
  var fingerprint: [String] = []

  @Option(help: "The envelope sender; empty is the null sender.")
  var sender = ""

  @Option(help: "The recipient; default postmaster at the destination.")
  var recipient: String?

  @Option(help: ArgumentHelp("The DNS resolver.", valueName: "address[:port]"))
  var resolver: String?

  @Option(help: "Seconds for each stage of a session.")
  var timeout = 30.0

  func validate() throws {
    if let tlsLevel, TLSLevel(rawValue: tlsLevel) == nil {
      throw ValidationError(
        "--tls-level \(tlsLevel): none of "
          + TLSLevel.allCases.map(\.rawValue).joined(separator: ", ")
      )
    }
    guard (0.1...600).contains(timeout) else {
      throw ValidationError("--timeout \(timeout): not 0.1 to 600 seconds")
    }
    // A line end in an address would be a command of its own.
    for (option, address) in [("sender", sender), ("recipient", recipient ?? "")]
    where !TrialOptions.isSafe(address: address) {
      throw ValidationError("--\(option) \(address): not a mail address")
    }
  }

  /// Whether a text may stand between the angle brackets of an envelope command; beyond ASCII it
  /// needs SMTPUTF8 (RFC 6531).
  static func isSafe(address: String) -> Bool {
    address.utf8.count <= 320
      && !address.unicodeScalars.contains {
        $0.value <= 32 || (127..<160).contains($0.value) || $0 == "<" || $0 == ">"
          || (0x2028...0x2029).contains($0.value)
      }
  }

  /// The resolver of the option, else of the configuration, else of the system.
  func dns(_ settings: Settings) throws -> Resolver {
    let seconds = Int(min(max(timeout, 1), 5))
    guard let text = resolver ?? settings.configuration.resolver else {
      return Resolver(timeout: seconds)
    }
    guard let (address, port) = TrialOptions.endpoint(text, defaultPort: 53) else {
      throw Refusal(.usage, "--resolver \(text): not ADDRESS[:PORT]")
    }
    return Resolver(address: address, port: port, timeout: seconds)
  }

  /// Host and port of `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`.
  static func endpoint(_ text: String, defaultPort: UInt16) -> (host: String, port: UInt16)? {
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      let host = String(text[text.index(after: text.startIndex)..<end])
      let rest = text[text.index(after: end)...]
      if rest.isEmpty { return (host, defaultPort) }
      guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
      return (host, port)
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch parts.count {
    case 1: return text.isEmpty ? nil : (text, defaultPort)
    case 2:
      guard !parts[0].isEmpty, let port = UInt16(parts[1]), port > 0 else { return nil }
      return (String(parts[0]), port)
    default: return (text, defaultPort)
    }
  }

  /// Where trials of a destination may go: the declared path, else the relay that its mail goes over,
  /// else its MX hosts. Throws ``Refusal`` where the options make no sense.
  func route(
    _ domain: HostName,
    declared: String?,
    relay: String?,
    resolver dns: Resolver
  ) throws -> TrialRoute {
    if declared == nil, let relay, let route = TrialRoute(relay: relay, dns) { return route }
    let exchangers = dns.mailExchangers(domain)
    if let declared, declared.lowercased() != "mx" {
      return .paths([try declaredPath(declared, domain, exchangers, dns)])
    }
    return TrialRoute(domain, exchangers, dns, mayAskPrivate: resolver != nil)
  }

  private func declaredPath(
    _ declared: String,
    _ domain: HostName,
    _ exchangers: DNSAnswer<MailExchanger>,
    _ dns: Resolver
  ) throws -> TrialPath {
    guard let (host, port) = TrialOptions.endpoint(declared, defaultPort: 25) else {
      throw Refusal(.usage, "--test-path \(declared): not HOST:PORT")
    }
    let address =
      Address.isNumeric(host)
      ? host : HostName(anyScript: host).flatMap { dns.addresses($0).first }
    guard let address else {
      throw Refusal(
        .unavailable,
        "--test-path \(declared): no address found for \(host); name ADDRESS:PORT, or a --resolver"
      )
    }
    let ownName = HostName(anyScript: host)?.description
    let named = exchangers.values.first { exchanger in
      exchanger.name == ownName
        || HostName(exchanger.name).map { dns.addresses($0).contains(address) } ?? false
    }
    // Without MX records the domain is its own mail host (RFC 5321 section 5.1).
    var isOwn = false
    if case .nothing = exchangers {
      isOwn = ownName == domain.description || dns.addresses(domain).contains(address)
    }
    // A bare address carries no name to be verified: that of the destination's first host is what
    // the mail server would look for.
    let name = Address.isNumeric(host) ? exchangers.values.first?.name : ownName
    return TrialPath(
      host: named?.name ?? name.flatMap { $0.isEmpty ? nil : $0 } ?? domain.description,
      address: address,
      port: port,
      isExchanger: named != nil || isOwn,
      isSigned: exchangers.isSigned
    )
  }

  /// The mail server's own policy for a destination over a host, with the options on top.
  func policy(_ domain: HostName, _ host: String, _ settings: Settings) -> TLSPolicy {
    let configured = settings.configurations.lazy.compactMap {
      $0.tlsPolicy(domain: domain.description, nextHop: host)
    }.first
    var policy = configured ?? TrialOptions.assumed
    if let level = tlsLevel.flatMap({ TLSLevel(rawValue: $0) }) { policy.level = level }
    if let serverName {
      policy.serverName = serverName
      policy.matchNames = [serverName]
    }
    if let caFile {
      policy.caFile = caFile
      policy.caPath = nil
    }
    if let clientCertificate {
      policy.clientCertificate = clientCertificate
      policy.clientKey = clientCertificate
    }
    if let clientKey { policy.clientKey = clientKey }
    if !fingerprint.isEmpty { policy.fingerprints = fingerprint }
    return policy
  }

  /// Opportunistic TLS where no configuration says more, not older than 1.2 (RFC 8996), at the security
  /// level that OpenSSL itself has by default, and Postfix where it authenticates.
  private static let assumed: TLSPolicy = {
    var policy = TLSPolicy(level: .may, origin: .serverDefault, minimumProtocol: "TLSv1.2")
    policy.security = OpenSSLSecurity(authenticated: 1, opportunistic: 1)
    return policy
  }()

  /// What a trial does there, and the policy behind it.
  func settings(
    _ domain: HostName,
    _ path: TrialPath,
    _ settings: Settings,
    _ dns: Resolver
  ) -> (TrialSettings, TLSPolicy) {
    let policy = policy(domain, path.host, settings)
    // What the server matches names with is its next hop.
    let relay = settings.relay(for: domain)
      .flatMap { TrialOptions.endpoint($0, defaultPort: 25)?.host }
    let demand = TLSDemand(
      policy: policy,
      domain: relay ?? domain.description,
      host: path.host,
      isSigned: path.isSigned
    ) {
      HostName(path.host).map { dns.tlsaLookup($0, port: path.port) } ?? .nothing(isSecure: false)
    }
    var trial = TrialSettings(
      rung: .asConfigured,
      address: path.address,
      port: path.port,
      demand: demand,
      heloName: TrialOptions.ownName
    )
    trial.sender = sender
    trial.recipient = recipient ?? "postmaster@\(domain)"
    trial.timeout = timeout
    if path.port == 465 || policy.isImplicit, demand.use != .never {
      trial.isImplicit = true
      trial.demand.use = .required
    }
    return (trial, policy)
  }

  /// This host's own name, for EHLO.
  static var ownName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, 255)
    let text = String(
      decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
      as: UTF8.self
    )
    return HostName(text)?.description ?? "localhost"
  }
}
