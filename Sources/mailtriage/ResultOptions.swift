import ArgumentParser

/// How a command answers, and where its answer goes.
struct ResultOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "mailtriage's own configuration. Default: /etc/mailtriage/mailtriage.yaml, if it is there.",
      valueName: "file"
    )
  )
  var config: String?

  @Option(help: "How the answer is written.")
  var format: OutputFormat = .text

  @Option(
    help: ArgumentHelp("Write the result there instead of standard output.", valueName: "file")
  )
  var output: String?

  @Flag(help: "Replace local parts, subjects and Message-IDs by stable tokens.")
  var redact = false

  @Flag(name: .shortAndLong, help: "Say nothing but the result.")
  var quiet = false

  @Flag(
    name: .shortAndLong,
    help: "Say more: notes on the inputs, and lines of mail that were not understood."
  )
  var verbose = false
}

extension OutputFormat: ExpressibleByArgument {}
