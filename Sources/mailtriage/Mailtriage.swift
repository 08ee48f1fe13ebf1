import ArgumentParser

@main
struct Mailtriage: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mailtriage",
    abstract: "Finds out why mail waits, what it will cost, and what to do.",
    subcommands: [
      Analyze.self, Explain.self, Trace.self, QueueCommand.self, ForecastCommand.self,
      RemedyCommand.self, ReportCommand.self, ConfigCommand.self,
      RetryCommand.self, ProbeCommand.self, AlertCommand.self,
    ]
  )

  static func main() async {
    holdStandardDescriptors()
    await main(nil)
  }
}
