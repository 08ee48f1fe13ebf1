package import MailModel

/// Reads what sendmail logs on one host.
///
///     sm-mta[3010]: 6ANCNKJr001109: to=<b@example.net>, delay=00:05:18, xdelay=00:00:01,
///         mailer=esmtp, relay=mx.example.net. [192.0.2.1], dsn=4.0.0, stat=Deferred: 454 4.7.0 …
///
/// TLS lines carry no queue id: they join the next result that the same process logs for the same
/// relay. Source: Sendmail sendmail/deliver.c (logdelivery), sendmail/tls.c, cf/m4/proto.m4.
package struct SendmailDialect: LogDialect {
  /// What each process said about its session.
  var sessions: [Int32: SendmailSession] = [:]
  /// Whether this host logs its TLS sessions.
  var logsTLS = false

  /// Processes remembered at most.
  static let memoryLimit = 4096

  package init() {}

  package static func claims(tag: Span<UInt8>) -> Bool {
    for name: StaticString in [
      "sm-mta", "sendmail", "sm-msp-queue", "sm-acceptingconnections", "sm-que", "sm-msp",
    ] where tag.equals(name, in: 0..<tag.count) {
      return true
    }
    return false
  }

  package static func claimsUntagged(_ text: Span<UInt8>) -> Bool { false }

  package mutating func read(
    _ line: LogLine,
    in bytes: Span<UInt8>,
    into events: inout [LogEvent]
  ) -> LineOutcome {
    let end = line.text.upperBound
    guard let id = SendmailQueueID.leading(bytes, in: line.text) else {
      return sessionLine(line, bytes, &events)
    }
    let at = id.upperBound + 2
    if bytes.has("to=", at: at, to: end) {
      return result(line, bytes, id: id, from: at + 3, &events)
    }
    if bytes.has("from=", at: at, to: end) {
      return arrival(bytes, id: id, from: at + 5, to: end, &events)
    }
    if bytes.has("ruleset=", at: at, to: end) {
      noteRejection(line, bytes, text: at..<end)
      return .understood
    }
    if let notice = SendmailQueueID.leading(bytes, in: at..<end) {
      return self.notice(bytes, id: id, notice: notice, to: end, &events)
    }
    if bytes.has("done; ", at: at, to: end) { events.append(.ended(queueID: id)) }
    if bytes.has("quarantine", at: at, to: end) { events.append(.held(queueID: id)) }
    return SendmailChatter.isNote(bytes, min(at, end)..<end) ? .understood : .notUnderstood
  }

  package var carriedState: [UInt8] {
    guard !sessions.isEmpty || logsTLS else { return [] }
    var state = CarriedStateWriter()
    state.write(Int64(logsTLS ? 1 : 0))
    let kept = sessions.sorted { ($0.value.moment, $0.key) > ($1.value.moment, $1.key) }.prefix(512)
    state.write(Int64(kept.count))
    for (pid, session) in kept.sorted(by: { $0.key < $1.key }) {
      state.write(Int64(pid))
      session.write(to: &state)
    }
    return state.bytes
  }

  package mutating func restore(_ state: [UInt8]) {
    var reader = CarriedStateReader(state)
    guard let logs = reader.number(), let count = reader.number(), count >= 0, count <= 512 else {
      return
    }
    logsTLS = logs == 1
    for _ in 0..<count {
      guard let pid = reader.number(), let session = SendmailSession(from: &reader) else { return }
      sessions[Int32(truncatingIfNeeded: pid)] = session
    }
  }

  mutating func store(_ session: SendmailSession, pid: Int32) {
    if sessions.count >= SendmailDialect.memoryLimit, sessions[pid] == nil {
      let moments = sessions.values.map(\.moment).sorted()
      let limit = moments[moments.count / 4]
      sessions = sessions.filter { $0.value.moment > limit }
    }
    sessions[pid] = session
  }
}

/// What a process said about its session with one relay.
struct SendmailSession: Sendable {
  /// The relay's name, lower case, no trailing dot.
  var relay: [UInt8] = []
  /// Failure lines.
  var cause: [UInt8] = []
  var causePosition: LinePosition?
  /// Lines that say what is wrong with a certificate; they are causes only where a rule rejects it.
  var advice: [UInt8] = []
  var advicePosition: LinePosition?
  var security: TransportSecurity = .unknown
  var moment: Timestamp

  static let limit = 1024
  /// The longest that a session lasts between its handshake and its result.
  static let patience = 3600.0

  init(relay: [UInt8], moment: Timestamp) {
    self.relay = relay
    self.moment = moment
  }

  mutating func addCause(_ line: [UInt8], at position: LinePosition) {
    if causePosition == nil { causePosition = advicePosition ?? position }
    for part in [advice, line] where !part.isEmpty && cause.count < SendmailSession.limit {
      if !cause.isEmpty { cause.append(0x0a) }
      cause.append(contentsOf: part.prefix(SendmailSession.limit - cause.count))
    }
    advice = []
  }

  mutating func addAdvice(_ line: [UInt8], at position: LinePosition) {
    if advicePosition == nil { advicePosition = position }
    guard advice.count < SendmailSession.limit else { return }
    if !advice.isEmpty { advice.append(0x0a) }
    advice.append(contentsOf: line.prefix(SendmailSession.limit - advice.count))
  }

  func write(to state: inout CarriedStateWriter) {
    state.write(relay)
    state.write(cause)
    state.write(causePosition)
    state.write(advice)
    state.write(advicePosition)
    state.write(Int64(security.rawValue))
    state.write(moment.microseconds)
  }

  init?(from state: inout CarriedStateReader) {
    guard let relay = state.field(), let cause = state.field(), let position = state.position(),
      let advice = state.field(), let advicePosition = state.position(),
      let security = state.number(), let moment = state.number()
    else { return nil }
    self.relay = relay
    self.cause = cause
    causePosition = position
    self.advice = advice
    self.advicePosition = advicePosition
    self.security = TransportSecurity(rawValue: Int(clamping: security)) ?? .unknown
    self.moment = Timestamp(microseconds: moment)
  }
}

/// Sendmail's queue ids: eight characters of time and sequence, then the process id.
enum SendmailQueueID {
  /// The id at the start of `range` where `: ` follows.
  static func leading(_ bytes: Span<UInt8>, in range: Range<Int>) -> Range<Int>? {
    let start = range.lowerBound
    for length in [14, 15, 16] {
      let end = start + length
      guard end + 1 < range.upperBound, bytes[end] == UInt8(ascii: ":"), bytes[end + 1] == 0x20
      else { continue }
      var isID = true
      for index in start..<end {
        let byte = bytes[index]
        let isDigit = byte >= 48 && byte <= 57
        let isLetter = (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
        if !(isDigit || (isLetter && index < start + 8)) { isID = false }
      }
      if isID { return start..<end }
    }
    return nil
  }

  /// When the message with this id arrived: year, month, day, hour, minute and second are a character
  /// each, in UTC. Nil where the id has another shape. Source: sendmail/queue.c (assign_queueid).
  static func creation(_ id: String, near: Timestamp) -> Timestamp? {
    let digits = id.utf8.prefix(6).compactMap { byte -> Int? in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 55
      case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte) - 61
      default: nil
      }
    }
    guard digits.count == 6 else { return nil }
    // The year is counted from 1900, modulo 60.
    let now = CivilTime(near).year
    guard let year = (now - 59...now + 1).last(where: { ($0 - 1900) % 60 == digits[0] }) else {
      return nil
    }
    var time = CivilTime(year: year, month: digits[1] + 1, day: digits[2])
    time.hour = digits[3]
    time.minute = digits[4]
    time.second = digits[5]
    return time.isPlausible ? time.timestamp() : nil
  }
}
