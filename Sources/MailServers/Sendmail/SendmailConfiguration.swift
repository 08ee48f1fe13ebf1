import MailModel

/// sendmail.cf as far as timers and queues go. Source: Sendmail sendmail/readcf.c.
struct SendmailConfiguration: MailServerConfiguration {
  let server = MailServerID("sendmail")
  private(set) var paths: [String] = []
  private(set) var troubles: [ReadTrouble] = []
  /// By class: urgent, normal, non-urgent, dsn; seconds.
  private(set) var queueReturn: [String: Double] = [:]
  private(set) var queueWarn: [String: Double] = [:]
  private(set) var minimalQueueAge = 0.0
  private(set) var maximalQueueAge = 0.0
  private(set) var clientCertificate: String?
  private(set) var clientKey: String?
  private(set) var caFile: String?
  private(set) var access: [String: String] = [:]

  static let classes = ["urgent", "normal", "non-urgent", "dsn"]

  init(_ files: [ConfigurationFile]) {
    for file in files {
      paths.append(file.path)
      let text = String(decoding: file.bytes, as: UTF8.self)
      if SendmailConfiguration.isAccess(text) { readAccess(text) } else { readOptions(text) }
    }
  }

  static func isOne(_ file: ConfigurationFile) -> Bool {
    let text = String(decoding: file.bytes.prefix(1 << 18), as: UTF8.self)
    if isAccess(text) { return true }
    return text.contains("\nO QueueDirectory") || text.contains("\nO Timeout.")
      || text.contains("\nDZ8.")
      || text.contains("\nV10/")
  }

  private static func isAccess(_ text: String) -> Bool {
    text.split(separator: "\n").contains {
      $0.hasPrefix("TLS_Srv:") || $0.hasPrefix("Try_TLS:") || $0.hasPrefix("TLS_Rcpt:")
    }
  }

  private mutating func readOptions(_ text: String) {
    for line in text.split(separator: "\n") where line.hasPrefix("O ") {
      let body = line.dropFirst(2)
      guard let equals = body.firstIndex(of: "=") else { continue }
      let name = body[..<equals].trimmed
      let value = body[body.index(after: equals)...].trimmed
      switch name {
      case "MinQueueAge": minimalQueueAge = SendmailConfiguration.seconds(value, unit: "m") ?? 0
      case "MaxQueueAge": maximalQueueAge = SendmailConfiguration.seconds(value, unit: "m") ?? 0
      case "ClientCertFile": clientCertificate = value
      case "ClientKeyFile": clientKey = value
      case "CACertFile": caFile = value
      default:
        take(name, value, prefix: "Timeout.queuereturn", unit: "d", into: \.queueReturn)
        take(name, value, prefix: "Timeout.queuewarn", unit: "h", into: \.queueWarn)
      }
    }
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

  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    guard !access.isEmpty else { return nil }
    var keys: [String] = []
    for name in [nextHop, domain].compactMap({ $0 }) {
      var rest = name.lowercased()[...]
      keys.append(String(rest))
      while let dot = rest.firstIndex(of: ".") {
        rest = rest[rest.index(after: dot)...]
        keys.append(String(rest))
      }
    }
    func found(_ tag: String) -> (value: String, isOwn: Bool)? {
      for key in keys { if let value = access["\(tag):\(key)"] { return (value, true) } }
      return access["\(tag):"].map { ($0, false) }
    }
    var policy = TLSPolicy(
      level: .may,
      origin: .serverDefault,
      caFile: caFile,
      clientCertificate: clientCertificate,
      clientKey: clientKey,
      source: paths.first
    )
    if let rule = found("try_tls"), rule.value.uppercased().hasPrefix("NO") {
      policy.level = .none
      policy.origin = rule.isOwn ? .destination : .everyone
    } else if let rule = found("tls_srv") ?? found("tls_rcpt") {
      policy.level = rule.value.uppercased().contains("VERIFY") ? .verify : .encrypt
      policy.origin = rule.isOwn ? .destination : .everyone
    }
    return policy
  }
}
