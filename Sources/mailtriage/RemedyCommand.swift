import ArgumentParser
import Diagnosis
import FoundationEssentials
import Glibc
import MailModel
import Reporting
import Triage

/// `mailtriage remedy DESTINATION`: the least change that lets its mail flow.
struct RemedyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remedy",
    abstract: "Shows the least change that lets a destination's mail flow, as configuration."
  )

  @Argument(help: "The destination's domain.")
  var destination: String

  @OptionGroup var options: SharedOptions

  @Option(help: ArgumentHelp("Write each remedy to a file of its own there.", valueName: "dir"))
  var write: String?

  func run() throws {
    try refusing {
      let session = try Session(options)
      guard let domain = HostName(destination) else {
        throw Refusal(.usage, "\(destination): not a domain name")
      }
      let analysis = try session.analysis()
      guard let found = analysis.destinations.first(where: { $0.domain == domain.description })
      else {
        throw Refusal(
          .noInput,
          "\(domain): nothing is known of it in \(session.settings.databasePath)"
        )
      }
      switch options.format {
      case .json:
        let json = JSONValue.object([
          "schema": .string("mailtriage.remedy/1"), "destination": .string(found.domain),
          "class": JSONValue(found.incident?.failureClass.rawValue),
          "tls_is_cause": JSONValue(found.incident?.tlsIsCause.rawValue),
          "advice": JSONValue(found.incident.map { Advice.sentences(for: $0.failureClass) } ?? []),
          "remedies": .array(found.remedies.map(\.json)),
        ])
        try session.write(json.text() + "\n")
      default: try session.write(options.format.framed(text(found, zone: session.settings.zone)))
      }
      if let write { try writeFiles(found.remedies, to: write) }
      try session.finish()
    }
  }

  private func text(_ found: Analysis.Destination, zone: TimeZone) -> String {
    guard let incident = found.incident else { return "Mail to \(found.domain) flows.\n" }
    let time = LocalTime(zone: zone)
    var out =
      "\(OutsideText(found.domain).terminal()): \(incident.failureClass.rawValue) since "
      + "\(time.long(incident.onset)). \(incident.meaning)\n"
    for sentence in Advice.sentences(for: incident.failureClass) { out += "- \(sentence)\n" }
    for remedy in found.remedies {
      out += "\n\(OutsideText(remedy.title).terminal()) (gives up \(remedy.weakens.rawValue))\n"
      if let refused = remedy.refused {
        out += "  NOT TO BE USED: \(OutsideText(refused).terminal())\n"
      }
      if let until = remedy.validUntil { out += "  Take it back by \(time.long(until)).\n" }
      if !remedy.risk.isEmpty { out += "  Risk: \(remedy.risk)\n" }
      out += RemedyCommand.block(
        "configuration",
        remedy.configuration.split(separator: "\n").map(String.init)
      )
      out += RemedyCommand.block("apply", remedy.apply)
      out += RemedyCommand.block("verify", remedy.verify)
      out += RemedyCommand.block("let the mail move", remedy.flush)
      out += RemedyCommand.block("undo", remedy.undo)
    }
    return out
  }

  private static func block(_ name: String, _ lines: [String]) -> String {
    guard !lines.isEmpty else { return "" }
    return "  \(name):\n" + lines.map { "    \(OutsideText($0).terminal())\n" }.joined()
  }

  private func writeFiles(_ remedies: [Remedy], to directory: String) throws {
    if mkdir(directory, 0o755) != 0, errno != EEXIST {
      throw Refusal(.cannotCreate, "\(directory): \(String(cString: strerror(errno)))")
    }
    for (index, remedy) in remedies.enumerated() where remedy.refused == nil {
      let sink = try ResultSink(
        "\(directory)/\(index + 1)-\(remedy.rung?.rawValue ?? "advice").conf"
      )
      try sink.write(remedy.configuration + "\n")
      try sink.finish()
    }
  }
}

/// `mailtriage config check`.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "mailtriage's own configuration.",
    subcommands: [Check.self]
  )

  /// Reads the configuration and names what is wrong in it.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reads the configuration and names what is wrong in it."
    )

    @Option(help: ArgumentHelp("The file to read.", valueName: "file"))
    var config: String?

    func run() throws {
      try refusing {
        _ = try Settings.readConfiguration(config)
        printResult("The configuration is in order.\n")
      }
    }
  }
}
