import MailModel

extension SendmailDialect {
  /// `from=<a>, size=334, class=0, nrcpts=1, msgid=<…>, …, relay=…`
  func arrival(
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    from start: Int,
    to end: Int,
    _ events: inout [LogEvent]
  ) -> LineOutcome {
    let stop = bytes.firstIndex(of: ", size=", from: start, to: end) ?? end
    var sender = start..<stop
    if sender.count >= 2, bytes[start] == UInt8(ascii: "<"), bytes[stop - 1] == UInt8(ascii: ">") {
      sender = (start + 1)..<(stop - 1)
    }
    var arrival = Arrival(queueID: id, opensMessage: true, sender: sender)
    if stop < end { arrival.size = bytes.number(at: stop + 7, to: end)?.value }
    if let at = bytes.firstIndex(of: "msgid=<", from: stop, to: end),
      let close = bytes.firstIndex(of: UInt8(ascii: ">"), from: at, to: end)
    {
      arrival.messageID = (at + 7)..<close
    }
    events.append(.arrival(arrival))
    return .understood
  }

  /// `to=<a>,<b>, delay=00:04:48, …, relay=mx.example.net. [192.0.2.1], dsn=4.0.0, stat=Deferred: …`:
  /// one line for several recipients, one result each.
  mutating func result(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    from start: Int,
    _ events: inout [LogEvent]
  ) -> LineOutcome {
    let end = line.text.upperBound
    guard let stat = bytes.firstIndex(of: ", stat=", from: start, to: end) else {
      return .notUnderstood
    }
    let status = (stat + 7)..<end
    // What the peer said tells more than what sendmail makes of it.
    let replyField = bytes.firstIndex(of: ", reply=", from: start, to: stat).map { ($0 + 8)..<stat }
    let listEnd = recipientsEnd(bytes, from: start, to: stat)
    let relay = field(bytes, ", relay=", from: listEnd, to: stat) ?? 0..<0
    let dsn = field(bytes, ", dsn=", from: listEnd, to: stat).flatMap {
      EnhancedStatusCode.parse(bytes, from: $0.lowerBound, to: $0.upperBound)?.0
    }
    let outcome = outcome(bytes, status, dsn: dsn)
    let session = takeSession(line, bytes, relay: relay)
    // A relay without an address was not asked: its failure earlier in this run is remembered.
    let isAsked =
      bytes.firstIndex(of: UInt8(ascii: "["), from: relay.lowerBound, to: relay.upperBound) != nil
    let isBare =
      bytes.equals("Deferred", in: status)
      || (!isAsked && bytes.equals("Service unavailable", in: status))
    let isLocal = relay.isEmpty
    let hasCause = session.map { !$0.cause.isEmpty } ?? false
    var attempt = LoggedAttempt(
      queueID: id,
      recipient: start..<start,
      outcome: outcome,
      tried: hasCause || ((isAsked || isLocal) && !isBare),
      relay: relay,
      reply: isBare ? status.lowerBound..<status.lowerBound : replyField ?? status,
      enhancedStatus: dsn,
      security: security(session, outcome, relay: relay, bytes: bytes),
      cause: session?.cause ?? [],
      causePosition: session?.causePosition,
      age: field(bytes, ", delay=", from: listEnd, to: stat).flatMap { seconds(bytes, $0) }
    )
    for recipient in recipients(bytes, from: start, to: listEnd) {
      attempt.recipient = recipient
      events.append(.attempt(attempt))
    }
    if bytes.firstIndex(of: ", ntries=", from: listEnd, to: stat) != nil
      || (attempt.age ?? 0) > 60, outcome == .deferred, attempt.tried
    {
      // An older message is tried again: a queue run is under way.
      events.append(.marker(ServerMarker(.queueRun)))
    }
    return .understood
  }

  /// `QID: NEWID: sender notify: Cannot send message for 8 minutes` and its kin.
  func notice(
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    notice: Range<Int>,
    to end: Int,
    _ events: inout [LogEvent]
  ) -> LineOutcome {
    let text = (notice.upperBound + 2)..<end
    let isWarning = bytes.has("could not send message for past ", in: text)
    let isExpiry = bytes.has("Cannot send message for ", in: text)
    events.append(
      .arrival(
        Arrival(queueID: notice, sender: notice.upperBound..<notice.upperBound, originalQueueID: id)
      )
    )
    events.append(
      .notification(
        LoggedNotification(
          queueID: id,
          noticeID: notice,
          kind: isWarning ? .delay : .nonDelivery
        )
      )
    )
    let words = text.lowerBound..<end
    if isWarning, let seconds = lengthInWords(bytes, words, behind: "for past ") {
      events.append(.marker(ServerMarker(.statedWarning, seconds: seconds)))
    }
    if isExpiry {
      events.append(.expired(queueID: id, forced: false))
      if let seconds = lengthInWords(bytes, words, behind: "message for ") {
        events.append(.marker(ServerMarker(.statedLifetime, seconds: seconds)))
      }
    }
    return .understood
  }

  /// Lines without a queue id.
  mutating func sessionLine(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout [LogEvent]
  ) -> LineOutcome {
    let start = line.text.lowerBound
    let end = line.text.upperBound
    let text = line.text
    if bytes.has("STARTTLS=client, ", at: start, to: end) {
      startTLSLine(line, bytes)
    } else if bytes.has("ruleset=", at: start, to: end) {
      noteRejection(line, bytes, text: text)
    } else if bytes.has("starting daemon", at: start, to: end) {
      events.append(.marker(ServerMarker(.started)))
    } else if bytes.has("restarting ", at: start, to: end) {
      events.append(.marker(ServerMarker(.reloaded)))
    } else if bytes.has("STARTTLS=server, error", at: start, to: end) {
      events.append(
        .sessionFailure(
          LoggedSessionFailure(side: .receiving, peer: start..<start, text: text)
        )
      )
    } else {
      return SendmailChatter.isServerLine(bytes, text) ? .understood : .notUnderstood
    }
    return .understood
  }

  private mutating func startTLSLine(_ line: LogLine, _ bytes: Span<UInt8>) {
    logsTLS = true
    let text = line.text
    let start = text.lowerBound
    if let relay = field(bytes, ", relay=", from: start, to: text.upperBound) {
      let name = SendmailDialect.hostName(bytes, relay)
      var session = SendmailSession(relay: name, moment: line.moment)
      if let open = sessions[line.pid], open.relay.isEmpty || open.relay == name { session = open }
      session.relay = name
      session.moment = line.moment
      if bytes.has("verify=OK", in: text) {
        session.security = .authenticated
      } else if bytes.has("version=", in: text) {
        session.security = .encrypted
      }
      if bytes.has("verify=FAIL", in: text) {
        session.addAdvice(bytes.bytes(text), at: line.position)
      }
      store(session, pid: line.pid)
      return
    }
    if bytes.has(", error: connect failed", in: text) {
      // A handshake that failed begins its session's story.
      var session = SendmailSession(relay: [], moment: line.moment)
      session.addCause(bytes.bytes(text), at: line.position)
      session.security = .clear
      store(session, pid: line.pid)
    } else if bytes.has("verifymsg=", in: text), !bytes.has("verifymsg=ok", in: text) {
      var session = sessions[line.pid] ?? SendmailSession(relay: [], moment: line.moment)
      session.addAdvice(bytes.bytes(text), at: line.position)
      store(session, pid: line.pid)
    }
  }

  /// `ruleset=tls_server, arg1=FAIL, relay=mx.example.net, reject=454 4.7.0 authentication failed`.
  /// `try_tls` says that we shall not start TLS: a rule, no failure.
  mutating func noteRejection(_ line: LogLine, _ bytes: Span<UInt8>, text: Range<Int>) {
    guard bytes.has("reject=", in: text),
      bytes.has("ruleset=tls_", at: text.lowerBound, to: text.upperBound)
    else { return }
    let relay = field(bytes, ", relay=", from: text.lowerBound, to: text.upperBound)
    let name = relay.map { SendmailDialect.hostName(bytes, $0) } ?? []
    var session = SendmailSession(relay: name, moment: line.moment)
    if let open = sessions[line.pid], open.relay.isEmpty || open.relay == name { session = open }
    session.relay = name
    session.moment = line.moment
    session.addCause(bytes.bytes(text), at: line.position)
    // Nothing of a handshake was logged, on a host that logs them: the peer did not offer STARTTLS.
    if logsTLS, session.security == .unknown, bytes.has("too weak 0 less than", in: text),
      !session.cause.contains(Array("arg1=TEMP".utf8)),
      !session.cause.contains(Array("STARTTLS".utf8))
    {
      session.addCause(Array("(no STARTTLS in this session)".utf8), at: line.position)
    }
    store(session, pid: line.pid)
  }

  // MARK: - Pieces

  private mutating func takeSession(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    relay: Range<Int>
  ) -> SendmailSession? {
    guard let session = sessions[line.pid],
      line.moment.seconds(since: session.moment) <= SendmailSession.patience
    else { return nil }
    let name = SendmailDialect.hostName(bytes, relay)
    guard session.relay.isEmpty || session.relay == name else { return nil }
    return session
  }

  private func security(
    _ session: SendmailSession?,
    _ outcome: DeliveryOutcome,
    relay: Range<Int>,
    bytes: Span<UInt8>
  ) -> TransportSecurity {
    guard let session else { return .unknown }
    if outcome == .delivered, !session.cause.isEmpty, session.security == .unknown { return .clear }
    return session.security
  }

  private func outcome(
    _ bytes: Span<UInt8>,
    _ status: Range<Int>,
    dsn: EnhancedStatusCode?
  ) -> DeliveryOutcome {
    if bytes.has("Sent", at: status.lowerBound, to: status.upperBound) { return .delivered }
    if bytes.has("Deferred", at: status.lowerBound, to: status.upperBound)
      || bytes.has("queued", at: status.lowerBound, to: status.upperBound)
    {
      return .deferred
    }
    switch dsn?.classDigit {
    case 2: return .delivered
    case 4: return .deferred
    default: return .bounced
    }
  }

  /// Where the list of recipients ends: at the first `, key=`.
  private func recipientsEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var best = end
    for key: StaticString in [", ctladdr=", ", delay=", ", xdelay=", ", mailer="] {
      if let at = bytes.firstIndex(of: key, from: start, to: best) { best = at }
    }
    return best
  }

  private func recipients(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var at = start
    while at < end, found.count < 2000 {
      var stop = at
      var depth = 0
      while stop < end {
        if bytes[stop] == UInt8(ascii: "<") { depth += 1 }
        if bytes[stop] == UInt8(ascii: ">") { depth -= 1 }
        if bytes[stop] == UInt8(ascii: ","), depth <= 0 { break }
        stop += 1
      }
      var one = at..<stop
      if bytes.has(" [more]", in: one) { one = at..<(stop - 7) }
      if one.count >= 2, bytes[one.lowerBound] == UInt8(ascii: "<"),
        bytes[one.upperBound - 1] == UInt8(ascii: ">")
      {
        one = (one.lowerBound + 1)..<(one.upperBound - 1)
      }
      if !one.isEmpty { found.append(one) }
      at = stop + 1
    }
    return found
  }

  private func field(
    _ bytes: Span<UInt8>,
    _ key: StaticString,
    from start: Int,
    to end: Int
  ) -> Range<Int>? {
    guard let at = bytes.firstIndex(of: key, from: start, to: end) else { return nil }
    let from = at + key.utf8CodeUnitCount
    return from..<(bytes.firstIndex(of: ", ", from: from, to: end) ?? end)
  }

  /// `mx.example.net. [192.0.2.1]` as `mx.example.net`.
  static func hostName(_ bytes: Span<UInt8>, _ relay: Range<Int>) -> [UInt8] {
    var name: [UInt8] = []
    for index in relay {
      let byte = bytes[index]
      if byte == 0x20 || byte == UInt8(ascii: "[") { break }
      name.append(byte >= 65 && byte <= 90 ? byte | 0x20 : byte)
    }
    while name.last == UInt8(ascii: ".") { name.removeLast() }
    return name
  }

  /// `[4+]12:04:53` in seconds.
  private func seconds(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Double? {
    var at = range.lowerBound
    var days = 0
    if let (number, stop) = bytes.number(at: at, to: range.upperBound), stop < range.upperBound,
      bytes[stop] == UInt8(ascii: "+")
    {
      days = min(number, 100_000)
      at = stop + 1
    }
    guard let hours = bytes.digits(2, at: at), let minutes = bytes.digits(2, at: at + 3),
      let seconds = bytes.digits(2, at: at + 6)
    else { return nil }
    return Double(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
  }

  /// `8 minutes`, `5 days`.
  private func lengthInWords(
    _ bytes: Span<UInt8>,
    _ text: Range<Int>,
    behind words: StaticString
  ) -> Double? {
    guard let at = bytes.firstIndex(of: words, from: text.lowerBound, to: text.upperBound),
      let (number, stop) = bytes.number(at: at + words.utf8CodeUnitCount, to: text.upperBound)
    else { return nil }
    let units: [(StaticString, Double)] = [
      (" second", 1), (" minute", 60), (" hour", 3600), (" day", 86_400), (" week", 604_800),
    ]
    for (name, factor) in units where bytes.has(name, at: stop, to: text.upperBound) {
      return Double(min(number, 1_000_000)) * factor
    }
    return nil
  }
}
