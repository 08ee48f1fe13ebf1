import ArgumentParser
import FoundationEssentials
import Glibc
import MailModel
import MailServers
import Store

/// Options that most commands share.
struct SharedOptions: ParsableArguments {
  @Option(help: "The database; `:memory:` keeps nothing.")
  var database: String?

  @Flag(help: "Start the database anew from the sources; the old one is kept beside it.")
  var rebuild = false

  @Option(help: ArgumentHelp("A queue directory; only ever read.", valueName: "dir"))
  var spool: [String] = []

  @Option(help: ArgumentHelp("A configuration file of the mail server.", valueName: "path"))
  var mtaConfig: [String] = []

  @Option(help: ArgumentHelp("mailtriage's own configuration.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp("Limit the view: RFC 3339, or a length such as 36h.", valueName: "time")
  )
  var since: String?

  @Option(
    help: ArgumentHelp("Limit the view: RFC 3339, or a length such as 36h.", valueName: "time")
  )
  var until: String?

  @Option(help: ArgumentHelp("The moment from which ages and forecasts count.", valueName: "time"))
  var now: String?

  @Option(help: ArgumentHelp("The zone of logs that state none.", valueName: "zone"))
  var timezone: String?

  @Option(
    help: ArgumentHelp("The year of the last line, for logs that state none.", valueName: "year")
  )
  var year: Int?

  @Option(help: "text, json, markdown or html.")
  var format: OutputFormat = .text

  @Option(
    help: ArgumentHelp("Write the result there instead of standard output.", valueName: "file")
  )
  var output: String?

  @Flag(help: "Replace local parts, subjects and Message-IDs by stable tokens.")
  var redact = false

  @Flag(name: .shortAndLong, help: "Say nothing but the result.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Say more about what is done.")
  var verbose = false

  mutating func validate() throws {
    if let now, Timestamp(rfc3339: now) == nil {
      throw ValidationError("--now \(now): not a time as RFC 3339 writes it (2026-03-02T09:14:05Z)")
    }
    for (name, text) in [("since", since), ("until", until)] {
      if let text, SharedOptions.moment(text, before: Timestamp(seconds: 0)) == nil {
        throw ValidationError(
          "--\(name) \(text): neither a time (RFC 3339) nor a length such as 36h"
        )
      }
    }
    if let year, !(1970...9999).contains(year) {
      throw ValidationError("--year \(year): not a year")
    }
  }

  /// The moment that `--since` or `--until` name; a length counts back from `now`.
  static func moment(_ text: String, before now: Timestamp) -> Timestamp? {
    Timestamp(rfc3339: text)
      ?? ConfigurationReader.seconds(text).map { now.advanced(bySeconds: -$0) }
  }
}

/// Options, environment and configuration file, put together.
struct Settings {
  var configuration: Configuration
  var databasePath: String
  var now: Timestamp
  var clock: Timestamp
  var zone: TimeZone
  var zoneName: String
  var window: Window
  var configurations: [any MailServerConfiguration]
  var spools: [String]

  init(_ options: SharedOptions) throws {
    clock = Settings.clockNow()
    now = options.now.flatMap { Timestamp(rfc3339: $0) } ?? clock
    configuration = try Settings.readConfiguration(options.config)
    databasePath =
      options.database ?? configuration.database ?? Settings.defaultDatabase()
    let name = options.timezone ?? configuration.timezone
    zoneName = name ?? Settings.localZoneName()
    guard let zone = Settings.zone(zoneName) else {
      throw Refusal(.usage, "--timezone \(zoneName): no such time zone")
    }
    self.zone = zone
    window = Window(
      from: options.since.flatMap { [now] in SharedOptions.moment($0, before: now) },
      to: options.until.flatMap { [now] in SharedOptions.moment($0, before: now) }
    )
    spools = options.spool
    configurations = try Settings.readMailServerConfigurations(
      options.mtaConfig.isEmpty ? configuration.mtaConfig : options.mtaConfig
    )
  }

  static func clockNow() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }

  private static func localZoneName() -> String { TimeZone.current.identifier }

  static func zone(_ name: String) -> TimeZone? {
    let bytes = Array(name.utf8)
    if ["UTC", "GMT", "Z"].contains(name) { return TimeZone(secondsFromGMT: 0) }
    if let (offset, end) = Timestamp.zoneOffset(bytes.span, from: 0), end == bytes.count {
      return TimeZone(secondsFromGMT: offset)
    }
    return TimeZone(identifier: name)
  }

  private static func defaultDatabase() -> String {
    if getuid() == 0 { return "/var/lib/mailtriage/triage.sqlite" }
    let environment = ProcessInfo.processInfo.environment
    let state = environment["XDG_STATE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.local/state"
    return state + "/mailtriage/triage.sqlite"
  }

  static func readConfiguration(_ path: String?) throws -> Configuration {
    var reader = ConfigurationReader()
    let usual = "/etc/mailtriage/mailtriage.yaml"
    if let path = path ?? (access(usual, R_OK) == 0 ? usual : nil) {
      do {
        let file = try BoundedFile(path: path, limit: ConfigurationReader.largestFile + 1)
        reader.read(yaml: String(decoding: file.bytes, as: UTF8.self), path: path)
      } catch {
        throw Refusal(
          error == .permission ? .noPermission : .noInput,
          "\(path): \(error.reason)"
        )
      }
    }
    reader.read(environment: ProcessInfo.processInfo.environment)
    guard reader.faults.isEmpty else {
      for fault in reader.faults.dropLast() { complain(fault.description) }
      throw Refusal(.badConfiguration, reader.faults.last?.description ?? "")
    }
    return reader.configuration
  }

  /// Where the mail server's configuration sends a domain's mail instead of to its MX hosts.
  func relay(for domain: HostName) -> String? {
    configurations.lazy.compactMap { $0.relay(for: domain.description) }.first
  }

  /// The configuration of this machine's own mail server, where there is one and none was named.
  mutating func readOwnConfigurations(_ options: SharedOptions) throws {
    for server in registeredMailServers {
      let places = server.usualPlaces
      guard places.essential.contains(where: { access($0, R_OK) == 0 }) else { continue }
      let paths = places.configuration.filter { access($0, R_OK) == 0 }
      if !options.quiet { complain("using \(paths.joined(separator: ", "))") }
      configurations = try Settings.readMailServerConfigurations(paths)
      return
    }
  }

  /// Mail servers' own files, each given to the server that knows it.
  static func readMailServerConfigurations(
    _ paths: [String]
  ) throws -> [any MailServerConfiguration] {
    var files: [String: [ConfigurationFile]] = [:]
    for path in paths {
      let names =
        BoundedFile.isDirectory(path)
        ? try listing(path).map { path + "/" + $0 } : [path]
      for name in names {
        let file: ConfigurationFile
        do throws(BoundedFile.Failure) {
          let resolved = realpath(name, nil).map { pointer in
            defer { free(pointer) }
            return String(cString: pointer)
          }
          file = ConfigurationFile(
            path: name,
            bytes: try BoundedFile(path: resolved ?? name, limit: 16 << 20).bytes
          )
        } catch {
          throw Refusal(
            error == .permission ? .noPermission : .noInput,
            "\(name): \(error.reason)"
          )
        }
        guard let server = registeredConfigurationReaders.first(where: { $0.isConfiguration(file) })
        else {
          if names.count == 1 {
            throw Refusal(
              .badConfiguration,
              "\(name): not a configuration of a mail server that is known here"
            )
          }
          continue
        }
        files[server.id.description, default: []].append(file)
      }
    }
    return registeredConfigurationReaders.compactMap { server in
      files[server.id.description].map { server.readConfiguration($0) }
    }
  }

  private static func listing(_ directory: String) throws -> [String] {
    do { return try BoundedFile.entries(of: directory) } catch {
      throw Refusal(.noInput, "\(directory): \(error.reason)")
    }
  }
}

/// A reason to stop, with the exit status that says so.
struct Refusal: Error, CustomStringConvertible {
  var status: ExitStatus
  var description: String

  init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }

  init(_ error: StoreError) {
    let status: ExitStatus =
      switch error {
      case .busy: .temporary
      case .noSpace: .inputOutput
      case .noPermission: .noPermission
      case .damaged: .inputNotValid
      case .newer: .inputNotValid
      case .cannotOpen: .cannotCreate
      case .failed: .inputOutput
      }
    self.init(status, error.description)
  }
}
