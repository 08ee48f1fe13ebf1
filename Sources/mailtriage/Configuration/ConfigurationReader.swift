import Experiment
import MailModel
import Yams

/// A fault in the configuration: where it is and what was expected.
struct ConfigurationFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, or the environment variable.
  var place: String
  var line: Int?
  var message: String

  var description: String { line.map { "\(place):\($0): \(message)" } ?? "\(place): \(message)" }
}

/// Reads the configuration file and the environment; finds every fault, not just the first.
struct ConfigurationReader {
  private(set) var configuration = Configuration()
  private(set) var faults: [ConfigurationFault] = []

  /// Files larger than this are refused.
  static let largestFile = 1 << 20

  /// Reads the bytes of the file at `path` (named in faults only).
  mutating func read(bytes: [UInt8], path: String) {
    if let fault = ConfigurationText.fault(bytes, path: path) {
      faults.append(fault)
    } else {
      read(yaml: String(decoding: bytes, as: UTF8.self), path: path)
    }
  }

  /// Reads YAML text from the file at `path` (named in faults only).
  mutating func read(yaml: String, path: String) {
    guard yaml.utf8.count <= ConfigurationReader.largestFile else {
      faults.append(
        ConfigurationFault(place: path, line: nil, message: "larger than 1 MiB, not read")
      )
      return
    }
    do {
      guard let root = try Yams.compose(yaml: yaml) else { return }
      readMapping(root, prefix: "", path: path)
    } catch let error as YamlError {
      faults.append(ConfigurationText.fault(error, yaml, path: path))
    } catch {
      faults.append(ConfigurationFault(place: path, line: nil, message: "\(error)"))
    }
  }

  /// Lets `MAILTRIAGE_*` variables override the file.
  mutating func read(environment: [String: String]) {
    for key in ConfigurationKey.all {
      guard let text = environment[key.environmentVariable], key.kind != .testPaths else {
        continue
      }
      let texts = key.kind == .paths ? text.split(separator: ":").map(String.init) : [text]
      take(key, texts: texts, place: key.environmentVariable, line: nil)
    }
  }

  private mutating func readMapping(_ node: Node, prefix: String, path: String) {
    guard let mapping = node.mapping else {
      let name = prefix.isEmpty ? "the file" : "`\(prefix.dropLast())`"
      fail(node, path, "\(name) must hold keys, one a line, such as `database: /path`")
      return
    }
    for (keyNode, value) in mapping {
      guard let word = keyNode.scalar?.string else {
        fail(keyNode, path, "a key must be a word")
        continue
      }
      let name = prefix + word
      if let key = ConfigurationKey.byName[name] {
        read(key, value, path: path)
      } else if ConfigurationKey.all.contains(where: { $0.name.hasPrefix(name + ".") }) {
        readMapping(value, prefix: name + ".", path: path)
      } else {
        fail(keyNode, path, ConfigurationReader.unknown(name))
      }
    }
  }

  private mutating func read(_ key: ConfigurationKey, _ node: Node, path: String) {
    if key.kind == .testPaths {
      readTestPaths(key, node, path: path)
    } else if key.kind == .paths, let sequence = node.sequence {
      let texts = sequence.compactMap { $0.scalar?.string }
      guard texts.count == sequence.count else {
        fail(node, path, "`\(key.name)`: expected \(key.kind.expected)")
        return
      }
      take(key, texts: texts, place: path, line: node.mark?.line)
    } else if let scalar = node.scalar {
      take(key, texts: [scalar.string], place: path, line: node.mark?.line)
    } else {
      fail(node, path, "`\(key.name)`: expected \(key.kind.expected)")
    }
  }

  private mutating func readTestPaths(_ key: ConfigurationKey, _ node: Node, path: String) {
    guard let mapping = node.mapping else {
      fail(node, path, "`\(key.name)`: expected \(key.kind.expected)")
      return
    }
    var table: [String: String] = [:]
    for (domainNode, targetNode) in mapping {
      guard let domain = domainNode.scalar.flatMap({ HostName($0.string) }) else {
        fail(domainNode, path, "`\(key.name)`: a destination must be a domain name")
        continue
      }
      guard let target = targetNode.scalar?.string, ConfigurationReader.isTestPath(target) else {
        fail(targetNode, path, "`\(key.name).\(domain)`: expected HOST:PORT or mx")
        continue
      }
      table[domain.description] = target
    }
    configuration.set(key.name, .table(table))
  }

  /// Checks `texts` for `key` and takes it up, or notes the fault.
  private mutating func take(_ key: ConfigurationKey, texts: [String], place: String, line: Int?) {
    guard let value = ConfigurationReader.value(key.kind, texts) else {
      let shown = texts.first.map { String($0.prefix(60)) } ?? ""
      faults.append(
        ConfigurationFault(
          place: place,
          line: line,
          message: "`\(key.name)`: \"\(shown)\" is not \(key.kind.expected)"
        )
      )
      return
    }
    configuration.set(key.name, value)
  }

  private mutating func fail(_ node: Node, _ path: String, _ message: String) {
    faults.append(ConfigurationFault(place: path, line: node.mark?.line, message: message))
  }
}

extension ConfigurationReader {
  /// The value that `texts` say, or nil where they are not of the kind.
  static func value(_ kind: ConfigurationValueKind, _ texts: [String]) -> ConfigurationValue? {
    if kind == .paths {
      return texts.contains("") ? nil : .texts(texts)
    }
    guard let text = texts.first, !text.isEmpty else { return nil }
    switch kind {
    case .path, .text: return .text(text)
    case .zone: return Settings.zone(text).map { _ in .text(text) }
    case .addressAndPort:
      let isAddress = TrialOptions.endpoint(text, defaultPort: 53).map {
        Address.isNumeric($0.host)
      }
      return isAddress == true ? .text(text) : nil
    case .duration: return seconds(text).map(ConfigurationValue.seconds)
    case .count: return Int(text).flatMap { $0 >= 0 ? .count($0) : nil }
    case .factor: return Double(text).flatMap { $0.isFinite && $0 >= 0 ? .factor($0) : nil }
    case .flag:
      switch text {
      case "true", "yes", "on": return .flag(true)
      case "false", "no", "off": return .flag(false)
      default: return nil
      }
    case .paths, .testPaths: return nil
    }
  }

  /// Seconds in `90`, `30s`, `15m`, `6h`, `2d` or `1w`.
  static func seconds(_ text: String) -> Double? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    var digits = Substring(text)
    var unit = 1.0
    if let last = text.last, let factor = units[last] {
      digits = digits.dropLast()
      unit = factor
    }
    guard let value = Double(digits), value.isFinite, value >= 0, value < 1e9 else { return nil }
    return value * unit
  }

  /// Whether `target` is `mx` or `HOST:PORT` (`[v6]:PORT` too).
  static func isTestPath(_ target: String) -> Bool {
    if target == "mx" { return true }
    guard let colon = target.lastIndex(of: ":"),
      let port = UInt16(target[target.index(after: colon)...]),
      port > 0
    else { return false }
    let host = target[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      return host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
    return HostName(host) != nil
  }

  private static func unknown(_ name: String) -> String {
    let hint = Spelling.nearest(to: name, among: ConfigurationKey.all.map(\.name))
      .map { "; did you mean `\($0)`?" }
    return "unknown key `\(name.prefix(80))`\(hint ?? "")"
  }
}
