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

/// Exim's configuration as far as retries go, from its file or from `exim -bP config`.
struct EximConfiguration: MailServerConfiguration {
  let server = MailServerID("exim")
  private(set) var paths: [String] = []
  private(set) var troubles: [ReadTrouble] = []
  /// The rules that hold for every destination; nil where the file states none.
  private(set) var rules: [EximRetryRule]?
  private(set) var delayWarnings: [Double]?
  private(set) var requireTLS: [String]?

  init(_ files: [ConfigurationFile]) {
    for file in files {
      paths.append(file.path)
      read(String(decoding: file.bytes, as: UTF8.self))
    }
  }

  static func isOne(_ file: ConfigurationFile) -> Bool {
    let text = String(decoding: file.bytes.prefix(1 << 18), as: UTF8.self)
    return text.contains("begin retry") || text.contains("begin transports")
      || text.contains("begin routers")
  }

  private mutating func read(_ text: String) {
    var isRetry = false
    for line in text.split(separator: "\n") {
      let trimmed = line.trimmed
      if trimmed.hasPrefix("#") { continue }
      if trimmed.hasPrefix("begin ") {
        isRetry = trimmed == "begin retry"
        if isRetry, rules == nil { rules = [] }
        continue
      }
      if isRetry, rules?.isEmpty == true {
        let words = trimmed.split(maxSplits: 2) { $0 == " " || $0 == "\t" }
        if words.count == 3, words[0] == "*" { rules = EximConfiguration.rules(String(words[2])) }
      }
      if trimmed.hasPrefix("delay_warning =") {
        delayWarnings = trimmed.split(separator: "=")[1].split(separator: ":")
          .compactMap { EximConfiguration.seconds($0.trimmed) }
      }
      if trimmed.hasPrefix("hosts_require_tls =") {
        requireTLS = trimmed.dropFirst(19).split(separator: ":").map(\.trimmed)
      }
    }
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
    return digits.isEmpty ? total : nil
  }

  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    // Host lists hold expansions and lookups; only plain names are read for what they are.
    guard let requireTLS else { return nil }
    if requireTLS.contains("*") {
      return TLSPolicy(level: .encrypt, origin: .everyone, source: paths.first)
    }
    if let hop = nextHop, requireTLS.contains(hop) {
      return TLSPolicy(level: .encrypt, origin: .destination, source: paths.first)
    }
    return nil
  }
}
