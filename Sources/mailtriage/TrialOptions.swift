import ArgumentParser
import Experiment
import Glibc
import MailModel

/// Where a trial goes.
struct TrialPath {
  var host: String
  var address: String
  var port: UInt16
  /// Whether it is an MX of the destination.
  var isExchanger: Bool
}

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
      throw ValidationError("--tls-level \(tlsLevel): no such level")
    }
    guard (0.1...600).contains(timeout) else {
      throw ValidationError("--timeout: 0.1 to 600 seconds")
    }
    // A line end in an address would be a command of its own.
    for address in [sender, recipient ?? ""] where !TrialOptions.isSafe(address: address) {
      throw ValidationError("\(address): not a mail address")
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

  /// The peer: the declared path, else the first MX that has an address.
  func path(_ domain: HostName, declared: String?, resolver dns: Resolver) throws -> TrialPath {
    let exchangers = dns.mailExchangers(domain)
    if let declared, declared.lowercased() != "mx" {
      guard let (host, port) = TrialOptions.endpoint(declared, defaultPort: 25) else {
        throw Refusal(.usage, "--test-path \(declared): not HOST:PORT")
      }
      let address =
        Address.isNumeric(host)
        ? host : HostName(anyScript: host).flatMap { dns.addresses($0).first }
      guard let address else { throw Refusal(.unavailable, "\(host): no address found") }
      let named = exchangers.values.first { exchanger in
        exchanger.name == host.lowercased()
          || HostName(exchanger.name).map { dns.addresses($0).contains(address) } ?? false
      }
      // A bare address carries no name to be verified: that of the destination's first host is what
      // the mail server would look for.
      let name = Address.isNumeric(host) ? exchangers.values.first?.name : host.lowercased()
      return TrialPath(
        host: named?.name ?? name.flatMap { $0.isEmpty ? nil : $0 } ?? domain.description,
        address: address,
        port: port,
        isExchanger: named != nil
      )
    }
    var names = exchangers.values.map(\.name)
    if case .failed(let reason) = exchangers { throw Refusal(.unavailable, reason) }
    if names.isEmpty { names = [domain.description] }
    for name in names.prefix(10) {
      guard let host = HostName(name), let address = dns.addresses(host).first else { continue }
      // What the DNS of others names is no reason to knock at our own doors.
      let isNamed = resolver != nil
      if Address.isPrivate(address), !isNamed { continue }
      return TrialPath(host: name, address: address, port: 25, isExchanger: true)
    }
    throw Refusal(.unavailable, "\(domain): no mail host with a usable address")
  }

  /// What a trial does there, and the policy behind it: the mail server's, with the options on top.
  func settings(
    _ domain: HostName,
    _ path: TrialPath,
    _ settings: Settings,
    _ dns: Resolver
  ) -> (TrialSettings, TLSPolicy) {
    let configured = settings.configurations.lazy.compactMap {
      $0.tlsPolicy(domain: domain.description, nextHop: path.host)
    }.first
    var policy = configured ?? TLSPolicy(level: .may, origin: .serverDefault)
    if let level = tlsLevel.flatMap({ TLSLevel(rawValue: $0) }) { policy.level = level }
    if let serverName {
      policy.serverName = serverName
      policy.matchNames = [serverName]
    }
    if let caFile { policy.caFile = caFile }
    if let clientCertificate { policy.clientCertificate = clientCertificate }
    if let clientKey { policy.clientKey = clientKey }
    if !fingerprint.isEmpty { policy.fingerprints = fingerprint }
    var demand = TLSDemand(
      policy: policy,
      domain: domain.description,
      host: path.host,
      tlsa: {
        HostName(path.host).map { dns.tlsa($0, port: path.port) } ?? .nothing(isSecure: false)
      }
    )
    // Postfix runs OpenSSL at security level 0 (tls_client.c); others keep the library's default.
    if settings.configurations.contains(where: { $0.server.description == "postfix" }) {
      demand.securityLevel = 0
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
    if path.port == 465, demand.use != .never {
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
