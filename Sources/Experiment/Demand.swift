package import MailModel

extension TLSDemand {
  /// What a policy asks for at a host. `tlsa` is asked only where the level is one of DANE.
  /// `isSigned`: whether the MX records that led to the host are signed, or nothing led to it.
  ///
  /// `verify` matches the host, `secure` the domain and its subdomains. DANE without records is
  /// opportunistic TLS, with records that cannot be had a failure; records that cannot be used ask
  /// for encryption alone (RFC 7672 section 2.2).
  package init(
    policy: TLSPolicy,
    domain: String,
    host: String,
    isSigned: Bool = true,
    tlsa: () -> TLSALookup
  ) {
    self.init(use: .required)
    serverName = TLSDemand.serverName(policy, domain: domain, host: host)
    caFile = policy.caFile
    caPath = policy.caPath
    authorities = policy.authorities
    clientCertificate = policy.clientCertificate
    clientKey = policy.clientKey
    minimumProtocol = policy.minimumProtocol
    maximumProtocol = policy.maximumProtocol
    ciphers = policy.ciphers
    minimumCipherBits = policy.minimumCipherBits
    switch policy.level {
    case .none: self = TLSDemand(use: .never)
    case .may, .dane, .daneOnly: use = .opportunistic
    case .encrypt: break
    case .verify, .secure:
      verification = .names(
        policy.checksName ? TLSDemand.names(policy, domain: domain, host: host) : []
      )
    case .fingerprint:
      verification = .fingerprints(policy.fingerprints.map(TLSDemand.fingerprint))
    }
    let isOnly = policy.level == .daneOnly
    if policy.level == .dane || isOnly || (policy.triesDANE && use != .never) {
      let isApplicable = isSigned || (policy.usesDANEBehindUnsignedMX && !isOnly)
      let found = isApplicable ? tlsa() : .nothing(isSecure: false)
      goByDANE(found, isOnly: isOnly, names: [found.base ?? host, host, domain])
    }
    if let security = policy.security {
      securityLevel =
        verification == .nothing ? security.opportunistic : security.authenticated
      chainSecurityLevel = security.chain
    }
  }

  private mutating func goByDANE(_ found: TLSALookup, isOnly: Bool, names: [String]) {
    switch found.answer {
    case .failed:
      use = .required
      verification = .impossible(.dnssecInvalid)
    case .found(let records, isSecure: true):
      use = .required
      let usable = records.filter(\.isUsable)
      if !usable.isEmpty {
        serverName = names.first.flatMap { HostName($0)?.description }
        verification = .dane(usable, names: TLSDemand.distinct(names))
      } else if isOnly {
        verification = .impossible(.daneRequired)
      }
    case .found, .nothing:
      guard isOnly else { return }
      use = .required
      verification = .impossible(.daneRequired)
    }
  }

  private static func serverName(_ policy: TLSPolicy, domain: String, host: String) -> String? {
    let name: String? =
      switch policy.serverName {
      case "hostname": host
      case "nexthop": domain
      case .some(let stated): stated
      case nil: policy.sendsServerName ? host : nil
      }
    return name.flatMap { HostName($0)?.description }
  }

  /// The names that count; Postfix's words for them are resolved.
  private static func names(_ policy: TLSPolicy, domain: String, host: String) -> [String] {
    let words =
      policy.matchNames.isEmpty
      ? (policy.level == .secure ? ["nexthop", "dot-nexthop"] : ["hostname"]) : policy.matchNames
    return words.flatMap { word -> [String] in
      switch word {
      case "hostname": [host]
      case "nexthop": [domain]
      case "dot-nexthop": ["." + domain]
      default: [word]
      }
    }
  }

  private static func distinct(_ names: [String]) -> [String] {
    names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  private static func fingerprint(_ text: String) -> String {
    text.lowercased().filter { $0 != ":" }
  }
}
