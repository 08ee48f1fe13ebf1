import MailModel

/// What Sendmail demands of TLS towards a destination.
///
///     TLS_Srv:mx.example.com   VERIFY:256+CN:mail.example.com
///     TLS_Rcpt:example.com     TEMP+ENCR:112
///     Try_TLS:old.example      NO
///     TLS_Clt_Features:mx.example.com  Options=SSL_OP_NO_TLSv1_3; CipherList=ALL
///
/// Source: Sendmail cf/README, "Using STARTTLS in the access map" and "tls_session_features".
extension SendmailConfiguration {
  /// Nil where the configuration uses an access map that could not be read.
  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    guard !access.isEmpty || (hasTimers && accessMap == nil) else { return nil }
    var policy = TLSPolicy(
      level: .may,
      origin: .serverDefault,
      caFile: tlsOptions["CACertFile"],
      caPath: tlsOptions["CACertPath"],
      clientCertificate: tlsOptions["ClientCertFile"],
      clientKey: tlsOptions["ClientKeyFile"] ?? tlsOptions["ClientCertFile"],
      ciphers: tlsOptions["CipherList"],
      source: paths.first
    )
    if hasTimers { policy.authorities = .never }
    policy.sendsServerName = false
    policy.triesDANE = tlsOptions["DANE"]?.lowercased().first.map { "ty1".contains($0) } ?? false
    SendmailConfiguration.apply(options: tlsOptions["ClientSSLOptions"] ?? "", to: &policy)
    let hosts = [nextHop, domain].compactMap { $0 }
    if let rule = rule("try_tls", for: hosts), rule.value.uppercased().hasPrefix("NO") {
      policy.level = .none
      policy.origin = rule.isOwn ? .destination : .everyone
      return policy
    }
    // Both rules must be met: the stricter one is the policy.
    for rule in [rule("tls_srv", for: hosts), rule("tls_rcpt", for: [domain])].compactMap({ $0 }) {
      SendmailConfiguration.apply(rule, to: &policy)
    }
    if hasSessionFeatures, let rule = rule("tls_clt_features", for: hosts) {
      SendmailConfiguration.apply(features: rule.value, to: &policy)
    }
    return policy
  }

  /// `[PERM+|TEMP+]VERIFY[:bits][+CN[:name]]…` or `ENCR:bits`. VERIFY asks for a trusted chain; only
  /// CN asks for a name, and without one for the host's.
  private static func apply(_ rule: (value: String, isOwn: Bool), to policy: inout TLSPolicy) {
    let words = rule.value.split { $0 == "+" || $0 == " " }.map(String.init)
    let verifies = words.contains { $0.uppercased().hasPrefix("VERIFY") }
    guard verifies || words.contains(where: { $0.uppercased().hasPrefix("ENCR") }) else { return }
    let bits = words.compactMap { word -> Int? in
      let parts = word.uppercased().split { $0 == ":" || $0 == "." }
      return parts.count == 2 && ["VERIFY", "ENCR"].contains(parts[0]) ? Int(parts[1]) : nil
    }.max()
    policy.minimumCipherBits = [policy.minimumCipherBits, bits].compactMap { $0 }.max()
    if verifies {
      policy.level = .verify
      let names = words.filter { $0.uppercased() == "CN" || $0.uppercased().hasPrefix("CN:") }
      policy.checksName = !names.isEmpty
      policy.matchNames = names.map { $0.count > 3 ? String($0.dropFirst(3)) : "hostname" }
    } else if policy.level == .may {
      policy.level = .encrypt
    } else {
      return
    }
    policy.origin = rule.isOwn ? .destination : .everyone
  }

  /// `Options=…; CipherList=…; CertFile=…; KeyFile=…`, with quotes around it or not.
  private static func apply(features: String, to policy: inout TLSPolicy) {
    for part in features.filter({ $0 != "\"" }).split(separator: ";") {
      guard let equals = part.firstIndex(of: "=") else { continue }
      let value = part[part.index(after: equals)...].trimmed
      switch part[..<equals].trimmed.lowercased() {
      case "options": apply(options: value, to: &policy)
      case "cipherlist": policy.ciphers = value
      case "certfile": policy.clientCertificate = value
      case "keyfile": policy.clientKey = value
      case "cacertfile": policy.caFile = value
      case "cacertpath": policy.caPath = value
      default: break
      }
    }
  }

  /// Versions that OpenSSL options shut out: `+SSL_OP_NO_TLSv1_3`; with a minus they are let in.
  private static func apply(options: String, to policy: inout TLSPolicy) {
    let order = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
    let words = options.split { $0 == "," || $0 == " " || $0 == "\t" || $0 == "|" }
    let excluded = words.compactMap { word -> String? in
      let name = word.first == "+" ? word.dropFirst() : word
      guard name.hasPrefix("SSL_OP_NO_TLSv") else { return nil }
      return name.dropFirst(10).split(separator: "_").joined(separator: ".")
    }
    let left = order.filter { !excluded.contains($0) }
    guard left.count < order.count else { return }
    policy.minimumProtocol = left.first == order.first ? policy.minimumProtocol : left.first
    policy.maximumProtocol = left.last == order.last ? policy.maximumProtocol : left.last
  }
}
