import ArgumentParser
import Intake

@main
struct Mailtriage: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mailtriage",
    abstract: "Finds out why mail waits, what it will cost, and what to do.",
    discussion: """
      Results go to standard output, everything else to standard error. With no path the logs, the \
      queue and the configuration of this machine's own mail server are found and read.

      Examples:
        mailtriage analyze
        mailtriage analyze /var/log/mail.log --spool /var/spool/postfix
        mailtriage explain '403 4.7.0 TLS handshake failed.'
      """,
    subcommands: [
      Analyze.self, Explain.self, Trace.self, QueueCommand.self, ForecastCommand.self,
      RemedyCommand.self, ReportCommand.self, ConfigCommand.self,
      RetryCommand.self, ProbeCommand.self, AlertCommand.self,
    ]
  )

  static func main() async {
    holdStandardDescriptors()
    Allocator.returnsWhatIsFreed()
    if let slip = CommandSlip(Array(CommandLine.arguments.dropFirst()), in: Mailtriage.self) {
      complain(slip.description)
      exit(withError: ExitStatus.usage.code)
    }
    await main(nil)
  }
}
