import ArgumentParser
import MailModel

/// Where a command reads, what it keeps, and for which time it answers.
struct SourceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The database; `:memory:` keeps nothing. Default: /var/lib/mailtriage/triage.sqlite for root, "
        + "else mailtriage/triage.sqlite below $XDG_STATE_HOME.",
      valueName: "file"
    )
  )
  var database: String?

  @Flag(help: "Start the database anew from the sources; the old one is kept beside it.")
  var rebuild = false

  @Option(help: ArgumentHelp("A queue directory, only ever read; repeatable.", valueName: "dir"))
  var spool: [String] = []

  @Option(
    help: ArgumentHelp(
      "A configuration file of the mail server, or its directory; repeatable.",
      valueName: "path"
    )
  )
  var mtaConfig: [String] = []

  @Option(
    help: ArgumentHelp(
      "Show what happened since: RFC 3339, or a length such as 36h.",
      valueName: "time"
    )
  )
  var since: String?

  @Option(
    help: ArgumentHelp(
      "Show what happened until: RFC 3339, or a length such as 1h.",
      valueName: "time"
    )
  )
  var until: String?

  @Option(
    help: ArgumentHelp(
      "The moment from which ages and forecasts count. Default: the clock.",
      valueName: "time"
    )
  )
  var now: String?

  @Option(
    help: ArgumentHelp("The zone of logs that state none, and of the answer.", valueName: "zone")
  )
  var timezone: String?

  @Option(
    help: ArgumentHelp("The year of the last line, for logs that state none.", valueName: "year")
  )
  var year: Int?

  mutating func validate() throws {
    if let now, Timestamp(rfc3339: now) == nil {
      throw ValidationError("--now \(now): not a time as RFC 3339 writes it (2026-03-02T09:14:05Z)")
    }
    for (name, text) in [("since", since), ("until", until)] {
      if let text, SourceOptions.moment(text, before: Timestamp(seconds: 0)) == nil {
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
