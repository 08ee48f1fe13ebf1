import MailModel

/// Postfix's configuration as far as retries and outgoing TLS go.
struct PostfixConfiguration: MailServerConfiguration {
  let server = MailServerID("postfix")
  private(set) var paths: [String] = []
  private(set) var troubles: [ReadTrouble] = []
  private(set) var parameters = PostfixParameters()
  /// main.cf was read: what it does not set has its default.
  private(set) var hasMain = false
  /// `smtp_tls_policy_maps` entries by next hop, in the order of the maps.
  private(set) var policies: [String: (entry: String, source: String)] = [:]
  /// `transport_maps` entries by domain, in the order of the maps.
  private(set) var transports: [String: String] = [:]
  /// Parameters that master.cf sets for the service that carries the mail: main.cf's are not used.
  private(set) var serviceOverrides: Set<String> = []
  /// What master.cf sets for other services that carry mail, which a transport table may name.
  private(set) var serviceSettings: [String: [String: String]] = [:]
  /// ``parameters`` without what master.cf sets for the usual service.
  private var mainParameters = PostfixParameters()
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
    for (kind, text, _) in texts where kind == .main {
      parameters.read(text)
      hasMain = true
    }
    mainParameters = parameters
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
    "bounce_queue_lifetime", "delay_warning_time", "minimal_backoff_time", "maximal_backoff_time",
    "tls_high_cipherlist", "tls_medium_cipherlist",
  ]

  private static func isTelling(_ name: String) -> Bool {
    telling.contains(name) || name.hasPrefix("smtp_tls_") || name.hasPrefix("smtpd_tls_")
  }

  /// What a file is, or nil where it is none of Postfix's.
  static func kind(_ file: ConfigurationFile) -> Kind? {
    let text = String(decoding: file.bytes.prefix(1 << 18), as: UTF8.self)
    var parameters = PostfixParameters()
    parameters.read(text)
    if parameters.values.keys.contains(where: isTelling) { return .main }
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
    guard words.count >= 8, let service = words.first else { return }
    let isManager = ["qmgr", "nqmgr", "oqmgr"].contains(words[7])
    let isOutgoing = service == outgoingService && words[1] == "unix"
    let isOther = !isOutgoing && words[1] == "unix" && ["smtp", "lmtp"].contains(words[7])
    guard isManager || isOutgoing || isOther || ["bounce", "cleanup"].contains(words[7]) else {
      return
    }
    if isOther { serviceSettings[String(service)] = [:] }
    var options = words[8...]
    while let word = options.popFirst() {
      guard word.hasPrefix("-o") else { continue }
      var assignment = word == "-o" ? String(options.popFirst() ?? "") : String(word.dropFirst(2))
      if assignment.hasPrefix("{") {
        while !assignment.hasSuffix("}"), let next = options.popFirst() { assignment += " " + next }
        assignment = String(assignment.dropFirst().prefix { $0 != "}" })
      }
      guard let equals = assignment.firstIndex(of: "=") else { continue }
      let name = assignment[..<equals].trimmed
      let value = assignment[assignment.index(after: equals)...].trimmed
      if isOther {
        serviceSettings[String(service)]?[name] = value
      } else {
        override(name, value, isOutgoing: isOutgoing)
      }
    }
  }

  /// As a service has it that is not the usual one; nil where it looks policies up elsewhere.
  func asSeen(by service: String) -> PostfixConfiguration? {
    guard service != outgoingService, let settings = serviceSettings[service] else { return self }
    var own = self
    own.parameters = mainParameters
    own.serviceOverrides = Set(settings.keys)
    for (name, value) in settings { own.parameters.set(name, value) }
    if let maps = settings["smtp_tls_policy_maps"], maps != parameters.value("smtp_tls_policy_maps")
    {
      guard maps.isEmpty else { return nil }
      own.policies = [:]
      own.hasUnreadMap = false
    }
    return own
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
}
