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
    arrival.size = fields.size.flatMap {
      bytes.number(at: $0.lowerBound, to: $0.upperBound)?.value
    }
    arrival.messageID = fields.messageID
    if sender.isEmpty, let about = fields.reference,
      EximMessageID.at(about.lowerBound, in: bytes, to: about.upperBound) != nil
    {
      arrival.originalQueueID = about
      var kind = LoggedNotification.Kind.delay
      if let place = pending.place(of: ShortID(bytes, about)) {
        if pending[place].hasFailed { kind = .nonDelivery }
        pending[place].hasFailed = false
      }
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
    if let mark = fields.hostMark {
      let (plain, unmarked) = EximDialect.cut(mark, from: line, bytes, &events)
      return delivered(unmarked, plain.span, id: id, from: start, &events)
    }
    var security = TransportSecurity.unknown
    if let suite = fields.suite, !suite.isEmpty {
      let verified = fields.verified.map {
        bytes.equals("yes", in: $0) || bytes.equals("dane", in: $0)
      }
      security = verified == true ? .authenticated : .encrypted
    } else if fields.host != nil {
      security = .clear
    }
    let cause = takePending(
      bytes,
      id,
      relay: fields.host,
      isWanted: security == .clear,
      &events
    )
    events.append(
      .attempt(
        LoggedAttempt(
          queueID: id,
          recipient: recipient,
          outcome: .delivered,
          relay: fields.host ?? 0..<0,
          reply: fields.confirmation ?? 0..<0,
          security: security,
          cause: cause
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
    if let mark = fields.hostMark {
      let (plain, unmarked) = EximDialect.cut(mark, from: line, bytes, &events)
      return deferred(unmarked, plain.span, id: id, from: start, &events)
    }
    let reply = detail(bytes, from: close + 1, to: end)
    let cause = isTried ? takePending(bytes, id, relay: fields.host, &events) : nil
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
          cause: cause
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
      || bytes.has("delivery cancelled; message timed out", in: rest)
    let fields = EximFields(bytes, from: after, to: end)
    if let mark = fields.hostMark {
      let (plain, unmarked) = EximDialect.cut(mark, from: line, bytes, &events)
      return failed(unmarked, plain.span, id: id, from: start, &events)
    }
    let reply = failureText(bytes, rest)
    let cause = takePending(bytes, id, relay: fields.host, &events)
    var marked = EximPending(moment: line.moment)
    marked.hasFailed = true
    pending.set(ShortID(bytes, id), marked)
    events.append(
      .attempt(
        LoggedAttempt(
          queueID: id,
          recipient: recipient,
          outcome: isExpired ? .expired : .bounced,
          // A program or a mailbox here was asked where a transport is named without a host.
          tried: !isExpired && (fields.host != nil || fields.transport != nil),
          relay: fields.host ?? 0..<0,
          reply: reply,
          enhancedStatus: EximDialect.enhancedStatus(bytes, reply),
          cause: cause
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
      if !pending.isEmpty { pending.remove(ShortID(bytes, id)) }
      events.append(.ended(queueID: id))
    } else if bytes.has("Frozen", at: start, to: end) || bytes.has("frozen by", at: start, to: end)
      || bytes.has("Message is frozen", at: start, to: end)
    {
      events.append(.held(queueID: id))
    } else if bytes.has("Unfrozen", at: start, to: end)
      || bytes.has("cancelled by", at: start, to: end)
      || bytes.has("unfrozen by", at: start, to: end)
      || bytes.has("removed by", at: start, to: end)
    {
      events.append(.released(queueID: id))
    } else if isCause(bytes, text) {
      let key = ShortID(bytes, id)
      var known = pending.value(of: key) ?? EximPending(moment: line.moment)
      if known.isUsed || line.moment.seconds(since: known.moment) > EximPending.patience {
        known = EximPending(moment: line.moment)
      }
      known.moment = line.moment
      known.add(bytes.bytes(text), at: line.position)
      pending.set(key, known)
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

  /// The line without a mark in it, of which the events are from here on.
  private static func cut(
    _ mark: Range<Int>,
    from line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> (bytes: [UInt8], line: LogLine) {
    let plain = bytes.bytes(0..<mark.lowerBound) + bytes.bytes(mark.upperBound..<bytes.count)
    events.replaceLine(with: plain, at: line.position)
    var cut = line
    cut.text = line.text.lowerBound..<(line.text.upperBound - mark.count)
    return (plain, cut)
  }

  /// What was said about this message and this host. Several recipients of one delivery log one line
  /// each, and the cause is told to each of them. Gives its number among the causes of `events`.
  private mutating func takePending(
    _ bytes: Span<UInt8>,
    _ id: Range<Int>,
    relay: Range<Int>?,
    isWanted: Bool = true,
    _ events: inout LineEvents
  ) -> Int? {
    guard !pending.isEmpty, let place = pending.place(of: ShortID(bytes, id)),
      !pending[place].cause.isEmpty
    else { return nil }
    if let relay {
      let name = bytes.firstIndex(
        near: 0x20,
        UInt8(ascii: "["),
        0x20,
        from: relay.lowerBound,
        to: relay.upperBound
      )
      guard
        pending[place].cause.holds(bytes, relay.lowerBound..<(name ?? relay.upperBound))
      else { return nil }
    } else if pending[place].isUsed {
      return nil
    }
    pending[place].isUsed = true
    guard isWanted else { return nil }
    return events.carry(pending[place].cause, at: pending[place].causePosition)
  }

  /// The address at `start`, and where the rest begins: `final <original>` where an alias led there.
  private func address(
    _ bytes: Span<UInt8>,
    from start: Int,
    to end: Int
  ) -> (address: Range<Int>, after: Int) {
    let quote = UInt8(ascii: "\"")
    var stop = bytes.firstIndex(near: 0x20, quote, 0x20, from: start, to: end) ?? end
    var isQuoted = false
    while stop < end {
      if bytes[stop] == quote { isQuoted.toggle() }
      if bytes[stop] == 0x20, !isQuoted { break }
      stop += 1
    }
    var found = start..<stop
    if found.count > 1, bytes[stop - 1] == UInt8(ascii: ":") { found = start..<(stop - 1) }
    var after = stop
    if let first = found.first, EximDialect.isPipeOrFile(bytes[first]),
      let parent = parent(bytes, from: stop, to: end)
    {
      return (parent, parent.upperBound + 1)
    }
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

  /// `|/usr/bin/vacation -a bob`, `/home/bob/mail`, `>bob@…`: what a router made of an address.
  private static func isPipeOrFile(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "|") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ">")
  }

  /// The address in angle brackets that led to a pipe or a file, whose own text may hold blanks.
  private func parent(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Range<Int>? {
    let fields = bytes.firstIndex(of: " R=", from: start, to: end) ?? end
    guard let open = bytes.firstIndex(of: " <", from: start, to: fields),
      let close = bytes.firstIndex(of: UInt8(ascii: ">"), from: open, to: fields),
      bytes.firstIndex(of: UInt8(ascii: "@"), from: open, to: close) != nil
    else { return nil }
    return (open + 2)..<close
  }

  /// What a `defer (…)` line says: the text behind host and time, else the errno text.
  private func detail(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Range<Int> {
    var at = start
    if bytes.has(" ", at: at, to: end) { at += 1 }
    if bytes.has(": ", at: at, to: end) { at += 2 }
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
