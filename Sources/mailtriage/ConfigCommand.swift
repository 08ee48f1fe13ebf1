import ArgumentParser

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
        try printResult("The configuration is in order.\n")
      }
    }
  }
}
