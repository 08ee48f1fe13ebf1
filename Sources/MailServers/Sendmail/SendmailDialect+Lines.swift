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
    guard let fields = SendmailFields(bytes, from: start, to: end) else { return .notUnderstood }
    let status = (fields.stat + 7)..<end
    let relay = fields.relay ?? 0..<0
    let dsn = fields.enhancedStatus.flatMap {
      EnhancedStatusCode.parse(bytes, from: $0.lowerBound, to: $0.upperBound)?.0
    }
    let outcome = outcome(bytes, status, dsn: dsn)
    // A relay without an address was not asked: its failure earlier in this run is remembered.
    let isAsked =
      bytes.firstIndex(of: UInt8(ascii: "["), from: relay.lowerBound, to: relay.upperBound) != nil
    let isBare =
      bytes.equals("Deferred", in: status)
      || (!isAsked && bytes.equals("Service unavailable", in: status))
    let told = takeSession(line, bytes, (id, relay, outcome, isAsked), &events)
    let hasOwnCause = told.map { $0.isFresh && $0.cause != nil } ?? false
    var attempt = LoggedAttempt(
      queueID: id,
      recipient: start..<start,
      outcome: outcome,
      tried: hasOwnCause || isTried(bytes, status, relay: relay, isAsked: isAsked && !isBare),
      relay: relay,
      // What the peer said tells more than what sendmail makes of it.
      reply: isBare ? status.lowerBound..<status.lowerBound : fields.reply ?? status,
      enhancedStatus: dsn,
      security: told.map { $0.security(outcome) } ?? .unknown,
      cause: told?.cause,
      age: fields.delay.flatMap { seconds(bytes, $0) }
    )
    if isHandOver(bytes, fields) { attempt.tried = false }
    forEachRecipient(bytes, from: start, to: fields.listEnd) { recipient in
      attempt.recipient = recipient
      events.append(.attempt(attempt))
    }
    if bytes.has("quarantine", at: status.lowerBound, to: end) { events.append(.held(queueID: id)) }
    if outcome == .deferred, attempt.tried,
      isRetry(bytes, fields, age: attempt.age)
    {
      // An older message is tried again: a queue run is under way.
      events.append(.marker(ServerMarker(.queueRun)))
    }
    return .understood
  }

  /// Whether the message waited before this attempt, which may itself have taken long.
  private func isRetry(_ bytes: Span<UInt8>, _ fields: SendmailFields, age: Double?) -> Bool {
    if let tries = fields.tries {
      return (bytes.number(at: tries.lowerBound, to: tries.upperBound)?.value ?? 0) > 1
    }
    let took = fields.attemptDelay.flatMap { seconds(bytes, $0) }
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
  private func isHandOver(_ bytes: Span<UInt8>, _ fields: SendmailFields) -> Bool {
    guard let mailer = fields.mailer, bytes.has("relay,", at: mailer.lowerBound, to: fields.stat),
      let relay = fields.relay
    else { return false }
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
    let session = HandshakeFields(bytes, text)
    if let relay = session.relay {
      let place = openSession(line, bytes, relay: SendmailDialect.hostName(bytes, relay))
      if bytes.begins("OK", in: session.verify) || bytes.begins("TRUSTED", in: session.verify) {
        sessions[place].security = .authenticated
      } else if session.hasVersion {
        sessions[place].security = .encrypted
      }
      if bytes.begins("FAIL", in: session.verify) || bytes.begins("DANE_FAIL", in: session.verify) {
        sessions[place].addAdvice(bytes, text, at: line.position)
      }
      return
    }
    if bytes.has(", error: connect failed", in: text) {
      // A handshake that failed begins its session's story.
      var session = SendmailSession(moment: line.moment)
      session.addCause(bytes.bytes(text), at: line.position)
      session.security = .clear
      sessions.set(line.pid, session)
    } else if bytes.has("verifymsg=", in: text), !bytes.has("verifymsg=ok", in: text) {
      let place = openSession(line, bytes, relay: nil)
      sessions[place].addAdvice(bytes, text, at: line.position)
    }
  }

  /// `STARTTLS=client, relay=mx.example.net., version=TLSv1.3, verify=FAIL, cipher=…`.
  private struct HandshakeFields {
    private(set) var relay: Range<Int>?
    private(set) var verify = 0..<0
    private(set) var hasVersion = false

    init(_ bytes: Span<UInt8>, _ text: Range<Int>) {
      let end = text.upperBound
      var comma = SendmailFields.comma(bytes, from: text.lowerBound, to: end)
      while let at = comma.map({ $0 + 2 }) {
        comma = SendmailFields.comma(bytes, from: at, to: end)
        if bytes.has("relay=", at: at, to: end) {
          relay = relay ?? (at + 6)..<(comma ?? end)
        } else if bytes.has("verify=", at: at, to: end) {
          if verify.isEmpty { verify = (at + 7)..<end }
        } else if bytes.has("version=", at: at, to: end) {
          hasVersion = true
        }
      }
    }
  }

  /// `ruleset=tls_server, arg1=FAIL, relay=mx.example.net, reject=454 4.7.0 authentication failed`.
  /// `try_tls` says that we shall not start TLS: a rule, no failure.
  mutating func noteRejection(_ line: LogLine, _ bytes: Span<UInt8>, text: Range<Int>) {
    guard bytes.has("reject=", in: text),
      bytes.has("ruleset=tls_", at: text.lowerBound, to: text.upperBound)
    else { return }
    let relay = field(bytes, ", relay=", from: text.lowerBound, to: text.upperBound)
    let name = relay.map { SendmailDialect.hostName(bytes, $0) } ?? 0..<0
    let place = openSession(line, bytes, relay: name)
    sessions[place].addCause(bytes.bytes(text), at: line.position)
    // Nothing of a handshake was logged, on a host that logs them: the peer did not offer STARTTLS.
    if logsTLS, sessions[place].security == .unknown, bytes.has("too weak 0 less than", in: text),
      !sessions[place].cause.holds(Array("arg1=TEMP".utf8)),
      !sessions[place].cause.holds(Array("STARTTLS".utf8))
    {
      sessions[place].addCause(Array("(no STARTTLS in this session)".utf8), at: line.position)
    }
  }

  // MARK: - Pieces

  /// The place of the session that a further line of its process is about, which names the relay; nil
  /// for the relay that the process has a session with.
  private mutating func openSession(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    relay: Range<Int>?
  ) -> Int {
    let place: Int
    if let known = sessions.place(of: line.pid) {
      place = known
      let isSame =
        relay.map { SendmailDialect.isHost(sessions[place].relay, bytes, $0) } ?? true
      sessions[place].proceed(isSameRelay: isSame, moment: line.moment)
      if isSame { return place }
    } else {
      place = sessions.add(line.pid, at: line.moment)
    }
    let kept = (relay ?? 0..<0).prefix(SendmailSession.longestRelay)
    sessions[place].relay.replaceAll(with: bytes, in: kept.startIndex..<kept.endIndex)
    sessions[place].relay.lowercase()
    return place
  }

  /// What a session tells the result behind it.
  private struct Told {
    var cause: Int?
    var protection: TransportSecurity
    /// It was said for this result: else it repeats what was told of an earlier message.
    var isFresh: Bool

    func security(_ outcome: DeliveryOutcome) -> TransportSecurity {
      outcome == .delivered && cause != nil && protection == .unknown ? .clear : protection
    }
  }

  /// What the process said of the session behind a result.
  private mutating func takeSession(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ result: (id: Range<Int>, relay: Range<Int>, outcome: DeliveryOutcome, isAsked: Bool),
    _ events: inout LineEvents
  ) -> Told? {
    guard let place = sessions.place(of: line.pid),
      line.moment.seconds(since: sessions[place].moment) <= SendmailSession.patience
    else { return nil }
    let id = ShortID(bytes, result.id)
    let wasTold = sessions[place].toldFor != nil
    let isFresh = !wasTold || sessions[place].toldFor == id
    if !wasTold { sessions[place].toldFor = id }
    let isSame =
      sessions[place].relay.isEmpty
      || SendmailDialect.isHost(
        sessions[place].relay,
        bytes,
        SendmailDialect.hostName(bytes, result.relay)
      )
    var told = Told(protection: sessions[place].security, isFresh: isFresh)
    var isCause = !sessions[place].cause.isEmpty
    if !isSame {
      // Another host of the destination failed before: it is why this one was asked.
      guard !wasTold, result.outcome != .delivered, isCause else { return nil }
      told.protection = .unknown
    } else if result.outcome == .delivered {
      // TLS stood: what was said before is of another host or recipient.
      if told.protection == .encrypted || told.protection == .authenticated { isCause = false }
    } else if !isFresh, result.isAsked {
      // A new connection that failed for a reason of its own.
      isCause = false
    }
    if isCause {
      told.cause = events.carry(sessions[place].cause, at: sessions[place].causePosition)
    }
    return told
  }
}
