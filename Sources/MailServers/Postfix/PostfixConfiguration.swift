import MailModel

/// Postfix's configuration as far as retries and outgoing TLS go.
struct PostfixConfiguration: MailServerConfiguration {
  let server = MailServerID("postfix")
  private(set) var paths: [String] = []
  private(set) var troubles: [ReadTrouble] = []
  private(set) var parameters = PostfixParameters()
  /// `smtp_tls_policy_maps` entries by next hop, in the order of the maps.
  private(set) var policies: [String: (entry: String, source: String)] = [:]
  /// `transport_maps` entries by domain, in the order of the maps.
  private(set) var transports: [String: String] = [:]
  /// Parameters that master.cf sets for the service that carries the mail: main.cf's are not used.
  private(set) var serviceOverrides: Set<String> = []
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
      case .policy: readPolicy(PostfixTable(text: text), path: path)
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
        ), ["qmgr", outgoingService, "bounce", "cleanup"].contains(String(service))
      else { continue }
      let kind = line.split(separator: "/").dropFirst().first
      let isOutgoing = service == outgoingService
      if isOutgoing, kind != "unix" { continue }
      override(String(name), line[line.index(after: equals)...].trimmed, isOutgoing: isOutgoing)
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

  private mutating func override(_ name: String, _ value: String, isOutgoing: Bool) {
    parameters.set(name, value)
    if isOutgoing { serviceOverrides.insert(name) }
  }

  /// One logical line of master.cf.
  private mutating func readService(_ entry: String) {
    let words = entry.split { $0 == " " || $0 == "\t" || $0 == "\r" }
    guard words.count > 8, let service = words.first else { return }
    let isManager = ["qmgr", "nqmgr", "oqmgr"].contains(words[7])
    let isOutgoing = service == outgoingService && words[1] == "unix"
    guard isManager || isOutgoing || ["bounce", "cleanup"].contains(words[7]) else { return }
    var options = words[8...]
    while let word = options.popFirst() {
      guard word.hasPrefix("-o") else { continue }
      var assignment = word == "-o" ? String(options.popFirst() ?? "") : String(word.dropFirst(2))
      if assignment.hasPrefix("{") {
        while !assignment.hasSuffix("}"), let next = options.popFirst() { assignment += " " + next }
        assignment = String(assignment.dropFirst().prefix { $0 != "}" })
      }
      guard let equals = assignment.firstIndex(of: "=") else { continue }
      override(
        assignment[..<equals].trimmed,
        assignment[assignment.index(after: equals)...].trimmed,
        isOutgoing: isOutgoing
      )
    }
  }

  private mutating func readPolicy(_ table: PostfixTable, path: String) {
    for entry in table.entries where policies[entry.key] == nil && !entry.value.isEmpty {
      policies[entry.key] = (entry.value, "\(path):\(entry.line)")
    }
  }

  /// Maps whose text source lies beside the configuration file: as Postfix has them, and as a copied
  /// configuration directory has them. Nothing else of this machine is read.
  private mutating func readNeighbouringMaps(_ files: [ConfigurationFile]) {
    for map in PostfixMapReference.all(in: parameters.value("smtp_tls_policy_maps") ?? "") {
      if files.contains(where: { $0.path == map.name || $0.path.hasSuffix("/" + map.fileName) }) {
        continue
      }
      if let (table, path) = table(map, files) {
        readPolicy(table, path: path)
      } else {
        hasUnreadMap = true
        note(map, "the policy map is not beside the configuration; not read")
      }
    }
    for map in PostfixMapReference.all(in: parameters.value("transport_maps") ?? "") {
      guard let (table, _) = table(map, files) else {
        note(map, "the transport table is not beside the configuration; its next hops are unknown")
        continue
      }
      for entry in table.entries where transports[entry.key] == nil {
        transports[entry.key] = entry.value
      }
    }
  }

  private mutating func note(_ map: PostfixMapReference, _ reason: String) {
    guard map.type != "static" else { return }
    troubles.append(ReadTrouble(path: map.description, reason: reason))
  }

  /// The table, where its text can be read; a pattern table or a database is none.
  private mutating func table(
    _ map: PostfixMapReference,
    _ files: [ConfigurationFile]
  ) -> (PostfixTable, path: String)? {
    if map.type == "inline" { return (PostfixTable(inline: map.name), "inline") }
    guard PostfixMapReference.keyed.contains(map.type), !map.fileName.isEmpty,
      let (path, text) = PostfixConfiguration.neighbour(map.fileName, of: files)
    else { return nil }
    paths.append(path)
    return (PostfixTable(text: text), path)
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
