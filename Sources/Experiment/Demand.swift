package import MailModel

extension TLSDemand {
  /// What a policy asks for at a host. `tlsa` is asked only where the level is one of DANE.
  ///
  /// As Postfix does it: `verify` matches the host, `secure` the domain and its subdomains, DANE
  /// without records falls to opportunistic TLS, with records that cannot be had to a failure.
  package init(
    policy: TLSPolicy,
    domain: String,
    host: String,
    tlsa: () -> DNSAnswer<TLSARecord>
  ) {
    self.init(use: .required)
    serverName = HostName(policy.serverName ?? host)?.description
    caFile = policy.caFile
    caPath = policy.caPath
    clientCertificate = policy.clientCertificate
    clientKey = policy.clientKey
    minimumProtocol = policy.minimumProtocol
    maximumProtocol = policy.maximumProtocol
    ciphers = policy.ciphers
    switch policy.level {
    case .none: self = TLSDemand(use: .never)
    case .may: use = .opportunistic
    case .encrypt: break
    case .verify, .secure:
      verification = .names(
        TLSDemand.names(policy, domain: domain, host: host)
      )
    case .fingerprint:
      verification = .fingerprints(policy.fingerprints.map(TLSDemand.fingerprint))
    case .dane, .daneOnly:
      switch tlsa() {
      case .found(let records, isSecure: true): verification = .dane(records)
      case .failed: verification = .impossible(.dnssecInvalid)
      case .found, .nothing:
        if policy.level == .daneOnly {
          verification = .impossible(.daneRequired)
        } else {
          use = .opportunistic
        }
      }
    }
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

  private static func fingerprint(_ text: String) -> String {
    text.lowercased().filter { $0 != ":" }
  }
}
