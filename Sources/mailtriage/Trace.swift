import ArgumentParser
import Intake
import MailModel
import Reporting
import Store
import Triage

/// `mailtriage trace`: the whole life of messages, raw lines included.
struct Trace: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract:
      "Shows the whole life of the messages that match a queue id, Message-ID, address or domain.",
    discussion: """
      Looks in the database, so that what analyze has read is found after the log is gone.

      Examples:
        mailtriage trace 4Zx1Bk2mTz9vN
        mailtriage trace ann@example.com example.org --redact
      """
  )

  @Argument(help: "Queue ids, Message-IDs, addresses or domains.")
  var terms: [String]

  @OptionGroup var options: SharedOptions

  func run() throws {
    try refusing {
      let session = try Session(options)
      let redaction = Redaction(isOn: options.redact)
      var found: [StoredMessage] = []
      for term in terms {
        for message in try session.answering({ try session.store.messages(matching: term) })
        where !found.contains(message) {
          found.append(message)
        }
      }
      guard !found.isEmpty else {
        throw Refusal(
          .noInput,
          "no message matches \(terms.joined(separator: ", ")) in \(session.settings.databasePath); "
            + "analyze its log first, or name another --database"
        )
      }
      switch options.format {
      case .json:
        var listing = MessageListing(classifier: try session.builder().classifier)
        var documents: [JSONValue] = []
        for message in found {
          var document = listing.json(message)
          if case .object(var fields) = document {
            fields["lines"] = .array(try lines(message, session).map { JSONValue.string($0) })
            document = .object(fields)
          }
          documents.append(document)
        }
        let json = JSONValue.object([
          "schema": .string("mailtriage.trace/1"), "messages": .array(documents),
        ])
        try session.write(json)
      case .html:
        let time = LocalTime(zone: session.settings.zone)
        let blocks = try found.flatMap { message in
          [.heading(message.queueID), .code(try text(message, session, time, redaction))]
            as [Page.Block]
        }
        try session.write(try Page(title: "mailtriage trace", blocks).html())
      case .text, .markdown:
        let time = LocalTime(zone: session.settings.zone)
        let sink = try ResultSink(options.output)
        for message in found {
          try sink.write(options.format.framed(try text(message, session, time, redaction)))
        }
        try sink.finish()
      }
      try session.finish()
    }
  }

  private func lines(_ message: StoredMessage, _ session: Session) throws -> [String] {
    var positions: [LinePosition] = []
    for attempt in message.recipients.flatMap(\.attempts).sorted(by: { $0.at < $1.at }) {
      for position in [attempt.causePosition, attempt.position].compactMap({ $0 })
      where !positions.contains(position) {
        positions.append(position)
      }
    }
    positions += message.notifications.map(\.position)
    return try session.answering { try read(Array(positions.prefix(400)), session.store) }
  }

  /// The lines at these positions, packed logs unpacked for them; what is gone is left out.
  private func read(_ positions: [LinePosition], _ store: TriageStore) throws -> [String] {
    var lines = try positions.map { try store.line(at: $0)?.text }
    let missing = positions.indices.filter { lines[$0] == nil }
    guard !missing.isEmpty else { return lines.compactMap { $0 } }
    let paths = Dictionary(
      try store.sources().map { ($0.id, $0.path) },
      uniquingKeysWith: { first, _ in first }
    )
    for (source, indices) in Dictionary(grouping: missing, by: { positions[$0].source }) {
      guard let path = paths[source] else { continue }
      let found = PackedLines.lines(path: path, at: indices.map { positions[$0].offset })
      for index in indices { lines[index] = found[positions[index].offset] }
    }
    return lines.compactMap { $0 }
  }

  private func text(
    _ message: StoredMessage,
    _ session: Session,
    _ time: LocalTime,
    _ redaction: Redaction
  ) throws -> String {
    // Before it is cut: what is left of an address would not be known for one.
    func safe(_ text: String?) -> String {
      OutsideText(redaction.apply(text ?? "?")).terminal(limit: 300)
    }
    // A Message-ID without an `@` is told by its field alone.
    let head = safe("from <\(message.sender ?? "?")>, Message-ID <\(message.messageID ?? "?")>")
    var out =
      "\(safe(message.queueID)) on \(safe(message.host)) (\(message.server)), \(head), "
      + "arrived \(time.long(message.arrivedAt))\n"
    for recipient in message.recipients {
      out += "  to <\(safe(recipient.address))>: \(recipient.status.rawValue)\n"
      for attempt in recipient.attempts {
        let relay = attempt.relay.isEmpty ? "no connection" : safe(attempt.relay)
        out +=
          "    \(time.short(attempt.at))  \(attempt.outcome.name)\(attempt.tried ? "" : " (not tried)")"
          + "  \(relay)  \(safe(attempt.reply))\n"
        for cause in attempt.cause.split(separator: "\n") {
          out += "      before it: \(safe(String(cause)))\n"
        }
      }
    }
    for notice in message.notifications {
      let kind =
        switch notice.kind {
        case .nonDelivery: "NDR"
        case .delay: "delay warning"
        case .success: "delivery notice"
        }
      out += "  \(time.short(notice.at))  \(kind) \(safe(notice.noticeID ?? ""))\n"
    }
    let raw = try lines(message, session)
    if !raw.isEmpty {
      out += "  lines:\n" + raw.map { "    " + safe($0) + "\n" }.joined()
    }
    return out + "\n"
  }
}
