import MailModel

/// The shell commands and files of a remedy. Nothing that is there is lost: tables are put before
/// those in use, a transport is a copy of the one in use with a few settings changed, and what stands
/// in the files at the moment of applying counts, not what was read earlier.
struct PostfixCommands {
  let domain: HostName
  let route: PostfixRoute
  /// The configuration directory.
  let directory: String
  /// Pins are SHA-256, as far as the configuration tells.
  let digestIsSHA256: Bool
  private let existingPolicies: String?
  private let existingTransports: String?
  /// master.cf sets the policy maps for the service: then main.cf's are not used.
  private let policiesAreInMaster: Bool

  init(domain: HostName, configuration: PostfixConfiguration?) {
    self.domain = domain
    route =
      configuration?.route(to: domain.description) ?? PostfixRoute(nextHop: domain.description)
    directory = PostfixCommands.directory(configuration)
    digestIsSHA256 = PostfixCommands.digestIsSHA256(configuration)
    existingPolicies = configuration.map { $0.parameters.value("smtp_tls_policy_maps") ?? "" }
    existingTransports = configuration.map { $0.parameters.value("transport_maps") ?? "" }
    policiesAreInMaster =
      configuration?.serviceOverrides.contains("smtp_tls_policy_maps") ?? false
  }

  private var policyFile: String { directory + "/mailtriage_tls_policy" }
  private var transportFile: String { directory + "/mailtriage_transport" }

  // MARK: Policy table

  func policyConfiguration(_ policy: String, note: String) -> String {
    let place =
      policiesAreInMaster
      ? "\(directory)/master.cf, service \(route.service)" : "\(directory)/main.cf"
    return """
      # \(policyFile)
      # \(route.nextHop): \(note)
      \(route.nextHop) \(policy)
      # \(place)
      \(stated("smtp_tls_policy_maps", policyFile, existingPolicies))
      """
  }

  func applyPolicy(_ policy: String, note: String) -> [String] {
    writeLine(policyFile, key: route.nextHop, value: policy, note: note)
      + [
        policiesAreInMaster
          ? prepend("\(route.service)/unix/smtp_tls_policy_maps", policyFile, "-P", "-Ph", "=")
          : prepend("smtp_tls_policy_maps", policyFile, "-e", "-h", " = "), reload,
      ]
  }

  var verifyPolicy: [String] {
    ["postmap -q '\(route.nextHop)' texthash:\(policyFile)"]
  }

  var undoPolicy: [String] { [removeLine(policyFile, key: route.nextHop), reload] }

  // MARK: A transport of its own

  func transportConfiguration(_ service: String, _ settings: [String]) -> String {
    """
    # \(directory)/master.cf: a copy of the service \(route.service), and
    \(service) unix - - n - - smtp
    \(settings.map { "  -o \($0)" }.joined(separator: "\n"))
    # \(transportFile)
    \(domain) \(transport(service))
    # \(directory)/main.cf
    \(stated("transport_maps", transportFile, existingTransports))
    """
  }

  func applyTransport(_ service: String, _ settings: [String]) -> [String] {
    let copied =
      "\(tool("postconf")) -M \(service)/unix=\"$(\(tool("postconf")) -M \(route.service)/unix"
      + " | sed 's/^\(route.service)[[:space:]]/\(service) /')\""
    return [
      copied,
      "\(tool("postconf")) -P "
        + settings.map { "'\(service)/unix/\($0)'" }.joined(separator: " "),
    ]
      + writeLine(transportFile, key: "\(domain)", value: transport(service), note: nil)
      + [prepend("transport_maps", transportFile, "-e", "-h", " = "), reload]
  }

  func verifyTransport(_ service: String) -> [String] {
    [
      "postmap -q '\(domain)' texthash:\(transportFile)",
      "\(tool("postconf")) -M \(service)/unix",
    ]
  }

  var undoTransport: [String] { [removeLine(transportFile, key: "\(domain)"), reload] }

  /// A transport without a next hop goes to the domain itself: a relay host has to be named.
  private func transport(_ service: String) -> String {
    route.nextHop == domain.description ? "\(service):" : "\(service):\(route.nextHop)"
  }

  // MARK: Letting the mail move

  /// One message first, then all that waits for the domain; nothing else is tried.
  func flush(canary: String?) -> [String] {
    let one =
      canary.map { "\(tool("postqueue")) -i \($0)   # one message first; look at its log line" }
    let rest =
      "\(tool("postqueue")) -j | grep -i '\"address\": \"[^\"]*@\(escaped("\(domain)"))\"'"
      + " | sed -n 's/.*\"queue_name\": \"deferred\", \"queue_id\": \"\\([^\"]*\\)\".*/\\1/p'"
      + " | xargs -r -n1 \(tool("postqueue")) -i"
    return [one, rest].compactMap { $0 }
  }

  /// posttls-finger's options for the authorities that the configuration trusts.
  var authorities: String {
    [("-F", "smtp_tls_CAfile"), ("-P", "smtp_tls_CApath")].map { option, name in
      "\(option) \"$(\(tool("postconf")) -xh \(name))\""
    }.joined(separator: " ")
  }

  // MARK: Pieces

  private var reload: String { "\(tool("postfix")) reload" }

  /// The command, told the configuration directory where it is not the usual one.
  private func tool(_ name: String) -> String {
    directory == PostfixCommands.usualDirectory ? name : "\(name) -c \(directory)"
  }

  /// The setting as it will read. Where the maps in use are not known, the command finds them.
  private func stated(_ name: String, _ file: String, _ existing: String?) -> String {
    guard let existing else {
      return "\(name) = texthash:\(file)   # before the maps that `postconf -h \(name)` shows"
    }
    let maps = existing.singleLine
    if maps.contains("texthash:\(file)") { return "\(name) = \(maps)" }
    return "\(name) = texthash:\(file)\(maps.isEmpty ? "" : ", " + maps)"
  }

  /// Puts our table before the ones in use, once.
  private func prepend(
    _ name: String,
    _ file: String,
    _ set: String,
    _ get: String,
    _ equals: String
  ) -> String {
    let current = "\(tool("postconf")) \(get) \(name)"
    return "\(current) | grep -qF texthash:\(file) || "
      + "\(tool("postconf")) \(set) \"\(name)\(equals)texthash:\(file)$(\(current)"
      + " | sed 's/^./, &/')\""
  }

  /// Replaces our line for a key. A map type that the build lacks would defer all mail: that ends it.
  private func writeLine(
    _ file: String,
    key: String,
    value: String,
    note: String?
  ) -> [String] {
    let comment = note.map { " '# \(key): \($0)'" } ?? ""
    return [
      "\(tool("postconf")) -m | grep -qx texthash",
      "touch \(file) && \(removeLine(file, key: key))",
      "printf '%s\\n'\(comment) '\(key) \(value)' >> \(file)",
    ]
  }

  private func removeLine(_ file: String, key: String) -> String {
    "sed -i -e '/^# \(escaped(key)): /d' -e '/^\(escaped(key)) /d' \(file)"
  }

  /// For a basic regular expression between slashes.
  private func escaped(_ text: String) -> String {
    text.reduce(into: "") { out, character in
      if ".[]*^$/\\".contains(character) { out.append("\\") }
      out.append(character)
    }
  }

  static let usualDirectory = "/etc/postfix"

  /// The directory that the configuration names, or the one of an instance under /etc.
  private static func directory(_ configuration: PostfixConfiguration?) -> String {
    guard let configuration else { return usualDirectory }
    let main = configuration.paths.first { $0.hasPrefix("/etc/") && $0.hasSuffix("/main.cf") }
    let stated =
      configuration.parameters.value("config_directory")
      ?? main.map {
        String($0.dropLast("/main.cf".count))
      }
    guard let stated, stated.hasPrefix("/"), stated.utf8.count <= 200,
      stated.utf8.allSatisfy({ byte in
        (byte >= 0x2d && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || byte == 0x5f
          || (byte >= 0x61 && byte <= 0x7a)
      })
    else { return usualDirectory }
    return stated
  }

  /// `smtp_tls_fingerprint_digest` defaults to MD5 below compatibility level 3.6.
  private static func digestIsSHA256(_ configuration: PostfixConfiguration?) -> Bool {
    guard let configuration else { return false }
    if let stated = configuration.parameters.value("smtp_tls_fingerprint_digest") {
      return stated.lowercased() == "sha256"
    }
    let level = (configuration.parameters.value("compatibility_level") ?? "0")
      .split(separator: ".").map { Int($0) ?? 0 }
    return (level.first ?? 0, level.dropFirst().first ?? 0) >= (3, 6)
  }
}
