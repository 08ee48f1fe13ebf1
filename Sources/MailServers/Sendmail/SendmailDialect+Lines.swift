import MailModel

extension SendmailDialect {
  /// `from=<a>, size=334, class=0, nrcpts=1, msgid=<…>, …, relay=…`
  func arrival(
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    from start: Int,
    to end: Int,
    _ events: inout LineEvents
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
    _ events: inout LineEvents
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
    // A relay without an address was not asked: its failure earlier in this run is remembered.
    let isAsked =
      bytes.firstIndex(of: UInt8(ascii: "["), from: relay.lowerBound, to: relay.upperBound) != nil
    let isBare =
      bytes.equals("Deferred", in: status)
      || (!isAsked && bytes.equals("Service unavailable", in: status))
    let told = takeSession(line, bytes, (id, relay, outcome, isAsked))
    let session = told?.session
    let hasOwnCause = told.map { $0.isFresh && !$0.session.cause.isEmpty } ?? false
    var attempt = LoggedAttempt(
      queueID: id,
      recipient: start..<start,
      outcome: outcome,
      tried: hasOwnCause || isTried(bytes, status, relay: relay, isAsked: isAsked && !isBare),
      relay: relay,
      reply: isBare ? status.lowerBound..<status.lowerBound : replyField ?? status,
      enhancedStatus: dsn,
      security: security(session, outcome),
      cause: session.map { events.carry($0.cause) } ?? 0..<0,
      causePosition: session?.causePosition,
      age: field(bytes, ", delay=", from: listEnd, to: stat).flatMap { seconds(bytes, $0) }
    )
    if isHandOver(bytes, relay: relay, from: listEnd, to: stat) { attempt.tried = false }
    for recipient in recipients(bytes, from: start, to: listEnd) {
      attempt.recipient = recipient
      events.append(.attempt(attempt))
    }
    if bytes.has("quarantine", at: status.lowerBound, to: end) { events.append(.held(queueID: id)) }
    if outcome == .deferred, attempt.tried,
      isRetry(bytes, from: listEnd, to: stat, age: attempt.age)
    {
      // An older message is tried again: a queue run is under way.
      events.append(.marker(ServerMarker(.queueRun)))
    }
    return .understood
  }

  /// Whether the message waited before this attempt, which may itself have taken long.
  private func isRetry(
    _ bytes: Span<UInt8>,
    from start: Int,
    to end: Int,
    age: Double?
  ) -> Bool {
    if let tries = field(bytes, ", ntries=", from: start, to: end) {
      return (bytes.number(at: tries.lowerBound, to: tries.upperBound)?.value ?? 0) > 1
    }
    let took = field(bytes, ", xdelay=", from: start, to: end).flatMap { seconds(bytes, $0) }
    return (age ?? 0) - (took ?? 0) > 60
  }

  /// Whether a delivery stood behind a result: a host was asked, or a program or mailbox here.
  private func isTried(
    _ bytes: Span<UInt8>,
    _ status: Range<Int>,
    relay: Range<Int>,
    isAsked: Bool
  ) -> Bool {
    if bytes.has("queued", at: status.lowerBound, to: status.upperBound)
      || bytes.has("quarantine", at: status.lowerBound, to: status.upperBound)
    {
      return false
    }
    return isAsked || (relay.isEmpty && !bytes.equals("Deferred", in: status))
  }

  /// The submission program gives its mail to the daemon of this machine: that is no attempt at the
  /// destination.
  private func isHandOver(
    _ bytes: Span<UInt8>,
    relay: Range<Int>,
    from start: Int,
    to end: Int
  ) -> Bool {
    guard bytes.firstIndex(of: ", mailer=relay,", from: start, to: end) != nil else { return false }
    return bytes.has("[127.", in: relay) || bytes.has("[::1]", in: relay)
      || bytes.has("[IPv6:::1]", in: relay)
  }

  /// `QID: NEWID: sender notify: Cannot send message for 8 minutes` and its kin.
  func notice(
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    notice: Range<Int>,
    to end: Int,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let text = (notice.upperBound + 2)..<end
    let isWarning = bytes.has("could not send message for past ", in: text)
    let isSuccess = bytes.has(": Return receipt", in: text) || bytes.has("Deliver-", in: text)
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
          kind: isWarning ? .delay : isSuccess ? .success : .nonDelivery
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
    _ events: inout LineEvents
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
      // The submission program's own queue is run at times of its own.
      if !bytes.has("sm-msp", in: line.tag),
        let at = bytes.firstIndex(of: "queueing@", from: start, to: end),
        let interval = seconds(bytes, (at + 9)..<end)
      {
        events.append(.marker(ServerMarker(.statedQueueInterval, seconds: interval)))
      }
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
      var session = session(line, with: SendmailDialect.hostName(bytes, relay))
      if bytes.has("verify=OK", in: text) || bytes.has("verify=TRUSTED", in: text) {
        session.security = .authenticated
      } else if bytes.has("version=", in: text) {
        session.security = .encrypted
      }
      if bytes.has("verify=FAIL", in: text) || bytes.has("verify=DANE_FAIL", in: text) {
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
      var session = session(line, with: sessions[line.pid]?.relay ?? [])
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
    var session = session(line, with: name)
    session.addCause(bytes.bytes(text), at: line.position)
    // Nothing of a handshake was logged, on a host that logs them: the peer did not offer STARTTLS.
    if logsTLS, session.security == .unknown, bytes.has("too weak 0 less than", in: text),
      !session.cause.holds(Array("arg1=TEMP".utf8)),
      !session.cause.holds(Array("STARTTLS".utf8))
    {
      session.addCause(Array("(no STARTTLS in this session)".utf8), at: line.position)
    }
    store(session, pid: line.pid)
  }

  // MARK: - Pieces

  /// The session that a further line of its process is about.
  private func session(_ line: LogLine, with name: [UInt8]) -> SendmailSession {
    sessions[line.pid]?.continued(relay: name, moment: line.moment)
      ?? SendmailSession(relay: name, moment: line.moment)
  }

  /// What the process said of the session behind a result, and whether it said it for this result:
  /// else it repeats what was told of an earlier message.
  private mutating func takeSession(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ result: (id: Range<Int>, relay: Range<Int>, outcome: DeliveryOutcome, isAsked: Bool)
  ) -> (session: SendmailSession, isFresh: Bool)? {
    guard var session = sessions[line.pid],
      line.moment.seconds(since: session.moment) <= SendmailSession.patience
    else { return nil }
    let id = bytes.bytes(result.id)
    let wasTold = !session.toldFor.isEmpty
    let isFresh = !wasTold || session.toldFor == id
    if !wasTold {
      session.toldFor = id
      sessions[line.pid] = session
    }
    let isSame =
      session.relay.isEmpty || session.relay == SendmailDialect.hostName(bytes, result.relay)
    if !isSame {
      // Another host of the destination failed before: it is why this one was asked.
      guard !wasTold, result.outcome != .delivered, !session.cause.isEmpty else { return nil }
      session.security = .unknown
    } else if result.outcome == .delivered {
      // TLS stood: what was said before is of another host or recipient.
      if session.security == .encrypted || session.security == .authenticated {
        session.forgetCause()
      }
    } else if !isFresh, result.isAsked {
      // A new connection that failed for a reason of its own.
      session.forgetCause()
    }
    return (session, isFresh)
  }

  private func security(
    _ session: SendmailSession?,
    _ outcome: DeliveryOutcome
  ) -> TransportSecurity {
    guard let session else { return .unknown }
    if outcome == .delivered, !session.cause.isEmpty, session.security == .unknown { return .clear }
    return session.security
  }
}
