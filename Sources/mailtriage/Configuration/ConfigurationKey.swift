/// What a value in the configuration file must be.
enum ConfigurationValueKind: Hashable, Sendable {
  case path
  case paths
  case text
  case duration
  case count
  case factor
  case flag
  case addressAndPort
  /// Domain to `HOST:PORT`, or `mx`.
  case testPaths
  case zone

  /// What to tell a person who wrote something else.
  var expected: String {
    switch self {
    case .path: "a path, such as /var/lib/mailtriage/triage.sqlite"
    case .paths: "a path or a list of paths"
    case .text: "a text"
    case .duration: "a length such as 30s, 15m, 6h or 2d"
    case .count: "a whole number, 0 or more"
    case .factor: "a number, 0 or more"
    case .flag: "true or false"
    case .addressAndPort: "a numeric address such as 192.0.2.53, or ADDRESS:PORT"
    case .testPaths: "lines of the form  example.com: HOST:PORT  or  example.com: mx"
    case .zone: "a time zone such as Europe/Berlin, UTC or +01:00"
    }
  }
}

/// One key of the configuration file.
struct ConfigurationKey: Hashable, Sendable {
  /// Dotted: `alert.timeout`.
  var name: String
  var kind: ConfigurationValueKind
  /// One line for the documented sample.
  var meaning: String

  /// The environment variable that overrides it: `MAILTRIAGE_ALERT_TIMEOUT`.
  var environmentVariable: String {
    "MAILTRIAGE_" + name.replacing(".", with: "_").uppercased()
  }

  /// Every key there is; any other in a file is an error.
  static let all: [ConfigurationKey] = [
    ConfigurationKey(
      name: "database",
      kind: .path,
      meaning: "where what was learnt is kept"
    ),
    ConfigurationKey(
      name: "inputs",
      kind: .paths,
      meaning: "logs to read where a command names none"
    ),
    ConfigurationKey(
      name: "spools",
      kind: .paths,
      meaning: "queue directories, read only"
    ),
    ConfigurationKey(
      name: "mta_config",
      kind: .paths,
      meaning: "the mail server's own configuration files"
    ),
    ConfigurationKey(
      name: "timezone",
      kind: .zone,
      meaning: "the zone of logs that state none"
    ),
    ConfigurationKey(
      name: "resolver",
      kind: .addressAndPort,
      meaning: "the DNS resolver for probe and retry; it must validate DNSSEC"
    ),
    ConfigurationKey(
      name: "test_paths",
      kind: .testPaths,
      meaning: "where retry may try mail for a destination without TLS"
    ),
    ConfigurationKey(
      name: "report.output_dir",
      kind: .path,
      meaning: "where report writes"
    ),
    ConfigurationKey(
      name: "report.from",
      kind: .text,
      meaning: "the sender of report --email"
    ),
    ConfigurationKey(
      name: "report.to",
      kind: .text,
      meaning: "the recipient of report --email"
    ),
    ConfigurationKey(
      name: "report.redact",
      kind: .flag,
      meaning: "replace local parts, subjects and Message-IDs"
    ),
    ConfigurationKey(
      name: "alert.hook",
      kind: .path,
      meaning: "the executable that gets the alerts"
    ),
    ConfigurationKey(
      name: "alert.timeout",
      kind: .duration,
      meaning: "how long the hook may run (30s)"
    ),
    ConfigurationKey(
      name: "alert.settle",
      kind: .duration,
      meaning: "how long an incident must stay away to be over (15m)"
    ),
    ConfigurationKey(
      name: "alert.fix_by_within",
      kind: .duration,
      meaning: "alert when a deadline is nearer than this (6h)"
    ),
    ConfigurationKey(
      name: "alert.ndr_wave",
      kind: .count,
      meaning: "alert when so many messages are returned within a day (20)"
    ),
    ConfigurationKey(
      name: "alert.backlog_growth",
      kind: .factor,
      meaning: "alert when the waiting mail grows by this factor within an hour (2)"
    ),
    ConfigurationKey(
      name: "alert.backlog_minimum",
      kind: .count,
      meaning: "no growth alert below so many waiting messages (50)"
    ),
    ConfigurationKey(
      name: "alert.inbound_drop",
      kind: .factor,
      meaning: "alert when arrivals fall below this share of the usual (0.2)"
    ),
    ConfigurationKey(
      name: "alert.no_input_for",
      kind: .duration,
      meaning: "alert when the newest log line is older than this (2h)"
    ),
  ]

  static let byName: [String: ConfigurationKey] = Dictionary(
    all.map { ($0.name, $0) },
    uniquingKeysWith: { first, _ in first }
  )
}
