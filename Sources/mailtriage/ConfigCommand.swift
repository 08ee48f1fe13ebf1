import ArgumentParser
import MailModel
import Reporting
import Triage

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
      commandName: "check",
      abstract: "Reads the configuration and names what is wrong in it.",
      discussion: """
        Ends with 0 where all is well, with 78 where something is wrong.

        Examples:
          mailtriage config check
          mailtriage config check --config ./mailtriage.yaml --format json
        """
    )

    @OptionGroup(title: "Answer") var options: ResultOptions
    @OptionGroup(visibility: .hidden) var unused: SourceOptions

    func run() throws {
      try refusing {
        let path = options.config ?? Settings.usualConfiguration
        let answer = ConfigurationAnswer(
          path: path,
          faults: try Settings.readConfigurationFile(path).faults
        )
        let sink = try ResultSink(options.output)
        switch options.format {
        case .json: try sink.write(answer.json.text() + "\n")
        case .markdown: try sink.write(answer.page.markdown)
        case .html: try sink.write(try answer.page.html())
        case .text:
          // As a compiler does: what is wrong goes where complaints go.
          for fault in answer.faults { complain(fault.description) }
          if answer.faults.isEmpty { try sink.write(answer.sentence + "\n") }
        }
        try sink.finish()
        if !answer.faults.isEmpty { throw ExitStatus.badConfiguration.code }
      }
    }
  }
}

/// What a look at the configuration found, as each format shows it.
struct ConfigurationAnswer {
  /// Nil where no file is in use.
  var path: String?
  var faults: [ConfigurationFault]

  var sentence: String {
    guard faults.isEmpty else {
      return "\(faults.count == 1 ? "1 fault" : "\(faults.count) faults") in the configuration."
    }
    return path.map { "\(OutsideText($0).terminal()): the configuration is in order." }
      ?? "The configuration is in order: there is no file, the defaults are used."
  }

  var page: Page {
    Page(title: "Configuration", [.lead(sentence)] + faults.map { .item($0.description) })
  }

  var json: JSONValue {
    .object([
      "schema": .string("mailtriage.config/1"), "path": JSONValue(path),
      "ok": .bool(faults.isEmpty),
      "faults": .array(
        faults.map {
          .object([
            "place": .string($0.place), "line": $0.line.map { .int($0) } ?? .null,
            "message": .string($0.message),
          ])
        }
      ),
    ])
  }
}
