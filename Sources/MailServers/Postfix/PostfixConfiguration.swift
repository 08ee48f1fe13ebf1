import MailModel

/// Postfix's configuration as far as retries and outgoing TLS go.
struct PostfixConfiguration: MailServerConfiguration {
  let server = MailServerID("postfix")
  private(set) var paths: [String] = []
  private(set) var troubles: [ReadTrouble] = []
  private(set) var parameters = PostfixParameters()
  /// `smtp_tls_policy_maps` entries by next hop, in the order of the maps.
  private(set) var policies: [String: (entry: String, source: String)] = [:]
  /// Some map could not be read: an absent entry proves nothing.
  private(set) var hasUnreadMap = false
  /// `smtp_delivery_status_filter`, else `default_delivery_status_filter`.
  private(set) var statusFilter = PostfixStatusFilter()

  init(_ files: [ConfigurationFile]) {
    paths = files.map(\.path)
    let texts = files.map {
      (PostfixConfiguration.kind($0), String(decoding: $0.bytes, as: UTF8.self), $0.path)
    }
    // What master.cf overrides, it overrides in whatever order the files are given.
    for (kind, text, _) in texts where kind == .main { parameters.read(text) }
    for (kind, text, path) in texts {
      switch kind {
      case .master: readMaster(text)
      case .overrides: readOverrides(text)
      case .policy: readPolicy(text, path: path)
      case .main, nil: break
      }
    }
    readNeighbouringMaps(files)
    readStatusFilter(files)
  }

  enum Kind {
    case main
    case master
    /// `postconf -P`: `qmgr/unix/minimal_backoff_time = 60s`.
    case overrides
    case policy
  }

  private static let telling: Set<String> = [
    "queue_directory", "myhostname", "mydestination", "compatibility_level", "mynetworks",
    "smtpd_banner", "smtp_tls_security_level", "command_directory", "daemon_directory",
    "maximal_queue_lifetime", "queue_run_delay", "inet_interfaces", "smtp_tls_policy_maps",
    "config_directory", "mail_owner", "smtpd_relay_restrictions", "relayhost", "alias_maps",
  ]

  /// What a file is, or nil where it is none of Postfix's.
  static func kind(_ file: ConfigurationFile) -> Kind? {
    let text = String(decoding: file.bytes.prefix(1 << 18), as: UTF8.self)
    var parameters = PostfixParameters()
    parameters.read(text)
    if parameters.values.keys.count(where: { telling.contains($0) }) >= 1 { return .main }
    let lines = text.split(separator: "\n").map { $0.split { $0 == " " || $0 == "\t" } }
      .filter { !($0.first?.hasPrefix("#") ?? true) }
    let services: Set<Substring> = ["inet", "unix", "unix-dgram", "fifo", "pass"]
    if lines.contains(where: { $0.count >= 8 && services.contains($0[1]) }) { return .master }
    if !lines.isEmpty, lines.allSatisfy({ PostfixConfiguration.override($0) != nil }) {
      return .overrides
    }
    let levels = Set(TLSLevel.allCases.map(\.rawValue) + ["half-dane"])
    let policyLines = lines.filter { $0.count >= 2 && levels.contains(String($0[1])) }
    return !lines.isEmpty && policyLines.count == lines.count ? .policy : nil
  }

  /// `qmgr/unix/name = value`: the service and the name.
  private static func override(_ words: [Substring]) -> (service: Substring, name: Substring)? {
    guard words.count >= 2, words[1] == "=" else { return nil }
    let parts = words[0].split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, let service = parts.first, let name = parts.last else { return nil }
    return (service, name)
  }

  private mutating func readOverrides(_ text: String) {
    for line in text.split(separator: "\n") {
      guard let equals = line.firstIndex(of: "="),
        let (service, name) = PostfixConfiguration.override(
          line.split { $0 == " " || $0 == "\t" }
        ), ["qmgr", "smtp", "bounce"].contains(service)
      else { continue }
      let kind = line.split(separator: "/").dropFirst().first
      if service == "smtp", kind != "unix" { continue }
      parameters.set(String(name), line[line.index(after: equals)...].trimmed)
    }
  }

  /// `-o name=value` and `-o { name = value }` of the queue manager and of the smtp transport.
  private mutating func readMaster(_ text: String) {
    var entry = ""
    for line in text.split(separator: "\n") {
      if line.trimmed.first == "#" || line.trimmed.isEmpty { continue }
      if line.first != " ", line.first != "\t" {
        readService(entry)
        entry = ""
      }
      entry += " " + line
    }
    readService(entry)
  }

  /// One logical line of master.cf.
  private mutating func readService(_ entry: String) {
    let words = entry.split { $0 == " " || $0 == "\t" || $0 == "\r" }
    guard words.count > 8, let service = words.first else { return }
    let isManager = ["qmgr", "nqmgr", "oqmgr"].contains(words[7])
    guard isManager || words[7] == "bounce" || (words[7] == "smtp" && service == "smtp") else {
      return
    }
    var options = words[8...]
    while let word = options.popFirst() {
      guard word.hasPrefix("-o") else { continue }
      var assignment = word == "-o" ? String(options.popFirst() ?? "") : String(word.dropFirst(2))
      if assignment.hasPrefix("{") {
        while !assignment.hasSuffix("}"), let next = options.popFirst() { assignment += " " + next }
        assignment = String(assignment.dropFirst().prefix { $0 != "}" })
      }
      guard let equals = assignment.firstIndex(of: "=") else { continue }
      parameters.set(
        assignment[..<equals].trimmed,
        assignment[assignment.index(after: equals)...].trimmed
      )
    }
  }

  private mutating func readPolicy(_ text: String, path: String) {
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let words = line.split(maxSplits: 1) { $0 == " " || $0 == "\t" }
      guard words.count == 2, words[0].first != "#" else { continue }
      let key = words[0].lowercased()
      if policies[key] == nil {
        policies[key] = (String(words[1]).trimmed, "\(path):\(number + 1)")
      }
    }
  }

  /// Maps whose text source lies beside the configuration file: as Postfix has them, and as a copied
  /// configuration directory has them. Nothing else of this machine is read.
  private mutating func readNeighbouringMaps(_ files: [ConfigurationFile]) {
    guard let maps = parameters.value("smtp_tls_policy_maps") else { return }
    for map in maps.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "\t" }) {
      guard let colon = map.firstIndex(of: ":") else { continue }
      let type = map[..<colon]
      let name = map[map.index(after: colon)...].split(separator: "/").last.map(String.init) ?? ""
      if type == "static" || type == "inline" || name.isEmpty {
        hasUnreadMap = true
        continue
      }
      if files.contains(where: { $0.path.hasSuffix("/" + name) || $0.path == name }) { continue }
      if let (path, text) = PostfixConfiguration.neighbour(name, of: files) {
        readPolicy(text, path: path)
        paths.append(path)
      } else {
        hasUnreadMap = true
        troubles.append(
          ReadTrouble(
            path: String(map),
            reason: "the policy map is not beside the configuration; not read"
          )
        )
      }
    }
  }

  /// A file of that name beside one of the configuration files.
  private static func neighbour(
    _ name: String,
    of files: [ConfigurationFile]
  ) -> (path: String, text: String)? {
    for file in files {
      let directory = file.path.lastIndex(of: "/").map { String(file.path[...$0]) } ?? ""
      if let table = try? BoundedFile(path: directory + name, limit: 16 << 20) {
        return (directory + name, String(decoding: table.bytes, as: UTF8.self))
      }
    }
    return nil
  }

  private mutating func readStatusFilter(_ files: [ConfigurationFile]) {
    let stated =
      parameters.value("smtp_delivery_status_filter")
      ?? parameters.value("default_delivery_status_filter")
    for map in (stated ?? "").split(whereSeparator: { $0 == " " || $0 == "," || $0 == "\t" }) {
      guard let colon = map.firstIndex(of: ":") else { continue }
      let name = map[map.index(after: colon)...].split(separator: "/").last.map(String.init) ?? ""
      guard ["pcre", "regexp"].contains(map[..<colon]), !name.isEmpty,
        let (path, text) = PostfixConfiguration.neighbour(name, of: files)
      else {
        troubles.append(
          ReadTrouble(
            path: String(map),
            reason: "the delivery status filter is not beside the configuration, or no pcre: or "
              + "regexp: table; not read, so mail that it returns at once is forecast as waiting"
          )
        )
        continue
      }
      statusFilter.add(patterns: text)
      paths.append(path)
    }
  }

  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    var keys = [domain.lowercased(), "[\(domain.lowercased())]"]
    // `.example.com` matches what lies below it.
    var parent = domain.lowercased()[...]
    while let dot = parent.firstIndex(of: ".") {
      keys.append(String(parent[dot...]))
      parent = parent[parent.index(after: dot)...]
    }
    if let hop = nextHop?.lowercased() { keys += ["[\(hop)]", hop] }
    for key in keys {
      if let policy = policies[key] {
        return self.policy(policy.entry, source: policy.source)
      }
    }
    guard !hasUnreadMap else { return nil }
    return general
  }

  /// The level for all: `smtp_tls_security_level`, or the older switches.
  private var general: TLSPolicy? {
    guard !paths.isEmpty else { return nil }
    var level = TLSLevel.none
    var origin = TLSPolicy.Origin.serverDefault
    if let stated = parameters.value("smtp_tls_security_level"), !stated.isEmpty {
      level = TLSLevel(rawValue: stated) ?? .may
      origin = .everyone
    } else if parameters.value("smtp_enforce_tls") == "yes" {
      level = .verify
      origin = .everyone
    } else if parameters.value("smtp_use_tls") == "yes" {
      level = .may
      origin = .everyone
    }
    return base(level: level, origin: origin, source: paths.first)
  }

  private func base(level: TLSLevel, origin: TLSPolicy.Origin, source: String?) -> TLSPolicy {
    func path(_ name: String) -> String? {
      parameters.value(name).flatMap { $0.isEmpty || $0 == "none" ? nil : $0 }
    }
    let mandatory = level != .may && level != .none
    let range = parameters.value(mandatory ? "smtp_tls_mandatory_protocols" : "smtp_tls_protocols")
    let (minimum, maximum) = PostfixConfiguration.protocols(range ?? ">=TLSv1")
    return TLSPolicy(
      level: level,
      origin: origin,
      fingerprintDigest: path("smtp_tls_fingerprint_digest"),
      caFile: path("smtp_tls_CAfile"),
      caPath: path("smtp_tls_CApath"),
      clientCertificate: path("smtp_tls_chain_files").map {
        $0.split { $0 == "," || $0 == " " }.first.map(String.init) ?? $0
      } ?? path("smtp_tls_cert_file"),
      clientKey: path("smtp_tls_key_file") ?? path("smtp_tls_cert_file"),
      minimumProtocol: minimum,
      maximumProtocol: maximum,
      source: source
    )
  }

  private func policy(_ entry: String, source: String) -> TLSPolicy? {
    let words = entry.split { $0 == " " || $0 == "\t" || $0 == "," }
    guard let word = words.first, let level = TLSLevel(rawValue: String(word)) else { return nil }
    var policy = base(level: level, origin: .destination, source: source)
    for attribute in words.dropFirst() {
      guard let equals = attribute.firstIndex(of: "=") else { continue }
      let value = String(attribute[attribute.index(after: equals)...])
      switch attribute[..<equals] {
      case "match":
        if level == .fingerprint {
          policy.fingerprints += value.split(separator: "|").map(String.init)
        } else {
          policy.matchNames += value.split(separator: ":").map(String.init)
        }
      case "tafile": policy.caFile = value
      case "servername": policy.serverName = value
      case "protocols":
        (policy.minimumProtocol, policy.maximumProtocol) = PostfixConfiguration.protocols(value)
      case "ciphers": policy.ciphers = value
      default: break
      }
    }
    return policy
  }

  /// `>=TLSv1.2`, `<=TLSv1.2`, or the older `!SSLv2:!SSLv3`.
  private static func protocols(_ text: String) -> (minimum: String?, maximum: String?) {
    let order = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
    var minimum: String?
    var maximum: String?
    var excluded: Set<String> = []
    for word in text.split(whereSeparator: { $0 == "," || $0 == ":" || $0 == " " }) {
      if word.hasPrefix(">=") { minimum = String(word.dropFirst(2)) }
      if word.hasPrefix("<=") { maximum = String(word.dropFirst(2)) }
      if word.hasPrefix("!") { excluded.insert(String(word.dropFirst())) }
    }
    if minimum == nil, !excluded.isEmpty { minimum = order.first { !excluded.contains($0) } }
    if maximum == nil, excluded.contains("TLSv1.3") { maximum = "TLSv1.2" }
    return (minimum, maximum)
  }
}
