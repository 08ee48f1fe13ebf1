package import MailModel

/// Reads Exim's mainlog (and paniclog), from its file or through syslog.
///
///     1vwzLp-000000005mQ-0W7E == bob@example.net R=dnslookup T=remote_smtp defer (-37)
///         H=mx.example.net [198.51.100.7]: TLS session: (certificate verification failed): …
///
/// TLS lines of the client carry the message id; what they say joins that message's next result.
/// Source: the Exim specification, chapter 53; src/log.c, src/deliver.c, src/transports/smtp.c.
package struct EximDialect: LogDialect {
  /// Failure lines by message id, until its next result.
  var pending = RecentTable<ShortID, EximPending>()
  /// Lines that came through syslog in pieces.
  private var pieces = EximPieces()
  /// The last result of each process that logs through syslog.
  private var lastResults = RecentTable<Int32, EximLastResult>()

  package init() {}

  package static func program(tag: Span<UInt8>) -> Int? {
    tag.equals("exim", in: 0..<tag.count) || tag.equals("exim4", in: 0..<tag.count) ? 0 : nil
  }

  package static func claimsUntagged(_ text: Span<UInt8>) -> Bool {
    if EximMessageID.at(0, in: text, to: text.count) != nil { return true }
    for start: StaticString in [
      "Start queue run", "End queue run", "exim ", "SMTP connection ", "TLS error on connection",
      "no host name found", "H=", "rejected ", "unexpected disconnection", "SMTP ", "no IP address",
      "SIGHUP", "Warning: purging", "cwd=", "SMTP protocol", "Unfrozen", "Connection from",
      "no MAIL in", "[", "refused ", "pid ", "daemon ", "lost incoming", "host ", "Failed to",
      "U=", "failed to",
    ] where text.has(start, at: 0, to: text.count) {
      return true
    }
    return false
  }

  package mutating func read(
    _ line: LogLine,
    in bytes: Span<UInt8>,
    into events: inout LineEvents
  ) -> LineOutcome {
    guard !line.tag.isEmpty, let piece = EximPiece(bytes, line.text) else {
      return readWhole(line, in: bytes, into: &events)
    }
    switch pieces.take(piece, of: line, in: bytes) {
    case .waits: return .understood
    case .stray: return .notUnderstood
    case .whole(let whole):
      events.replaceLine(with: whole.bytes, at: whole.position)
      var joined = line
      joined.tag = whole.tag
      joined.text = whole.textStart..<whole.bytes.count
      joined.position = whole.position
      return readWhole(joined, in: whole.bytes.span, into: &events)
    }
  }

  private mutating func readWhole(
    _ line: LogLine,
    in bytes: Span<UInt8>,
    into events: inout LineEvents
  ) -> LineOutcome {
    let start = EximDialect.withoutOwnStamp(bytes, line.text)
    let end = line.text.upperBound
    guard let id = EximMessageID.at(start, in: bytes, to: end) else {
      return serverLine(line, bytes, start..<end, &events)
    }
    let rest = min(id.upperBound + 1, end)
    guard rest + 2 < end else { return .understood }
    if !line.tag.isEmpty, isRepeat(line, bytes, id.lowerBound..<end, flag: rest) {
      return .understood
    }
    switch (bytes[rest], bytes[rest + 1]) {
    case (UInt8(ascii: "<"), UInt8(ascii: "=")):
      return arrival(line, bytes, id: id, from: rest + 3, &events)
    case (UInt8(ascii: "="), UInt8(ascii: ">")), (UInt8(ascii: "-"), UInt8(ascii: ">")),
      (UInt8(ascii: ">"), UInt8(ascii: ">")), (UInt8(ascii: "*"), UInt8(ascii: ">")):
      return delivered(line, bytes, id: id, from: rest + 3, &events)
    case (UInt8(ascii: "="), UInt8(ascii: "=")):
      return deferred(line, bytes, id: id, from: rest + 3, &events)
    case (UInt8(ascii: "*"), UInt8(ascii: "*")):
      return failed(line, bytes, id: id, from: rest + 3, &events)
    case (UInt8(ascii: "("), UInt8(ascii: "=")): return .understood
    default: return note(line, bytes, id: id, from: rest, &events)
    }
  }

  /// Whether a process logs a failure for the second time, right behind the first.
  private mutating func isRepeat(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ text: Range<Int>,
    flag: Int
  ) -> Bool {
    guard bytes[flag] == bytes[flag + 1],
      bytes[flag] == UInt8(ascii: "=") || bytes[flag] == UInt8(ascii: "*")
    else { return false }
    let said = EximLastResult(bytes, text, at: line.moment)
    if let place = lastResults.place(of: line.pid), said.repeats(lastResults[place]) {
      lastResults.remove(line.pid)
      return true
    }
    lastResults.set(line.pid, said)
    return false
  }

  /// Through syslog the line brings its own stamp, unless `syslog_timestamp` is off.
  static func withoutOwnStamp(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Int {
    guard text.count > 20, bytes[text.lowerBound + 4] == UInt8(ascii: "-"),
      let (_, after) = CivilTime.parse(bytes, from: text.lowerBound),
      after < text.upperBound, bytes[after] == 0x20
    else { return text.lowerBound }
    var at = after + 1
    if let (_, zoneEnd) = Timestamp.zoneOffset(bytes, from: at), zoneEnd < text.upperBound,
      bytes[zoneEnd] == 0x20
    {
      at = zoneEnd + 1
    }
    if bytes[at] == UInt8(ascii: "["),
      let (_, close) = bytes.number(at: at + 1, to: text.upperBound),
      close + 1 < text.upperBound, bytes[close] == UInt8(ascii: "]")
    {
      at = close + 2
    }
    return at
  }

  // MARK: - State

  package var carriedState: [UInt8] {
    guard !pending.isEmpty || !pieces.lines.isEmpty || !lastResults.isEmpty else { return [] }
    var state = CarriedStateWriter()
    let kept = pending.newest(512)
    state.write(Int64(kept.count))
    for (id, one) in kept {
      state.write(id.bytes)
      one.write(to: &state)
    }
    pieces.write(to: &state)
    let results = lastResults.newest(64)
    state.write(Int64(results.count))
    for (pid, result) in results {
      state.write(Int64(pid))
      state.write(result.moment.microseconds)
      state.write(Int64(bitPattern: result.text))
    }
    return state.bytes
  }

  package mutating func forget(allBut count: Int) { pending.forget(allBut: count) }

  package mutating func restore(_ state: [UInt8]) {
    var reader = CarriedStateReader(state)
    guard let count = reader.number(), count >= 0, count <= 512 else { return }
    for _ in 0..<count {
      guard let id = reader.field(), let one = EximPending(from: &reader) else { return }
      pending.set(ShortID(id), one)
    }
    pieces.restore(from: &reader)
    guard let results = reader.number(), results >= 0, results <= 64 else { return }
    for _ in 0..<results {
      guard let pid = reader.number(), let moment = reader.number(), let text = reader.number()
      else { return }
      var result = EximLastResult(moment: Timestamp(microseconds: moment))
      result.text = UInt64(bitPattern: text)
      lastResults.set(Int32(truncatingIfNeeded: pid), result)
    }
  }
}

/// What lines about a message said before its next result.
struct EximPending: Recent, Sendable {
  var cause: [UInt8] = []
  var causePosition: LinePosition?
  /// A recipient failed for good: the next notice is an NDR.
  var hasFailed = false
  /// A result has taken the cause over.
  var isUsed = false
  var moment: Timestamp

  /// A kibibyte: what a person reads and a rule needs.
  static let causeLimit = 1024
  static let patience = 3600.0

  mutating func add(_ line: [UInt8], at position: LinePosition) {
    if causePosition == nil { causePosition = position }
    guard cause.count < EximPending.causeLimit else { return }
    if !cause.isEmpty { cause.append(0x0a) }
    cause.append(contentsOf: line.prefix(EximPending.causeLimit - cause.count))
  }

  func write(to state: inout CarriedStateWriter) {
    state.write(cause)
    state.write(causePosition)
    state.write(Int64((hasFailed ? 1 : 0) | (isUsed ? 2 : 0)))
    state.write(moment.microseconds)
  }

  init(moment: Timestamp) { self.moment = moment }

  mutating func restart(at moment: Timestamp) { self = EximPending(moment: moment) }

  init?(from state: inout CarriedStateReader) {
    guard let cause = state.field(), let position = state.position(), let failed = state.number(),
      let moment = state.number()
    else { return nil }
    self.cause = cause
    causePosition = position
    hasFailed = failed & 1 == 1
    isUsed = failed & 2 == 2
    self.moment = Timestamp(microseconds: moment)
  }
}
