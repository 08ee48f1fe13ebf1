import MailModel

/// smtpd.conf as far as outgoing TLS goes.
///
///     ca "partner" cert "/etc/smtpd/ca.pem"
///     pki "us" cert "/etc/smtpd/us.pem"
///     action "secure" relay tls ca "partner" pki "us"
///     match from any for domain "example.com" action "secure"
///
/// Source: smtpd.conf(5) of OpenSMTPD 6.4 and newer.
struct OpenSMTPDConfiguration: MailServerConfiguration {
  let server = MailServerID("opensmtpd")
  private(set) var paths: [String] = []
  let troubles: [ReadTrouble] = []
  private var authorities: [String: String] = [:]
  private var keys: [String: (certificate: String?, key: String?)] = [:]
  private var tables: [String: [String]] = [:]
  /// `relay` actions by name.
  private var relays: [String: [String]] = [:]
  private var matches: [Match] = []
  private var ciphers: String?

  /// A rule of what mail takes which action.
  private struct Match {
    /// Nil for all domains.
    var domains: [String]?
    var isNegated = false
    var action: String
    /// Something else decides too: who sends, who is authenticated.
    var isPartial = false
  }

  init(_ files: [ConfigurationFile]) {
    paths = files.map(\.path)
    for file in files {
      for line in OpenSMTPDConfiguration.lines(String(decoding: file.bytes, as: UTF8.self)) {
        read(line)
      }
    }
  }

  static func isOne(_ file: ConfigurationFile) -> Bool {
    let lines = lines(String(decoding: file.bytes.prefix(1 << 18), as: UTF8.self))
    let isRelay = lines.contains { $0.first == "action" && $0.contains("relay") }
    let isListening = lines.contains { $0.starts(with: ["listen", "on"]) }
    return (isRelay || isListening)
      && lines.contains { $0.first == "match" && $0.contains("action") }
  }

  /// Lines as words: quotes taken off, braces and commas apart, macros replaced, remarks gone.
  private static func lines(_ text: String) -> [[String]] {
    var macros: [String: String] = [:]
    var lines: [[String]] = []
    var pending = ""
    for raw in text.split(separator: "\n").prefix(10_000) {
      let line = raw.trimmed
      if line.hasSuffix("\\") {
        pending += line.dropLast() + " "
        continue
      }
      var words = OpenSMTPDConfiguration.words(pending + line)
      pending = ""
      if words.count >= 3, words[1] == "=" {
        macros[words[0]] = words.dropFirst(2).joined(separator: " ")
        continue
      }
      words = words.map { $0.hasPrefix("$") ? macros[String($0.dropFirst())] ?? $0 : $0 }
      if !words.isEmpty { lines.append(words) }
    }
    return lines
  }

  private static func words(_ line: String) -> [String] {
    var words: [String] = []
    var word = ""
    var isQuoted = false
    for character in line.prefix(10_000) {
      if character == "\"" {
        isQuoted.toggle()
        if !isQuoted {
          words.append(word)
          word = ""
        }
      } else if isQuoted {
        word.append(character)
      } else if character == "#" {
        break
      } else if " \t,{}=".contains(character) {
        if !word.isEmpty { words.append(word) }
        word = ""
        if "{}=".contains(character) { words.append(String(character)) }
      } else {
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }

  private mutating func read(_ words: [String]) {
    switch words.first {
    case "ca" where words.count == 4 && words[2] == "cert": authorities[words[1]] = words[3]
    case "pki" where words.count == 4:
      var pair = keys[words[1]] ?? (nil, nil)
      if words[2] == "cert" { pair.certificate = words[3] }
      if words[2] == "key" { pair.key = words[3] }
      keys[words[1]] = pair
    case "table" where words.count > 3 && words[2] == "{":
      tables[words[1]] = words.dropFirst(3).filter { $0 != "}" && $0 != "=" }
    case "smtp" where words.count == 3 && words[1] == "ciphers": ciphers = words[2]
    case "action" where words.count > 2 && words[2] == "relay":
      relays[words[1]] = Array(words.dropFirst(3))
    case "match": readMatch(words)
    default: break
    }
  }

  private mutating func readMatch(_ words: [String]) {
    guard let end = words.lastIndex(of: "action"), end + 1 < words.count else { return }
    var match = Match(action: words[end + 1])
    let conditions = words[1..<end]
    for (index, word) in zip(conditions.indices, conditions) where word == "for" {
      var rest = conditions[(index + 1)...]
      if rest.first == "!" || rest.first == "not" {
        match.isNegated = true
        rest = rest.dropFirst()
      }
      switch rest.first {
      case "any": break
      case "domain": match.domains = domains(rest.dropFirst())
      // Mail for this host is none of ours.
      default: return
      }
    }
    match.isPartial = conditions.contains { ["auth", "mail-from", "tag", "rdns"].contains($0) }
    matches.append(match)
  }

  /// `"a"`, `{ "a", "b" }` or `<table>`.
  private func domains(_ words: ArraySlice<String>) -> [String] {
    guard let first = words.first else { return [] }
    if first == "{" { return words.dropFirst().prefix { $0 != "}" }.map { $0.lowercased() } }
    if first.hasPrefix("<") {
      return (tables[String(first.dropFirst().prefix { $0 != ">" })] ?? []).map {
        $0.lowercased()
      }
    }
    return [first.lowercased()]
  }

  /// The first rule that takes the domain says which action carries it.
  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    let domain = domain.lowercased()
    guard
      let match = matches.first(where: { match in
        guard let domains = match.domains else { return true }
        return domains.contains { OpenSMTPDConfiguration.matches(domain, $0) } != match.isNegated
      }), !match.isPartial || match.domains == nil, let options = relays[match.action]
    else { return nil }
    return policy(
      options,
      origin: match.domains == nil || match.isNegated ? .everyone : .destination
    )
  }

  private static func matches(_ domain: String, _ pattern: String) -> Bool {
    pattern.hasPrefix("*") ? domain.hasSuffix(pattern.dropFirst()) : domain == pattern
  }

  private func policy(_ options: [String], origin: TLSPolicy.Origin) -> TLSPolicy {
    func value(_ name: String) -> String? {
      options.firstIndex(of: name).flatMap { $0 + 1 < options.count ? options[$0 + 1] : nil }
    }
    let scheme = value("host").flatMap { host in
      host.firstRange(of: "://").map { String(host[..<$0.lowerBound]) }
    }
    var level = TLSLevel.may
    if options.contains("tls") || scheme == "smtp+tls" || scheme == "smtps" { level = .verify }
    if options.contains("no-verify"), level == .verify { level = .encrypt }
    if scheme == "smtp+notls" { level = .none }
    var policy = TLSPolicy(
      level: level,
      origin: level == .may ? .serverDefault : origin,
      source: paths.first
    )
    policy.isImplicit = scheme == "smtps"
    if let name = value("ca"), let file = authorities[name] {
      policy.caFile = file
      policy.authorities = .never
    }
    if let name = value("pki"), let pair = keys[name] {
      policy.clientCertificate = pair.certificate
      policy.clientKey = pair.key ?? pair.certificate
    }
    policy.ciphers = value("ciphers") ?? ciphers
    let versions = (value("protocols") ?? "").lowercased()
      .split { $0 == "," || $0 == ":" || $0 == " " }.map(String.init)
    let stated = [
      ("tlsv1.0", "TLSv1"), ("tlsv1.1", "TLSv1.1"), ("tlsv1.2", "TLSv1.2"), ("tlsv1.3", "TLSv1.3"),
    ].filter { versions.contains($0.0) }.map(\.1)
    policy.minimumProtocol = stated.first
    policy.maximumProtocol = stated.last == "TLSv1.3" ? nil : stated.last
    return policy
  }
}
