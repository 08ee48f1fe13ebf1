import ArgumentParser
import FoundationEssentials
import Glibc
import MailModel
import Reporting
import Triage

/// `mailtriage report`: the daily report, as HTML, Markdown and JSON, or as a mail.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes the daily report: HTML, Markdown and JSON, or a mail for sendmail -t."
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
      let report = try session.answering {
        try ReportBuilder(
          store: session.store,
          builder: try session.builder(),
          zone: zone,
          isRedacted: redaction.isOn
        ).report(from: from, to: to)
      }
      let html = redaction.apply(try ReportWriter(format: .html, zone: zone).write(report))
      let markdown = redaction.apply(try ReportWriter(format: .markdown, zone: zone).write(report))
      let json = redaction.apply(report.json.text()) + "\n"
      let directory = outputDir ?? session.settings.configuration.report.outputDirectory
      if email {
        let settings = session.settings.configuration.report
        printResult(
          ReportMail(
            from: settings.from ?? "mailtriage",
            to: settings.to ?? "postmaster",
            subject: report.headline,
            text: markdown,
            html: html,
            now: session.settings.now
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

  /// The first moment of the day and of the next, in the zone.
  private func bounds(_ now: Timestamp, _ zone: TimeZone) throws -> (Timestamp, Timestamp) {
    let text = day ?? LocalTime(zone: zone).isoDay(now)
    let parts = text.split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3, CivilTime(year: parts[0], month: parts[1], day: parts[2]).isPlausible
    else { throw Refusal(.usage, "--day \(text): not a day such as 2026-11-23") }
    let naive = CivilTime(year: parts[0], month: parts[1], day: parts[2]).timestamp()
    func local(_ moment: Timestamp) -> Timestamp {
      let guess = Date(timeIntervalSince1970: Double(moment.seconds))
      let offset = zone.secondsFromGMT(for: guess)
      return moment.advanced(bySeconds: -Double(offset))
    }
    return (local(naive), local(naive.advanced(bySeconds: 86_400)))
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

/// The report as a mail: plain text and HTML, ready for `sendmail -t` (RFC 2045, RFC 2046).
struct ReportMail {
  var from: String
  var to: String
  var subject: String
  var text: String
  var html: String
  var now: Timestamp

  var message: String {
    let boundary = "=_mailtriage_\(now.microseconds)"
    return """
      From: \(OutsideText(from).header())
      To: \(OutsideText(to).header())
      Subject: \(OutsideText("mailtriage: " + subject).header(limit: 180))
      Date: \(date)
      MIME-Version: 1.0
      Auto-Submitted: auto-generated
      Content-Type: multipart/alternative; boundary="\(boundary)"

      --\(boundary)
      Content-Type: text/plain; charset=utf-8
      Content-Transfer-Encoding: base64

      \(ReportMail.base64(text))
      --\(boundary)
      Content-Type: text/html; charset=utf-8
      Content-Transfer-Encoding: base64

      \(ReportMail.base64(html))
      --\(boundary)--

      """
  }

  private var date: String {
    let civil = CivilTime(now)
    let time = LocalTime(zone: TimeZone(secondsFromGMT: 0) ?? .current)
    let words = time.long(now).split(separator: " ")
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(words[0]), \(words[1]) \(words[2]) \(words[3]) "
      + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) +0000"
  }

  /// Base64 in lines of 76 characters.
  private static func base64(_ text: String) -> String {
    let encoded = Array(Data(text.utf8).base64EncodedString().utf8)
    return stride(from: 0, to: encoded.count, by: 76).map {
      String(decoding: encoded[$0..<min($0 + 76, encoded.count)], as: UTF8.self)
    }.joined(separator: "\n")
  }
}
