import MailModel

/// The configuration in force: the file, then the environment on top. Flags override both where a
/// command has them.
struct Configuration: Hashable, Sendable {
  var database: String?
  var inputs: [String] = []
  var spools: [String] = []
  var mtaConfig: [String] = []
  var timezone: String?
  var resolver: String?
  /// Domain, lower case, to `HOST:PORT` or `mx`.
  var testPaths: [String: String] = [:]
  var report = ReportSettings()
  var alert = AlertSettings()

  struct ReportSettings: Hashable, Sendable {
    var outputDirectory: String?
    var from: String?
    var to: String?
    var redact = false
  }

  /// Durations in seconds.
  struct AlertSettings: Hashable, Sendable {
    var hook: String?
    var timeout: Double = 30
    var settle: Double = 900
    var fixByWithin: Double = 6 * 3600
    var ndrWave = 20
    var backlogGrowth = 2.0
    var backlogMinimum = 50
    var inboundDrop = 0.2
    var noInputFor: Double = 2 * 3600
  }
}

/// One value, read and checked.
enum ConfigurationValue: Hashable, Sendable {
  case text(String)
  case texts([String])
  case seconds(Double)
  case count(Int)
  case factor(Double)
  case flag(Bool)
  case table([String: String])
}

extension Configuration {
  /// Puts one checked value in its place.
  mutating func set(_ name: String, _ value: ConfigurationValue) {
    switch (name, value) {
    case ("database", .text(let path)): database = path
    case ("inputs", .texts(let paths)): inputs = paths
    case ("spools", .texts(let paths)): spools = paths
    case ("mta_config", .texts(let paths)): mtaConfig = paths
    case ("timezone", .text(let zone)): timezone = zone
    case ("resolver", .text(let address)): resolver = address
    case ("test_paths", .table(let table)): testPaths = table
    case ("report.output_dir", .text(let path)): report.outputDirectory = path
    case ("report.from", .text(let address)): report.from = address
    case ("report.to", .text(let address)): report.to = address
    case ("report.redact", .flag(let flag)): report.redact = flag
    case ("alert.hook", .text(let path)): alert.hook = path
    case ("alert.timeout", .seconds(let seconds)): alert.timeout = seconds
    case ("alert.settle", .seconds(let seconds)): alert.settle = seconds
    case ("alert.fix_by_within", .seconds(let seconds)): alert.fixByWithin = seconds
    case ("alert.ndr_wave", .count(let count)): alert.ndrWave = count
    case ("alert.backlog_growth", .factor(let factor)): alert.backlogGrowth = factor
    case ("alert.backlog_minimum", .count(let count)): alert.backlogMinimum = count
    case ("alert.inbound_drop", .factor(let factor)): alert.inboundDrop = factor
    case ("alert.no_input_for", .seconds(let seconds)): alert.noInputFor = seconds
    default: break
    }
  }
}
