import ArgumentParser
import FoundationEssentials
import Glibc
import Intake
import MailModel
import Reporting
import Triage

/// `mailtriage report`: the daily report, as HTML, Markdown and JSON, or as a mail.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes the daily report: HTML, Markdown and JSON, or a mail for sendmail -t.",
    discussion: """
      Examples:
        mailtriage report /var/log/mail.log --output-dir /var/www/mail
        mailtriage report --day 2026-03-02 --format html --output report.html
        mailtriage report --email | sendmail -t
      """
  )

  @Argument(help: "Files and directories to read first.")
  var paths: [String] = []

  @OptionGroup var options: SharedOptions

  @Option(
    help: ArgumentHelp("The day, as 2026-11-23; default: the day of `--now`.", valueName: "day")
  )
  var day: String?

  @Option(help: ArgumentHelp("Write report-DAY.html, .md and .json there.", valueName: "dir"))
  var outputDir: String?

  @Flag(help: "Write a complete multipart message to standard output.")
  var email = false

  func run() throws {
    try refusing {
      let session = try Session(options)
      if !paths.isEmpty || !options.spool.isEmpty { try session.ingest(paths) }
      let zone = session.settings.zone
      let (from, to) = try bounds(session.settings.now, zone)
      let redaction = Redaction(
        isOn: options.redact || session.settings.configuration.report.redact
      )
      var report = try session.answering {
        var builder = ReportBuilder(
          store: session.store,
          builder: try session.builder(),
          zone: zone,
          isRedacted: redaction.isOn
        )
        builder.troubles = Dictionary(
          session.reports.map {
            (
              $0.path, $0.troubles.filter { $0.kind != .note }.map(\.trouble.description)
            )
          },
          uniquingKeysWith: +
        )
        return try builder.report(from: from, to: to)
      }
      // Before any format escapes it: what is escaped no longer looks like an address.
      if redaction.isOn { report = report.redacted(redaction.apply) }
      let html = try ReportWriter(format: .html, zone: zone).write(report)
      let markdown = try ReportWriter(format: .markdown, zone: zone).write(report)
      let json = report.json.text() + "\n"
      let directory = outputDir ?? session.settings.configuration.report.outputDirectory
      if email {
        let settings = session.settings.configuration.report
        try session.write(
          ReportMail(
            from: settings.from ?? "mailtriage",
            to: settings.to ?? "postmaster",
            subject: "mailtriage \(LocalTime(zone: zone).isoDay(from)): \(report.headline)",
            text: markdown,
            html: html,
            now: session.settings.clock,
            host: ReportCommand.hostName()
          ).message
        )
      } else if let directory {
        try write(directory, LocalTime(zone: zone).isoDay(from), html, markdown, json)
      } else {
        switch options.format {
        case .html: try session.write(html)
        case .json: try session.write(json)
        case .markdown, .text: try session.write(markdown)
        }
      }
      try session.finish()
    }
  }

  /// This host's name, for the Message-ID.
  private static func hostName() -> String {
    var system = utsname()
    guard uname(&system) == 0 else { return "localhost" }
    return withUnsafeBytes(of: &system.nodename) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// The first moment of the day and of the next, in the zone.
  private func bounds(_ now: Timestamp, _ zone: TimeZone) throws -> (Timestamp, Timestamp) {
    let text = day ?? LocalTime(zone: zone).isoDay(now)
    let parts = text.split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3, CivilTime(year: parts[0], month: parts[1], day: parts[2]).isPlausible
    else { throw Refusal(.usage, "--day \(text): not a day such as 2026-11-23") }
    let time = LocalTime(zone: zone)
    return (
      time.midnight(year: parts[0], month: parts[1], day: parts[2]),
      time.midnight(year: parts[0], month: parts[1], day: parts[2] + 1)
    )
  }

  private func write(
    _ directory: String,
    _ day: String,
    _ html: String,
    _ markdown: String,
    _ json: String
  ) throws {
    if mkdir(directory, 0o755) != 0, errno != EEXIST {
      throw Refusal(.cannotCreate, "\(directory): \(String(cString: strerror(errno)))")
    }
    for (name, content) in [("html", html), ("md", markdown), ("json", json)] {
      let path = "\(directory)/report-\(day).\(name)"
      let sink = try ResultSink(path)
      try sink.write(content)
      try sink.finish()
      if !options.quiet { complain("wrote \(path)") }
    }
  }
}
