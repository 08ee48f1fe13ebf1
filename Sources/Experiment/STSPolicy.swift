/// An MTA-STS policy (RFC 8461).
package struct STSPolicy: Hashable, Sendable {
  package enum Mode: String, CaseIterable, Hashable, Sendable {
    case none
    case testing
    case enforce
  }

  package var mode: Mode
  /// Patterns of MX names: `mx.example.com`, `*.example.com`.
  package var mx: [String]
  /// Seconds.
  package var maxAge: Int

  /// Reads a policy file. Nil where it is none (RFC 8461 section 3.2).
  package init?(_ text: String) {
    var version: String?
    var mode: Mode?
    var maxAge: Int?
    mx = []
    for line in text.split(whereSeparator: \.isNewline).prefix(1000) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      let end = value.lastIndex { $0 != " " && $0 != "\t" }
      let trimmed = end.map { String(value[...$0]) } ?? ""
      switch line[..<colon] {
      case "version": version = version ?? trimmed
      case "mode": mode = mode ?? Mode(rawValue: trimmed)
      case "max_age": maxAge = maxAge ?? Int(trimmed)
      case "mx": if mx.count < 100, trimmed.utf8.count <= 255 { mx.append(trimmed.lowercased()) }
      default: break
      }
    }
    guard version == "STSv1", let mode, let maxAge, maxAge >= 0, mode == .none || !mx.isEmpty else {
      return nil
    }
    self.mode = mode
    self.maxAge = maxAge
  }

  /// Whether a host may take mail under the policy; `*.` stands for one label (section 4.1).
  package func allows(_ host: String) -> Bool {
    let name = host.lowercased()
    return mx.contains { pattern in
      guard pattern.hasPrefix("*.") else { return pattern == name }
      guard let dot = name.firstIndex(of: ".") else { return false }
      return name[dot...] == pattern.dropFirst()
    }
  }
}
