import MailModel

/// sendmail.cf as far as timers, queues and TLS go, the access map's source, and the start scripts'
/// settings. Source: Sendmail sendmail/readcf.c, cf/README.
struct SendmailConfiguration: MailServerConfiguration {
  let server = MailServerID("sendmail")
  private(set) var paths: [String] = []
  private(set) var troubles: [ReadTrouble] = []
  /// By class: urgent, normal, non-urgent, dsn; seconds.
  private(set) var queueReturn: [String: Double] = [:]
  private(set) var queueWarn: [String: Double] = [:]
  private(set) var minimalQueueAge = 0.0
  private(set) var maximalQueueAge = 0.0
  /// How often the queue is run, where a start script's settings say so; seconds.
  private(set) var queueInterval: Double?
  /// Queue groups, in the order of the file.
  private(set) var queueGroups: [SendmailQueueGroup] = []
  private var queueDirectory = "/var/spool/mqueue"
  /// Options of sendmail.cf that concern TLS as a client (`CACertFile`, `CipherList`, …).
  private(set) var tlsOptions: [String: String] = [:]
  private(set) var access: [String: String] = [:]
  /// The access map that sendmail.cf uses: its type and its path without suffix.
  private(set) var accessMap: (type: String, path: String)?
  /// Hosts' states are kept on disk, and a host that failed is not asked for a while.
  private(set) var keepsHostStatus = false
  /// The access map may set a session's TLS options: `FEATURE(`tls_session_features')`.
  private(set) var hasSessionFeatures = false
  /// sendmail.cf was read: what it does not set has its default.
  private(set) var hasTimers = false

  static let classes = ["urgent", "normal", "non-urgent", "dsn"]

  init(_ files: [ConfigurationFile]) {
    for file in files {
      paths.append(file.path)
      let text = String(decoding: file.bytes, as: UTF8.self)
      switch SendmailConfiguration.kind(text) {
      case .access?: readAccess(text)
      case .startScript?: readStartScript(text)
      case .options?, nil: readOptions(text)
      }
    }
    readNeighbouringAccess(files)
  }

  /// The access map's text, where it lies beside sendmail.cf, as in /etc/mail or in a copy of it.
  private mutating func readNeighbouringAccess(_ files: [ConfigurationFile]) {
    guard access.isEmpty, let map = accessMap,
      let name = map.path.split(separator: "/").last.map(String.init)
    else { return }
    for file in files {
      let directory = file.path.lastIndex(of: "/").map { String(file.path[...$0]) } ?? ""
      let path = directory + name
      guard let found = try? BoundedFile(path: path, limit: 16 << 20) else { continue }
      readAccess(String(decoding: found.bytes, as: UTF8.self))
      paths.append(path)
      return
    }
  }

  private enum Kind { case access, startScript, options }

  static func isOne(_ file: ConfigurationFile) -> Bool {
    kind(String(decoding: file.bytes.prefix(1 << 18), as: UTF8.self)) != nil
  }

  private static func kind(_ text: String) -> Kind? {
    if text.contains("\nO QueueDirectory") || text.contains("\nO Timeout.")
      || text.contains("\nDZ8.")
      || text.contains("\nV10/")
    {
      return .options
    }
    let lines = text.split(separator: "\n")
    let tags = ["TLS_Srv:", "Try_TLS:", "TLS_Rcpt:", "TLS_Clt:", "TLS_Clt_Features:"]
    if lines.contains(where: { line in tags.contains { line.hasPrefix($0) } }) { return .access }
    if lines.contains(where: { $0.hasPrefix("QUEUE_INTERVAL=") })
      || (lines.contains { $0.hasPrefix("DAEMON=") } && lines.contains { $0.hasPrefix("QUEUE=") })
    {
      return .startScript
    }
    return nil
  }

  private mutating func readOptions(_ text: String) {
    hasTimers = true
    for line in text.split(separator: "\n") {
      switch line.first {
      case "O": readOption(line.dropFirst())
      case "Q":
        if let group = SendmailQueueGroup(line), queueGroups.count < SendmailQueueGroup.most {
          queueGroups.append(group)
        }
      case "K" where line.hasPrefix("Kaccess "): readAccessMap(line)
      case "S" where line.hasPrefix("Stls_clt_features"): hasSessionFeatures = true
      default: break
      }
    }
  }

  private mutating func readOption(_ line: Substring) {
    guard line.first == " " else {
      // `OT5d/4h`, as configurations before level 6 say it.
      if line.first == "T" { readOldTimers(line.dropFirst()) }
      return
    }
    let body = line.dropFirst()
    guard let equals = body.firstIndex(of: "=") else { return }
    let name = body[..<equals].trimmed
    let value = body[body.index(after: equals)...].trimmed
    switch name {
    case "QueueDirectory": queueDirectory = value
    case "MinQueueAge": minimalQueueAge = SendmailConfiguration.seconds(value, unit: "m") ?? 0
    case "MaxQueueAge": maximalQueueAge = SendmailConfiguration.seconds(value, unit: "m") ?? 0
    case "ClientCertFile", "ClientKeyFile", "CACertFile", "CACertPath", "CipherList",
      "ClientSSLOptions", "DANE":
      tlsOptions[name] = value.isEmpty ? nil : value
    case "HostStatusDirectory": keepsHostStatus = !value.isEmpty
    default:
      take(name, value, prefix: "Timeout.queuereturn", unit: "d", into: \.queueReturn)
      take(name, value, prefix: "Timeout.queuewarn", unit: "h", into: \.queueWarn)
    }
  }

  private mutating func readOldTimers(_ value: Substring) {
    let parts = value.split(separator: "/", maxSplits: 1).map { String($0).trimmed }
    if let text = parts.first {
      take(
        "Timeout.queuereturn",
        text,
        prefix: "Timeout.queuereturn",
        unit: "d",
        into: \.queueReturn
      )
    }
    if parts.count == 2 {
      take("Timeout.queuewarn", parts[1], prefix: "Timeout.queuewarn", unit: "h", into: \.queueWarn)
    }
  }

  /// `Kaccess hash -T<TMPF> /etc/mail/access`.
  private mutating func readAccessMap(_ line: Substring) {
    let words = line.split { $0 == " " || $0 == "\t" }.dropFirst().map(String.init)
    guard let type = words.first, let path = words.last(where: { !$0.hasPrefix("-") }),
      path.hasPrefix("/")
    else { return }
    accessMap = (type, path)
  }

  /// `Timeout.queuereturn` sets all classes; with a suffix, one.
  private mutating func take(
    _ name: String,
    _ value: String,
    prefix: String,
    unit: Character,
    into table: WritableKeyPath<SendmailConfiguration, [String: Double]>
  ) {
    guard name.hasPrefix(prefix), let seconds = SendmailConfiguration.seconds(value, unit: unit)
    else {
      return
    }
    let suffix = name.dropFirst(prefix.count + 1)
    for one in suffix.isEmpty ? SendmailConfiguration.classes : [String(suffix)] {
      self[keyPath: table][one] = seconds
    }
  }

  private mutating func readAccess(_ text: String) {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(maxSplits: 1) { $0 == " " || $0 == "\t" }
      if words.count == 2 { access[words[0].lowercased()] = String(words[1]).trimmed }
    }
  }

  /// Debian's `QUEUE_INTERVAL="10m"`, Red Hat's `QUEUE=1h`.
  private mutating func readStartScript(_ text: String) {
    for line in text.split(separator: "\n") {
      for name in ["QUEUE_INTERVAL=", "QUEUE="] where line.hasPrefix(name) {
        let value = line.dropFirst(name.count).prefix { $0 != "#" }.filter { $0 != "\"" }
        queueInterval = SendmailConfiguration.seconds(value.trimmed, unit: "m") ?? queueInterval
      }
    }
  }

  /// `5d`, `1h30m`, `now`; a bare number counts in `unit`.
  static func seconds(_ text: String, unit: Character) -> Double? {
    if text == "now" { return 0 }
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    var total = 0.0
    var digits = ""
    for character in text {
      if character.isNumber {
        digits.append(character)
      } else if let factor = units[character], let value = Double(digits) {
        total += value * factor
        digits = ""
      } else {
        return nil
      }
    }
    if let value = Double(digits) { total += value * (units[unit] ?? 1) }
    // No timer of a mail server is longer than 30 years.
    return total < 1e9 ? total : nil
  }

  /// How often the queue in this directory is run, where its group says so; seconds.
  func queueInterval(directory: String) -> Double? {
    queueGroups.compactMap { group in
      group.match(directory, below: queueDirectory).map { (length: $0, interval: group.interval) }
    }.max { $0.length < $1.length }?.interval
  }

  /// The access map's entry for the first of some names that has one: the whole name, the domains
  /// above it, then the tag alone, which is for everyone.
  func rule(_ tag: String, for names: [String]) -> (value: String, isOwn: Bool)? {
    for name in names {
      var rest = name.lowercased()[...]
      while true {
        if let value = access["\(tag):\(rest)"] { return (value, true) }
        guard let dot = rest.firstIndex(of: ".") else { break }
        rest = rest[rest.index(after: dot)...]
      }
    }
    return access["\(tag):"].map { ($0, false) }
  }
}
