import MailModel

/// What Postfix's smtp(8) demands of TLS towards a destination. Source: postconf(5) smtp_tls_…, Postfix
/// src/smtp/smtp_tls_policy.c and src/tls/tls_client.c.
extension PostfixConfiguration {
  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    asSeen(by: route(to: domain).service)?.ownPolicy(domain: domain, nextHop: nextHop)
  }

  private func ownPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    for key in policyKeys(domain: domain, nextHop: nextHop) {
      if let policy = policies[key] {
        return self.policy(policy.entry, source: policy.source)
      }
    }
    guard !hasUnreadMap else { return nil }
    return general
  }

  /// The keys of the policy maps that may hold this destination, in the order in which they count.
  private func policyKeys(domain: String, nextHop: String?) -> [String] {
    let route = route(to: domain)
    guard !route.isRelayed else { return PostfixConfiguration.withParents(route.nextHop) }
    var keys = PostfixConfiguration.withParents(domain.lowercased())
    keys.insert("[\(domain.lowercased())]", at: 1)
    if let hop = nextHop?.lowercased() { keys += ["[\(hop)]", hop] }
    return keys
  }

  /// `.example.com` matches what lies below it; a next hop in brackets or with a port stands for
  /// itself.
  private static func withParents(_ key: String) -> [String] {
    var keys = [key]
    guard !key.contains("["), !key.contains(":") else { return keys }
    var parent = key[...]
    while let dot = parent.firstIndex(of: ".") {
      keys.append(String(parent[dot...]))
      parent = parent[parent.index(after: dot)...]
    }
    return keys
  }

  /// The entry of the policy maps in force for a next hop.
  func policyEntry(nextHop: String) -> String? {
    PostfixConfiguration.withParents(nextHop).lazy.compactMap { policies[$0]?.entry }.first
  }

  /// The level for all: `smtp_tls_security_level`, or the older switches.
  private var general: TLSPolicy? {
    // master.cf alone does not tell what main.cf demands.
    guard hasMain || serviceOverrides.contains("smtp_tls_security_level") else { return nil }
    var level = TLSLevel.none
    var origin = TLSPolicy.Origin.serverDefault
    if let stated = parameters.value("smtp_tls_security_level"), !stated.isEmpty {
      level = PostfixConfiguration.level(stated) ?? .may
      origin = .everyone
    } else if parameters.value("smtp_enforce_tls") == "yes" {
      level = parameters.value("smtp_tls_enforce_peername") == "no" ? .encrypt : .verify
      origin = .everyone
    } else if parameters.value("smtp_use_tls") == "yes" {
      level = .may
      origin = .everyone
    }
    return policy(level, origin: origin, source: paths.first, attributes: [])
  }

  /// `half-dane` is what Postfix calls DANE behind unsigned MX records; it is no level of its own.
  static func level(_ word: some StringProtocol) -> TLSLevel? {
    word == "half-dane" ? .dane : TLSLevel(rawValue: String(word))
  }

  /// An entry of the policy maps: a level and its attributes.
  private func policy(_ entry: String, source: String) -> TLSPolicy? {
    let words = entry.split { $0 == " " || $0 == "\t" || $0 == "," }
    guard let word = words.first, let level = PostfixConfiguration.level(word) else { return nil }
    let attributes = words.dropFirst().compactMap { word -> (name: String, value: String)? in
      guard let equals = word.firstIndex(of: "=") else { return nil }
      return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }
    return policy(level, origin: .destination, source: source, attributes: attributes)
  }

  private func policy(
    _ level: TLSLevel,
    origin: TLSPolicy.Origin,
    source: String?,
    attributes: [(name: String, value: String)]
  ) -> TLSPolicy {
    func values(_ name: String) -> [String] {
      attributes.filter { $0.name == name }.map(\.value)
    }
    let isMandatory = level != .may && level != .none
    let range =
      values("protocols").last
      ?? parameters.value(isMandatory ? "smtp_tls_mandatory_protocols" : "smtp_tls_protocols")
      ?? ">=TLSv1"
    var policy = TLSPolicy(level: level, origin: origin, source: source)
    (policy.minimumProtocol, policy.maximumProtocol) = PostfixConfiguration.protocols(range)
    policy.ciphers = ciphers(
      level,
      grade: values("ciphers").last,
      exclusions: values("exclude").last
    )
    policy.matchNames = matchNames(level, values("match"))
    if level == .fingerprint {
      let stated = values("match").flatMap { $0.split(separator: "|").map(String.init) }
      policy.fingerprints =
        stated.isEmpty ? words("smtp_tls_fingerprint_cert_match", or: "|") : stated
    }
    setAuthorities(&policy, anchor: values("tafile").last ?? path("smtp_tls_trust_anchor_file"))
    setClientCertificate(&policy)
    policy.serverName = values("servername").last ?? path("smtp_tls_servername")
    policy.sendsServerName = false
    policy.isImplicit = parameters.value("smtp_tls_wrappermode") == "yes"
    // tls_client.c: level 1 where the peer is authenticated, else 0.
    policy.security = OpenSSLSecurity(authenticated: 1, opportunistic: 0)
    policy.usesDANEBehindUnsignedMX =
      (parameters.value("smtp_tls_dane_insecure_mx_policy")
        ?? (parameters.value("smtp_tls_security_level") == "dane" ? "dane" : "may")) == "dane"
    return policy
  }

  /// A parameter's value; nil where it is empty.
  private func path(_ name: String) -> String? {
    parameters.value(name).flatMap { $0.isEmpty || $0 == "none" ? nil : $0 }
  }

  private func words(_ name: String, or separator: Character) -> [String] {
    (parameters.value(name) ?? "").split {
      $0 == " " || $0 == "," || $0 == "\t" || $0 == separator
    }.map(String.init)
  }

  private func matchNames(_ level: TLSLevel, _ stated: [String]) -> [String] {
    let names = stated.flatMap { $0.split(separator: ":").map(String.init) }
    guard names.isEmpty else { return level == .fingerprint ? [] : names }
    return switch level {
    case .verify: words("smtp_tls_verify_cert_match", or: ":")
    case .secure: words("smtp_tls_secure_cert_match", or: ":")
    default: []
    }
  }

  /// Without a setting, no authority is trusted: the system's only where tls_append_default_CA asks for
  /// them. A trust anchor of the policy stands instead of them all.
  private func setAuthorities(_ policy: inout TLSPolicy, anchor: String?) {
    policy.authorities = .never
    if let anchor {
      policy.caFile = anchor
      return
    }
    policy.caFile = path("smtp_tls_CAfile")
    policy.caPath = path("smtp_tls_CApath")
    if parameters.value("tls_append_default_CA") == "yes" { policy.authorities = .always }
  }

  private func setClientCertificate(_ policy: inout TLSPolicy) {
    if let chain = words("smtp_tls_chain_files", or: ",").first {
      policy.clientCertificate = chain
      policy.clientKey = chain
      return
    }
    for kind in ["", "ec", "d"] {
      guard let certificate = path("smtp_tls_\(kind)cert_file") else { continue }
      policy.clientCertificate = certificate
      policy.clientKey = path("smtp_tls_\(kind)key_file") ?? certificate
      return
    }
  }

  /// The OpenSSL list that a grade names, without what is excluded; nil for a grade that is none.
  /// Source: smtp_tls_policy.c set_cipher_grade(), tls_misc.c tls_set_ciphers().
  private func ciphers(_ level: TLSLevel, grade: String?, exclusions: String?) -> String? {
    guard level != .none else { return nil }
    let isMandatory = level != .may
    let word =
      grade ?? parameters.value(isMandatory ? "smtp_tls_mandatory_ciphers" : "smtp_tls_ciphers")
      ?? "medium"
    guard let list = PostfixConfiguration.cipherLists[word.lowercased()] else { return nil }
    var excluded = exclusions.map(PostfixConfiguration.cipherNames) ?? []
    if exclusions == nil {
      excluded += PostfixConfiguration.cipherNames(
        parameters.value("smtp_tls_exclude_ciphers") ?? ""
      )
      if isMandatory {
        excluded += PostfixConfiguration.cipherNames(
          parameters.value("smtp_tls_mandatory_exclude_ciphers") ?? ""
        )
      }
    }
    if isMandatory { excluded.append(level == .encrypt ? "eNULL" : "aNULL") }
    let stated = parameters.value("tls_\(word.lowercased())_cipherlist") ?? list
    return ([stated] + excluded.map { "!" + $0 }).joined(separator: ":")
  }

  private static func cipherNames(_ text: String) -> [String] {
    text.split { $0 == "," || $0 == ":" || $0 == " " || $0 == "\t" }.map(String.init)
  }

  /// As Postfix 3.7 has them built in; low and export have lost their meaning since.
  private static let cipherLists = [
    "high": "aNULL:-aNULL:HIGH:@STRENGTH",
    "medium": "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH",
    "low": "aNULL:-aNULL:HIGH:MEDIUM:LOW:+RC4:@STRENGTH",
    "export": "aNULL:-aNULL:HIGH:MEDIUM:LOW:EXPORT:+RC4:@STRENGTH",
    "null": "eNULL:!aNULL",
  ]

  /// `>=TLSv1.2`, `<=TLSv1.2`, the older `!SSLv2:!SSLv3`, or the versions that are allowed. Versions
  /// left out between two that are not are taken as allowed.
  private static func protocols(_ text: String) -> (minimum: String?, maximum: String?) {
    let order = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
    func name(_ word: Substring) -> String? {
      order.first { $0.lowercased() == word.lowercased() }
        ?? ["0301": "TLSv1", "0302": "TLSv1.1", "0303": "TLSv1.2", "0304": "TLSv1.3"][String(word)]
    }
    var minimum: String?
    var maximum: String?
    var excluded: Set<String> = []
    var allowed: Set<String> = []
    for word in text.split(whereSeparator: { $0 == "," || $0 == ":" || $0 == " " || $0 == "\t" }) {
      if word.hasPrefix(">=") {
        minimum = name(word.dropFirst(2)) ?? minimum
      } else if word.hasPrefix("<=") {
        maximum = name(word.dropFirst(2)) ?? maximum
      } else if word.hasPrefix("!") {
        if let version = name(word.dropFirst()) { excluded.insert(version) }
      } else if let version = name(word) {
        allowed.insert(version)
      }
    }
    guard !excluded.isEmpty || !allowed.isEmpty else { return (minimum, maximum) }
    let left = order.filter { (allowed.isEmpty || allowed.contains($0)) && !excluded.contains($0) }
    minimum = minimum ?? left.first
    maximum = maximum ?? (left.last == order.last ? nil : left.last)
    return (minimum, maximum)
  }
}
