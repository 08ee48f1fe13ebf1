import ArgumentParser
import FoundationEssentials
import Intake
import MailModel
import Reporting
import Store
import Triage

/// `mailtriage analyze`: reads what is new, and says which destinations are in trouble, why, since
/// when, what it will cost, and what to do.
struct Analyze: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analyze",
    abstract: "Reads logs and queues and says what is wrong and what to do (the main job).",
    discussion: """
      What was read before is not read again. With no path this machine's own server is looked at.

      Examples:
        mailtriage analyze /var/log/mail.log --mta-config /etc/postfix/main.cf
        mailtriage analyze /var/log/exim4 --spool /var/spool/exim4 --since 36h
        journalctl -o json -u postfix | mailtriage analyze - --format json
      """
  )

  @Argument(help: "Files, directories, `-` for standard input, or `journal:`.")
  var paths: [String] = []

  @OptionGroup var options: SharedOptions

  @Flag(help: "List each message (JSON).")
  var messages = false

  func run() throws {
    try refusing {
      let session = try Session(options)
      try session.ingest(paths)
      let analysis = try session.analysis()
      let redaction = Redaction(isOn: options.redact)
      switch options.format {
      case .json: try writeJSON(session, analysis, redaction)
      case .markdown, .html, .text:
        let page = TriagePage(analysis, inputs: session.reports, zone: session.settings.zone)
        let shown = options.format == .text ? page.screen : page.document
        try session.write(shown, width: TriagePage.columns)
      }
      if options.verbose { try session.showLinesNotUnderstood(redaction) }
      try session.finish()
    }
  }

  private func writeJSON(_ session: Session, _ analysis: Analysis, _ redaction: Redaction) throws {
    var document = analysis.json
    document["inputs"] = .array(session.reports.map(\.json))
    let head = JSONValue.object(document).text()
    guard messages else {
      try session.write(redaction.apply(head) + "\n")
      return
    }
    // The messages are streamed behind the rest: there may be millions.
    let sink = try ResultSink(options.output)
    try sink.write(redaction.apply(String(head.dropLast())) + ",\"messages\":[")
    var listing = MessageListing(classifier: try session.builder().classifier)
    var isFirst = true
    try session.answering {
      try session.store.forEachMessage(in: session.settings.window) { message in
        let text = listing.json(message).text()
        try sink.write((isFirst ? "" : ",") + redaction.apply(text))
        isFirst = false
      }
    }
    try sink.write("]}\n")
    try sink.finish()
  }
}

extension InputReport {
  var json: JSONValue {
    .object([
      "path": .string(path), "kind": .string(kind.rawValue), "format": JSONValue(format),
      "lines": .int(lines), "recognized": .int(recognized), "unrecognized": .int(unrecognized),
      "bytes": .int(Int(bytes)), "new_lines": .int(newLines),
      "errors": .array(
        troubles.filter { $0.kind != .note }.map {
          .object([
            "path": .string($0.trouble.path), "reason": .string($0.trouble.reason),
            "offset": $0.trouble.offset.map { .int(Int($0)) } ?? .null,
          ])
        }
      ),
    ])
  }
}
