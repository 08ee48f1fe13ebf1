import FoundationEssentials
import Glibc
import MailModel
import MailServers
import Store

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
      from: options.since.flatMap { [now] in SourceOptions.moment($0, before: now) },
      to: options.until.flatMap { [now] in SourceOptions.moment($0, before: now) }
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

  /// The configuration's usual place, where a file is there.
  static var usualConfiguration: String? {
    let usual = "/etc/mailtriage/mailtriage.yaml"
    return access(usual, R_OK) == 0 ? usual : nil
  }

  /// The configuration at `path`, else at its usual place, with the environment on top. Throws
  /// ``Refusal`` where something is wrong in it; all but the last fault is told before.
  static func readConfiguration(_ path: String?) throws -> Configuration {
    let reader = try readConfigurationFile(path ?? usualConfiguration)
    guard reader.faults.isEmpty else {
      for fault in reader.faults.dropLast() { complain(fault.description) }
      throw Refusal(.badConfiguration, reader.faults.last?.description ?? "")
    }
    return reader.configuration
  }

  /// What the file says, where one is named, and the environment, faults included. Throws ``Refusal``
  /// where the file cannot be read.
  static func readConfigurationFile(_ path: String?) throws -> ConfigurationReader {
    var reader = ConfigurationReader()
    if let path {
      do {
        let file = try BoundedFile(path: path, limit: ConfigurationReader.largestFile + 1)
        reader.read(bytes: file.bytes, path: path)
      } catch {
        throw Refusal(error == .permission ? .noPermission : .noInput, "\(path): \(error.reason)")
      }
    }
    reader.read(environment: ProcessInfo.processInfo.environment)
    return reader
  }

  /// Where the mail server's configuration sends a domain's mail instead of to its MX hosts.
  func relay(for domain: HostName) -> String? {
    configurations.lazy.compactMap { $0.relay(for: domain.description) }.first
  }

  /// The configuration of this machine's own mail server, where there is one of these and none was
  /// named.
  mutating func readOwnConfigurations(
    _ options: SharedOptions,
    of servers: [any MailServer] = registeredMailServers
  ) throws {
    for server in servers {
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
