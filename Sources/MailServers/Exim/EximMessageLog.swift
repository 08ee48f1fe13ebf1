import MailModel

/// What `msglog/ID` says of a waiting message: the lines of the main log that concern it, without its
/// id and without `==`.
///
///     2026-11-23 12:18:37 finn@b.example R=dnslookup T=remote_smtp defer (-44) H=mx.b.example
///         [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<finn@b.example>: 452 …
///
/// Source: the Exim specification, chapter 57 (message log); src/deliver.c.
struct EximMessageLog {
  /// The last reason by recipient, lower case. One of a real attempt stays before "retry time not
  /// reached", which says nothing new.
  private(set) var reasons: [String: (reason: String, status: EnhancedStatusCode?)] = [:]

  /// Bytes that are read, from the end of the file.
  static let tail = 64 << 10

  /// Reads the end of the log of message `id`.
  init(_ bytes: [UInt8], id: String) {
    var dialect = EximDialect()
    for line in bytes.suffix(EximMessageLog.tail).split(separator: UInt8(ascii: "\n")) {
      guard let logLine = EximMessageLog.mainLogLine(Array(line), id: id) else { continue }
      var events = LineEvents()
      let read = LogLine(
        moment: Timestamp(seconds: 0),
        pid: 0,
        tag: 0..<0,
        text: 0..<logLine.count,
        position: LinePosition(source: 0, offset: 0)
      )
      _ = dialect.read(read, in: logLine.span, into: &events)
      for index in 0..<events.count {
        if case .attempt(let attempt) = events[index] { note(attempt, of: logLine) }
      }
    }
  }

  private mutating func note(_ attempt: LoggedAttempt, of line: [UInt8]) {
    func text(_ range: Range<Int>) -> String {
      String(decoding: line[range.clamped(to: 0..<line.count)], as: UTF8.self)
    }
    let recipient = text(attempt.recipient).lowercased()
    guard attempt.outcome == .deferred, attempt.tried || reasons[recipient] == nil else { return }
    reasons[recipient] = (text(attempt.reply), attempt.enhancedStatus)
  }

  /// The line as the main log has it, without its stamp: `ID == address …` for a deferral.
  private static func mainLogLine(_ line: [UInt8], id: String) -> [UInt8]? {
    let span = line.span
    guard let (_, stampEnd) = CivilTime.parse(span, from: 0) else { return nil }
    var start = stampEnd + 1
    if let (_, zoneEnd) = Timestamp.zoneOffset(span, from: start) { start = zoneEnd + 1 }
    guard start < line.count else { return nil }
    let said = line[start...]
    let isDeferral =
      String(decoding: said, as: UTF8.self).contains(" defer (")
      && said.prefix { $0 != UInt8(ascii: " ") }.contains(UInt8(ascii: "@"))
    return Array((id + (isDeferral ? " == " : " ")).utf8) + said
  }
}
