package import MailModel

/// Reads lines as `TIME TAG[PID]: TEXT`, where the time counts seconds and a tag of `-` is none, and
/// tells each event in words.
package struct EventLog<Dialect: LogDialect> {
  private var dialect: Dialect
  private let make: () -> Dialect
  private var offset: Int64 = 0
  package private(set) var outcomes: [LineOutcome] = []

  package init(_ make: @escaping () -> Dialect) {
    self.make = make
    dialect = make()
  }

  /// What a log of these lines says.
  package mutating func read(_ lines: [String]) -> [String] { lines.flatMap { read($0) } }

  /// What one more line says.
  package mutating func read(_ line: String) -> [String] {
    let bytes = Array(line.utf8)
    let words = line.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, let seconds = Double(words[0]) else { return ["no stamp: \(line)"] }
    let tag = words[1].prefix { $0 != "[" && $0 != ":" }
    let pid = words[1].drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }
    let start = words[0].utf8.count + 1
    let tagLength = tag == "-" ? 0 : tag.utf8.count
    let textStart = words.count > 2 ? bytes.count - words[2].utf8.count : bytes.count
    var events = LineEvents()
    let tagRange = start..<(start + tagLength)
    let outcome = dialect.read(
      LogLine(
        moment: Timestamp(seconds: 1_772_442_845).advanced(bySeconds: seconds),
        pid: Int32(pid) ?? 0,
        tag: tagRange,
        program: Dialect.program(tag: bytes.span.extracting(tagRange)) ?? 0,
        text: textStart..<bytes.count,
        position: LinePosition(source: 1, offset: offset)
      ),
      in: bytes.span,
      into: &events
    )
    offset += Int64(bytes.count) + 1
    outcomes.append(outcome)
    var said: [String] = []
    for index in 0..<events.count {
      var cause = ""
      if case .attempt(let attempt) = events[index] {
        cause = String(decoding: events.carried[events.causeText(of: attempt)], as: UTF8.self)
      }
      said.append(
        EventLog.words(events[index], events.whole.isEmpty ? bytes : events.whole, cause: cause)
      )
    }
    return said
  }

  /// The dialect as it is taken up again after a restart.
  package mutating func restart() {
    let state = dialect.carriedState
    dialect = make()
    dialect.restore(state)
  }

  private static func words(_ event: LogEvent, _ bytes: [UInt8], cause: String) -> String {
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    switch event {
    case .arrival(let arrival):
      var out = "arrival \(text(arrival.queueID))"
      if arrival.opensMessage { out += " opens" }
      if arrival.isTakenUp { out += " taken up" }
      if let sender = arrival.sender { out += " from <\(text(sender))>" }
      if let id = arrival.messageID { out += " id <\(text(id))>" }
      if let size = arrival.size { out += " size \(size)" }
      if let original = arrival.originalQueueID { out += " was \(text(original))" }
      return out
    case .attempt(let attempt):
      var out = "\(attempt.outcome) \(text(attempt.queueID)) <\(text(attempt.recipient))>"
      if !attempt.tried { out += " untried" }
      if !attempt.relay.isEmpty { out += " via \(text(attempt.relay))" }
      if let status = attempt.enhancedStatus { out += " \(status)" }
      if attempt.security != .unknown { out += " \(attempt.security)" }
      if !attempt.reply.isEmpty { out += " (\(text(attempt.reply)))" }
      if !cause.isEmpty { out += " because " + cause.replacing("\n", with: " / ") }
      return out
    case .ended(let id): return "ended \(text(id))"
    case .expired(let id, let forced): return "expired \(text(id))" + (forced ? " forced" : "")
    case .held(let id): return "held \(text(id))"
    case .released(let id): return "released \(text(id))"
    case .notification(let notice):
      return "\(notice.kind) of \(text(notice.queueID))"
        + (notice.noticeID.map { " is \(text($0))" } ?? "")
    case .marker(let marker): return "marker \(marker.kind)"
    case .sessionFailure(let failure): return "session failure: \(text(failure.text))"
    }
  }
}
