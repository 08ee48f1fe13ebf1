import MailModel

/// One retry rule: until `cutoff` after the first failure, in the given gaps.
struct EximRetryRule: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case fixed
    case geometric(Double)
  }

  var cutoff: Double
  var interval: Double
  var kind: Kind
}

/// The retry rules of the destinations that a pattern names.
struct EximRetrySet: Hashable, Sendable {
  /// `*`, a domain, `*.domain` or `*@domain`; other patterns (lookups, regular expressions) are not
  /// kept.
  var pattern: String
  var rules: [EximRetryRule]

  func matches(_ domain: String) -> Bool {
    let name = pattern.lowercased().split(separator: "@").last.map(String.init) ?? ""
    if name == "*" || name == domain { return true }
    return name.hasPrefix("*") && domain.hasSuffix(name.dropFirst())
  }
}

/// What becomes of frozen messages, with what holds where nothing is set. Source: Exim src/deliver.c,
/// deliver_message(); the specification, chapter 14.
struct EximFrozenRule: Hashable, Sendable {
  /// `auto_thaw`: seconds after which delivery is tried again; 0 is never. Not for bounces.
  var autoThaw = 0.0
  /// `timeout_frozen_after`: the age at which a frozen message is given up; 0 is never.
  var timeout = 0.0
  /// `ignore_bounce_errors_after`: the age at which a frozen bounce is tried once more, and dropped.
  var bounceAge = 70 * 86_400.0
}

/// Exim's configuration as far as retries and outgoing TLS go, from its file or from `exim -bP`.
struct EximConfiguration: MailServerConfiguration {
  let server = MailServerID("exim")
  private(set) var paths: [String] = []
  private(set) var troubles: [ReadTrouble] = []
  /// What `begin retry` states, in its order; nil where there is no such section.
  private(set) var retrySets: [EximRetrySet]?
  private(set) var delayWarnings: [Double]?
  private(set) var frozen = EximFrozenRule()
  /// `queue_run_in_order`: runs take messages by their ids, so by arrival.
  private(set) var runsInOrder = false
  private(set) var routers: [EximDriver] = []
  private(set) var transports: [EximDriver] = []
  private(set) var domainLists: [String: String] = [:]
  private(set) var hostLists: [String: String] = [:]
  /// The library that the server speaks TLS with, where a setting tells.
  private(set) var isOpenSSL: Bool?
  private(set) var openSSLOptions: String?
  private(set) var layout: EximLayout?

  init(_ files: [ConfigurationFile]) {
    for file in files {
      paths.append(file.path)
      read(String(decoding: file.bytes, as: UTF8.self))
    }
  }

  static func isOne(_ file: ConfigurationFile) -> Bool {
    let text = String(decoding: file.bytes.prefix(1 << 18), as: UTF8.self)
    if text.contains("begin retry") || text.contains("begin transports")
      || text.contains("begin routers")
    {
      return true
    }
    // `exim -bP` without a section shows the main options; `exim -bP retry` the rules alone.
    let lines = text.split(separator: "\n").map(\.trimmed)
    return lines.contains { $0.hasPrefix("retry_interval_max = ") }
      || EximConfiguration.isInstances(lines)
      || (!lines.isEmpty && lines.allSatisfy { retrySet($0) != nil })
  }

  /// `exim -bP transports` or `exim -bP routers`.
  private static func isInstances(_ lines: [String]) -> Bool {
    lines.contains { $0.hasSuffix(" transport:") || $0.hasSuffix(" router:") }
      && lines.contains { $0.hasPrefix("driver = ") }
  }

  private mutating func read(_ text: String) {
    let read = EximText(text)
    let lines = read.lines
    layout = layout ?? EximLayout(read, path: paths.last ?? "")
    var isRetry = lines.allSatisfy { EximConfiguration.retrySet($0) != nil }
    var section = ""
    for line in lines {
      if line.hasPrefix("begin ") {
        section = line.dropFirst(6).trimmed
        isRetry = section == "retry"
        if isRetry, retrySets == nil { retrySets = [] }
        continue
      }
      if let shown = EximConfiguration.shown(line) {
        section = shown
        readDriver(line.prefix { $0 != " " } + ":", isRouter: section == "routers")
        continue
      }
      if section == "routers" || section == "transports" {
        readDriver(line, isRouter: section == "routers")
        continue
      }
      if section.isEmpty, readNamedList(line) { continue }
      if isRetry, let set = EximConfiguration.retrySet(line) {
        retrySets = (retrySets ?? []) + [set]
      }
      if section.isEmpty, line.hasSuffix("queue_run_in_order") {
        runsInOrder = line == "queue_run_in_order"
      }
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = line[line.index(after: equals)...]
      switch line[..<equals].trimmed {
      case "delay_warning":
        delayWarnings = value.split(separator: ":").compactMap {
          EximConfiguration.seconds($0.trimmed)
        }
      case "queue_run_in_order":
        runsInOrder = ["true", "yes"].contains(value.trimmed.lowercased())
      case "auto_thaw": frozen.autoThaw = EximConfiguration.seconds(value.trimmed) ?? 0
      case "timeout_frozen_after":
        frozen.timeout = EximConfiguration.seconds(value.trimmed) ?? 0
      case "ignore_bounce_errors_after":
        frozen.bounceAge = EximConfiguration.seconds(value.trimmed) ?? frozen.bounceAge
      case "openssl_options":
        // `exim -bP` shows it, empty, with GnuTLS too.
        if !value.trimmed.isEmpty { isOpenSSL = true }
        openSSLOptions = value.trimmed
      default: break
      }
    }
    if isOpenSSL == nil, case .debian = layout { isOpenSSL = false }
  }

  /// `remote_smtp transport:` as `exim -bP` shows it: the section that it would stand in.
  private static func shown(_ line: String) -> String? {
    let words = line.split(separator: " ")
    guard words.count == 2 else { return nil }
    return ["router:": "routers", "transport:": "transports"][words[1]]
  }

  /// `domainlist NAME = …`, `hostlist NAME = …`
  private mutating func readNamedList(_ line: String) -> Bool {
    guard let equals = line.firstIndex(of: "=") else { return false }
    let words = line[..<equals].split(separator: " ").map(String.init)
    let value = line[line.index(after: equals)...].trimmed
    switch words.first {
    case "domainlist" where words.count == 2: domainLists[words[1]] = value
    case "hostlist" where words.count == 2: hostLists[words[1]] = value
    default: return false
    }
    return true
  }

  private mutating func readDriver(_ line: String, isRouter: Bool) {
    if let name = EximDriver.label(line) {
      if isRouter { routers.append(EximDriver(name: name)) }
      if !isRouter { transports.append(EximDriver(name: name)) }
      return
    }
    let option = line.hasPrefix("hide ") ? line.dropFirst(5).trimmed : line
    if isRouter, !routers.isEmpty { routers[routers.count - 1].options.append(option) }
    if !isRouter, !transports.isEmpty {
      transports[transports.count - 1].options.append(option)
    }
  }

  /// The router and transport of a domain's mail, those of our own remedies left out of account.
  func route(domain: String) -> EximRoute? {
    EximRoute(
      domain: domain,
      routers: routers.filter { !EximCommands.isOurs($0.name) },
      transports: transports,
      domainLists: domainLists
    )
  }

  /// `pattern error rules`; rules for one kind of error only are not kept, nor is what is not plain.
  private static func retrySet(_ line: String) -> EximRetrySet? {
    let words = line.split(maxSplits: 2) { $0 == " " || $0 == "\t" }
    guard words.count == 3, words[1] == "*" else { return nil }
    let rules = rules(String(words[2]))
    guard !rules.isEmpty || words[2].trimmed.isEmpty else { return nil }
    return EximRetrySet(pattern: String(words[0]), rules: rules)
  }

  /// The rules of a host's record: each pattern is held against the host's name and the domain.
  /// Source: Exim src/retry.c, retry_find_config().
  func rules(host: String?, domain: String) -> [EximRetryRule]? {
    retrySets.map { sets in
      sets.first { set in set.matches(domain) || host.map(set.matches) ?? false }?.rules ?? []
    }
  }

  /// The rules of a destination: those of the first pattern that names it.
  func rules(for domain: String) -> [EximRetryRule]? {
    retrySets.map { sets in sets.first { $0.matches(domain) }?.rules ?? [] }
  }

  /// `F,2h,15m; G,16h,1h,1.5; F,4d,6h`
  static func rules(_ text: String) -> [EximRetryRule] {
    text.split(separator: ";").compactMap { part in
      let fields = part.split(separator: ",").map(\.trimmed)
      guard fields.count >= 3, let cutoff = seconds(fields[1]), let interval = seconds(fields[2])
      else { return nil }
      if fields[0] == "F" { return EximRetryRule(cutoff: cutoff, interval: interval, kind: .fixed) }
      guard fields[0] == "G" || fields[0] == "H" else { return nil }
      let factor = fields.count > 3 ? Double(fields[3]) ?? 1 : 1
      return EximRetryRule(cutoff: cutoff, interval: interval, kind: .geometric(factor))
    }
  }

  /// `1w2d3h4m5s` in seconds.
  static func seconds(_ text: String) -> Double? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    var total = 0.0
    var digits = ""
    for character in text {
      if character.isNumber {
        digits.append(character)
      } else if let unit = units[character], let value = Double(digits) {
        total += value * unit
        digits = ""
      } else {
        return nil
      }
    }
    // No timer of a mail server is longer than 30 years.
    return digits.isEmpty && total < 1e9 ? total : nil
  }
}
