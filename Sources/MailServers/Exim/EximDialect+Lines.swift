import MailModel

extension EximDialect {
  /// `<= sender H=… P=… S=1834 id=…`; `<= <> R=ID …` is a notice about ID.
  mutating func arrival(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    from start: Int,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let end = line.text.upperBound
    let stop = bytes.firstIndex(of: 0x20, from: start, to: end) ?? end
    var sender = start..<stop
    if bytes.equals("<>", in: sender) { sender = start..<start }
    let fields = EximFields(bytes, from: stop, to: end)
    var arrival = Arrival(queueID: id, opensMessage: true, sender: sender)
    arrival.size = fields.value("S").flatMap {
      bytes.number(at: $0.lowerBound, to: $0.upperBound)?.value
    }
    arrival.messageID = fields.value("id")
    if sender.isEmpty, let about = fields.value("R"),
      EximMessageID.at(about.lowerBound, in: bytes, to: about.upperBound) != nil
    {
      arrival.originalQueueID = about
      let key = bytes.bytes(about)
      let kind: LoggedNotification.Kind = pending[key]?.hasFailed == true ? .nonDelivery : .delay
      pending[key]?.hasFailed = false
      events.append(.arrival(arrival))
      events.append(.notification(LoggedNotification(queueID: about, noticeID: id, kind: kind)))
      return .understood
    }
    events.append(.arrival(arrival))
    return .understood
  }

  /// `=> address <original> R=… T=… H=host [ip] X=… CV=… C="…"`.
  mutating func delivered(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    from start: Int,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let end = line.text.upperBound
    let (recipient, after) = address(bytes, from: start, to: end)
    guard !recipient.isEmpty else { return .notUnderstood }
    let fields = EximFields(bytes, from: after, to: end)
    var security = TransportSecurity.unknown
    if let suite = fields.value("X"), !suite.isEmpty {
      let verified = fields.value("CV").map {
        bytes.equals("yes", in: $0) || bytes.equals("dane", in: $0)
      }
      security = verified == true ? .authenticated : .encrypted
    } else if fields.host != nil {
      security = .clear
    }
    let known = takePending(bytes, id, relay: fields.host)
    events.append(
      .attempt(
        LoggedAttempt(
          queueID: id,
          recipient: recipient,
          outcome: .delivered,
          relay: fields.host ?? 0..<0,
          reply: fields.value("C") ?? 0..<0,
          security: security,
          cause: security == .clear ? known.map { events.carry($0.cause) } ?? 0..<0 : 0..<0,
          causePosition: security == .clear ? known?.causePosition : nil
        )
      )
    )
    return .understood
  }

  /// `== address R=… T=… defer (-37): errno text H=host [ip] DT=0s: what happened`.
  mutating func deferred(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    from start: Int,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let end = line.text.upperBound
    let (recipient, after) = address(bytes, from: start, to: end)
    guard !recipient.isEmpty,
      let mark = bytes.firstIndex(of: "defer (", from: after, to: end),
      let close = bytes.firstIndex(of: UInt8(ascii: ")"), from: mark, to: end)
    else { return .notUnderstood }
    let isNegative = bytes[min(mark + 7, end - 1)] == UInt8(ascii: "-")
    let number = bytes.number(at: mark + (isNegative ? 8 : 7), to: close)?.value ?? 0
    // -51 to -54: the retry time was not reached, and nobody was asked. Source: src/macros.h.
    let isTried = !(isNegative && number >= 51)
    let fields = EximFields(bytes, from: close, to: end)
    let reply = detail(bytes, from: close + 1, to: end)
    let known = isTried ? takePending(bytes, id, relay: fields.host) : nil
    events.append(
      .attempt(
        LoggedAttempt(
          queueID: id,
          recipient: recipient,
          outcome: .deferred,
          tried: isTried,
          relay: fields.host ?? 0..<0,
          reply: reply,
          enhancedStatus: EximDialect.enhancedStatus(bytes, reply),
          cause: known.map { events.carry($0.cause) } ?? 0..<0,
          causePosition: known?.causePosition
        )
      )
    )
    return .understood
  }

  /// `** address F=<…> R=… T=… H=…: what happened`; running out of time is one of its texts.
  mutating func failed(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    from start: Int,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let end = line.text.upperBound
    let (recipient, after) = address(bytes, from: start, to: end)
    guard !recipient.isEmpty else { return .notUnderstood }
    let rest = after..<end
    let isExpired =
      bytes.has("retry timeout exceeded", in: rest)
      || bytes.has("have been failing for a long time", in: rest)
      || bytes.has("cancelled by timeout_frozen_after", in: rest)
    let fields = EximFields(bytes, from: after, to: end)
    let reply = failureText(bytes, rest)
    let known = takePending(bytes, id, relay: fields.host)
    var marked = EximPending(moment: line.moment)
    marked.hasFailed = true
    store(marked, bytes.bytes(id))
    events.append(
      .attempt(
        LoggedAttempt(
          queueID: id,
          recipient: recipient,
          outcome: isExpired ? .expired : .bounced,
          tried: !isExpired && fields.host != nil,
          relay: fields.host ?? 0..<0,
          reply: reply,
          enhancedStatus: EximDialect.enhancedStatus(bytes, reply),
          cause: known.map { events.carry($0.cause) } ?? 0..<0,
          causePosition: known?.causePosition
        )
      )
    )
    return .understood
  }

  /// A line about a message without a flag.
  mutating func note(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    from start: Int,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let end = line.text.upperBound
    let text = start..<end
    if bytes.has("Completed", at: start, to: end) {
      pending[bytes.bytes(id)] = nil
      events.append(.ended(queueID: id))
    } else if bytes.has("Frozen", at: start, to: end) {
      events.append(.held(queueID: id))
    } else if bytes.has("Unfrozen", at: start, to: end)
      || bytes.has("removed by", at: start, to: end)
    {
      events.append(.released(queueID: id))
    } else if isCause(bytes, text) {
      let key = bytes.bytes(id)
      var known = pending[key] ?? EximPending(moment: line.moment)
      if known.isUsed || line.moment.seconds(since: known.moment) > EximPending.patience {
        known = EximPending(moment: line.moment)
      }
      known.moment = line.moment
      known.add(bytes.bytes(text), at: line.position)
      store(known, key)
    } else {
      return EximChatter.isNote(bytes, text) ? .understood : .notUnderstood
    }
    return .understood
  }

  /// Lines that say why the next result is what it is. A peer that closes without saying goodbye
  /// after a delivery is no failure.
  private func isCause(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    let start = text.lowerBound
    let end = text.upperBound
    if bytes.has("(recv): The TLS connection", in: text)
      || bytes.has("(recv): Error in the", in: text)
      || bytes.has("(send): ", in: text) || bytes.has("Function was interrupted", in: text)
    {
      return false
    }
    for opening: StaticString in [
      "TLS session: ", "TLS session failure", "DANE attempt failed", "DANE error", "TLS error on",
      "Server certificate revoked",
    ] where bytes.has(opening, at: start, to: end) {
      return true
    }
    if bytes.has("SSL verify error", in: text) { return true }
    guard bytes.has("H=", at: start, to: end) else { return false }
    return bytes.has("TLS", in: text) || bytes.has("SMTP error from remote", in: text)
      || bytes.has("DANE", in: text)
  }

  /// Lines of the server itself.
  func serverLine(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ text: Range<Int>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let start = text.lowerBound
    let end = text.upperBound
    if bytes.has("Start queue run", at: start, to: end) {
      events.append(.marker(ServerMarker(.queueRun)))
    } else if bytes.has("daemon started", in: text) {
      events.append(.marker(ServerMarker(.started)))
    } else if bytes.has("SIGHUP received", in: text) {
      events.append(.marker(ServerMarker(.reloaded)))
    } else if bytes.has("TLS error on connection from", at: start, to: end) {
      events.append(
        .sessionFailure(
          LoggedSessionFailure(side: .receiving, peer: start..<start, text: text)
        )
      )
    } else {
      return EximChatter.isServerLine(bytes, text) ? .understood : .notUnderstood
    }
    return .understood
  }

  // MARK: - Pieces

  private mutating func store(_ one: EximPending, _ key: [UInt8]) {
    if pending.count >= EximDialect.memoryLimit {
      let moments = pending.values.map(\.moment).sorted()
      let limit = moments[moments.count / 4]
      pending = pending.filter { $0.value.moment > limit }
    }
    pending[key] = one
  }

  /// What was said about this message and this host. Several recipients of one delivery log one line
  /// each, and the cause is told to each of them.
  private mutating func takePending(
    _ bytes: Span<UInt8>,
    _ id: Range<Int>,
    relay: Range<Int>?
  ) -> EximPending? {
    guard !pending.isEmpty else { return nil }
    let key = bytes.bytes(id)
    guard var known = pending[key], !known.cause.isEmpty else { return nil }
    let given = known
    if let relay {
      let name = bytes.bytes(relay).prefix { $0 != 0x20 && $0 != UInt8(ascii: "[") }
      guard known.cause.holds(Array(name)) else { return nil }
    } else if known.isUsed {
      return nil
    }
    known.isUsed = true
    pending[key] = known
    return given
  }

  /// The address at `start`, and where the rest begins: `final <original>` where an alias led there.
  private func address(
    _ bytes: Span<UInt8>,
    from start: Int,
    to end: Int
  ) -> (address: Range<Int>, after: Int) {
    var stop = start
    var isQuoted = false
    while stop < end {
      if bytes[stop] == UInt8(ascii: "\"") { isQuoted.toggle() }
      if bytes[stop] == 0x20, !isQuoted { break }
      stop += 1
    }
    var found = start..<stop
    if found.count > 1, bytes[stop - 1] == UInt8(ascii: ":") { found = start..<(stop - 1) }
    var after = stop
    if stop + 1 < end, bytes[stop + 1] == UInt8(ascii: "<"),
      let close = bytes.firstIndex(of: UInt8(ascii: ">"), from: stop, to: end)
    {
      after = close + 1
      if bytes.firstIndex(of: UInt8(ascii: "@"), from: found.lowerBound, to: found.upperBound)
        == nil
      {
        found = (stop + 2)..<close
      }
    }
    return (found, after)
  }

  /// What a `defer (…)` line says: the text behind host and time, else the errno text.
  private func detail(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Range<Int> {
    var at = start
    if bytes.has(": ", at: at, to: end) {
      at += 2
    } else if bytes.has(" ", at: at, to: end) {
      at += 1
    }
    let host = bytes.firstIndex(of: "H=", from: start, to: end)
    let time = bytes.firstIndex(of: " DT=", from: start, to: end)
    if let field = host ?? time, let colon = bytes.firstIndex(of: ": ", from: field, to: end) {
      return (colon + 2)..<end
    }
    var stop = end
    if let host { stop = min(stop, max(at, host - 1)) }
    if let time { stop = min(stop, max(at, time)) }
    return at..<max(at, stop)
  }

  /// What a `**` line says: behind the last field's colon, the time of delivery cut off.
  private func failureText(_ bytes: Span<UInt8>, _ rest: Range<Int>) -> Range<Int> {
    var end = rest.upperBound
    if let time = bytes.firstIndex(of: " DT=", from: rest.lowerBound, to: end) { end = time }
    let from = bytes.firstIndex(of: " H=", from: rest.lowerBound, to: end) ?? rest.lowerBound
    if let colon = bytes.firstIndex(of: ": ", from: from, to: end) { return (colon + 2)..<end }
    let start = rest.lowerBound
    return (start < end && bytes[start] == 0x20 ? start + 1 : start)..<end
  }

  /// The first enhanced status code of a reply.
  private static func enhancedStatus(
    _ bytes: Span<UInt8>,
    _ reply: Range<Int>
  ) -> EnhancedStatusCode? {
    var at = reply.lowerBound
    while at + 5 <= reply.upperBound {
      if at == reply.lowerBound || bytes[at - 1] == 0x20,
        let (code, _) = EnhancedStatusCode.parse(bytes, from: at, to: reply.upperBound)
      {
        return code
      }
      at += 1
    }
    return nil
  }
}

/// The `KEY=value` fields of a line, found where they are asked for.
struct EximFields {
  private var found: [(key: UInt8, second: UInt8, range: Range<Int>)] = []
  /// `host [ip]:port`.
  private(set) var host: Range<Int>?

  init(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
    var at = start
    while at < end, found.count < 40 {
      guard let equals = bytes.firstIndex(of: UInt8(ascii: "="), from: at, to: end) else { return }
      var keyStart = equals
      while keyStart > at, bytes[keyStart - 1] != 0x20 { keyStart -= 1 }
      let length = equals - keyStart
      var stop = equals + 1
      var value = stop..<stop
      if stop < end, bytes[stop] == UInt8(ascii: "\"") {
        let close = EximFields.closingQuote(bytes, from: stop + 1, to: end)
        value = (stop + 1)..<close
        stop = min(close + 1, end)
      } else {
        stop = bytes.firstIndex(of: 0x20, from: stop, to: end) ?? end
        value = (equals + 1)..<stop
      }
      if length == 1, bytes[keyStart] == UInt8(ascii: "H"), host == nil {
        host = EximFields.host(bytes, from: equals + 1, to: end)
      } else if length >= 1, length <= 2 {
        found.append(
          (bytes[keyStart], length == 2 ? bytes[keyStart + 1] : 0, value)
        )
      }
      at = stop
    }
  }

  /// The quote that ends a value; one behind a backslash belongs to it.
  private static func closingQuote(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var at = start
    while at < end, bytes[at] != UInt8(ascii: "\"") {
      at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(at, end)
  }

  /// The value of a field of one or two letters.
  func value(_ key: StaticString) -> Range<Int>? {
    let first = key.utf8Start[0]
    let second = key.utf8CodeUnitCount > 1 ? key.utf8Start[1] : 0
    return found.first { $0.key == first && $0.second == second }?.range
  }

  /// `name [ip]:port` or `name (helo) [ip]`, up to the bracket and port.
  private static func host(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Range<Int> {
    guard
      let close = bytes.firstIndex(of: UInt8(ascii: "]"), from: start, to: min(end, start + 400))
    else {
      return start..<(bytes.firstIndex(of: 0x20, from: start, to: end) ?? end)
    }
    var stop = close + 1
    if stop < end, bytes[stop] == UInt8(ascii: ":"), let port = bytes.number(at: stop + 1, to: end)
    {
      stop = port.end
    }
    return start..<stop
  }
}
