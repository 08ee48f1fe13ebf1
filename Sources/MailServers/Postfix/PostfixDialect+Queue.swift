import MailModel

extension PostfixDialect {
  /// qmgr(8): `QID: from=<s>, size=n, nrcpt=n (queue active)`, `QID: removed`, expiry.
  mutating func queueManager(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    guard let id = PostfixQueueID.leading(bytes, in: line.text) else {
      // `warning: saving corrupt file "QID" from queue "active" to queue "corrupt"`: never tried again.
      let name = line.text.lowerBound + 30
      if bytes.has(
        "warning: saving corrupt file \"",
        at: line.text.lowerBound,
        to: line.text.upperBound
      ),
        let close = bytes.firstIndex(of: UInt8(ascii: "\""), from: name, to: line.text.upperBound)
      {
        events.append(.ended(queueID: name..<close))
        return .understood
      }
      return PostfixDialect.isChatter(bytes, line.text) ? .understood : .notUnderstood
    }
    let end = line.text.upperBound
    let at = id.upperBound + 2
    if bytes.has("removed", at: at, to: end) {
      if !softFailures.isEmpty { softFailures.remove(ShortID(bytes, id)) }
      events.append(.ended(queueID: id))
      return .understood
    }
    if bytes.has("from=<", at: at, to: end),
      let close = bytes.firstIndex(of: ">, ", from: at + 6, to: end)
    {
      let sender = (at + 6)..<close
      let rest = close + 3
      if bytes.has("status=expired", at: rest, to: end)
        || bytes.has("status=force-expired", at: rest, to: end)
      {
        let forced = bytes.has("status=force-expired", at: rest, to: end)
        events.append(.expired(queueID: id, forced: forced))
        return .understood
      }
      var arrival = Arrival(queueID: id, sender: sender)
      if bytes.has("size=", at: rest, to: end) {
        arrival.size = bytes.number(at: rest + 5, to: end)?.value
      }
      arrival.isTakenUp = bytes.has("(queue active)", in: rest..<end)
      if arrival.isTakenUp, !softFailures.isEmpty { softFailures.remove(ShortID(bytes, id)) }
      events.append(.arrival(arrival))
      return .understood
    }
    if bytes.has("to=<", at: at, to: end) {
      guard let result = PostfixResult(bytes, in: at..<end) else { return .notUnderstood }
      events.append(.attempt(result.attempt(queueID: id, isTried: false)))
      return .understood
    }
    // `QID: skipped, still being delivered`
    return bytes.has("skipped", at: at, to: end) ? .understood : .notUnderstood
  }

  /// cleanup(8): `QID: message-id=<…>`, `QID: hold: …`.
  func cleanup(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    guard let id = PostfixQueueID.leading(bytes, in: line.text) else {
      return PostfixDialect.isChatter(bytes, line.text) ? .understood : .notUnderstood
    }
    let end = line.text.upperBound
    let at = id.upperBound + 2
    if let name = PostfixDialect.messageIDName(bytes, at: at, to: end) {
      var value = (at + name)..<end
      if value.count >= 2, bytes[value.lowerBound] == UInt8(ascii: "<"),
        bytes[end - 1] == UInt8(ascii: ">")
      {
        value = (value.lowerBound + 1)..<(end - 1)
      }
      events.append(.arrival(Arrival(queueID: id, messageID: value)))
      return .understood
    }
    if bytes.has("hold: ", at: at, to: end) {
      events.append(.held(queueID: id))
    } else if PostfixDialect.turnsAway(bytes, at..<end) {
      events.append(.ended(queueID: id))
    } else if bytes.has("to=<", at: at, to: end), let result = PostfixResult(bytes, in: at..<end) {
      events.append(.attempt(result.attempt(queueID: id, isTried: false)))
    }
    // header, body and milter verdicts name a message and end in reject:, discard:, warning: …
    return .understood
  }

  /// The length of what stands before a Message-ID; nil where no such thing does.
  private static func messageIDName(_ bytes: Span<UInt8>, at: Int, to end: Int) -> Int? {
    if bytes.has("message-id=", at: at, to: end) { return 11 }
    return bytes.has("resent-message-id=", at: at, to: end) ? 18 : nil
  }

  /// Whether cleanup(8) did not take the message into the queue: it says no more of it.
  private static func turnsAway(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    for verdict: StaticString in [
      "milter-reject: END-OF-MESSAGE", "milter-discard: ", "reject: ", "discard: ",
    ] where bytes.has(verdict, at: range.lowerBound, to: range.upperBound) {
      return true
    }
    return false
  }

  /// pickup(8): `QID: uid=0 from=<s> orig_id=OLD`.
  func pickup(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    guard let id = PostfixQueueID.leading(bytes, in: line.text) else {
      return PostfixDialect.isChatter(bytes, line.text) ? .understood : .notUnderstood
    }
    let end = line.text.upperBound
    let at = id.upperBound + 2
    guard bytes.has("uid=", at: at, to: end) else { return .notUnderstood }
    var arrival = Arrival(queueID: id, opensMessage: true)
    if let from = bytes.firstIndex(of: " from=<", from: at, to: end),
      let close = bytes.lastIndex(of: UInt8(ascii: ">"), from: from + 7, to: end)
    {
      arrival.sender = (from + 7)..<close
      if let original = bytes.firstIndex(of: " orig_id=", from: close, to: end) {
        arrival.originalQueueID = (original + 9)..<end
      }
    }
    events.append(.arrival(arrival))
    return .understood
  }

  /// smtpd(8): `QID: client=…` opens a message; sessions and rejections name none.
  func smtpServer(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let end = line.text.upperBound
    if let id = PostfixQueueID.leading(bytes, in: line.text) {
      if bytes.has("client=", at: id.upperBound + 2, to: end) {
        events.append(.arrival(Arrival(queueID: id, opensMessage: true)))
      }
      return .understood
    }
    let start = line.text.lowerBound
    // Most lines are these.
    if bytes.has("connect from ", at: start, to: end)
      || bytes.has("disconnect from ", at: start, to: end)
      || bytes.has("NOQUEUE: ", at: start, to: end)
      || bytes.has("Anonymous TLS connection established", at: start, to: end)
    {
      return .understood
    }
    for failure: StaticString in ["SSL_accept error from ", "warning: TLS library problem: "]
    where bytes.has(failure, at: start, to: end) {
      let peer = (start + failure.utf8CodeUnitCount)..<end
      let isPeer = bytes.has("SSL_accept", at: start, to: end)
      events.append(
        .sessionFailure(
          LoggedSessionFailure(
            side: .receiving,
            peer: isPeer ? peer : start..<start,
            text: line.text
          )
        )
      )
      return .understood
    }
    for known: StaticString in [
      "lost connection after ", "timeout after ", "too many errors after ",
      "setting up TLS connection from ",
      "improper command pipelining", "proxy-", "discarding EHLO keywords", "table ",
      "Trusted TLS connection established",
      "Untrusted TLS connection established", "Verified TLS connection established",
      "certificate verification failed for ", "SSL_accept:", "initializing the server-side TLS",
      "hostname ", "milter-reject: ", "reject: ", "warning: ",
    ] where bytes.has(known, at: start, to: end) {
      return .understood
    }
    return PostfixDialect.isChatter(bytes, line.text) ? .understood : .notUnderstood
  }

  /// bounce(8): `QID: sender non-delivery notification: NEW`.
  func bounce(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    guard let id = PostfixQueueID.leading(bytes, in: line.text) else {
      return PostfixDialect.isChatter(bytes, line.text) ? .understood : .notUnderstood
    }
    let end = line.text.upperBound
    let at = id.upperBound + 2
    let kinds: [(StaticString, LoggedNotification.Kind)] = [
      ("sender non-delivery notification: ", .nonDelivery),
      ("sender delay notification: ", .delay),
      ("sender delivery status notification: ", .success),
    ]
    for (text, kind) in kinds where bytes.has(text, at: at, to: end) {
      let notice = (at + text.utf8CodeUnitCount)..<end
      events.append(.notification(LoggedNotification(queueID: id, noticeID: notice, kind: kind)))
      // The notice is a message of its own, and its sender is empty.
      events.append(
        .arrival(
          Arrival(
            queueID: notice,
            sender: at..<at,
            originalQueueID: id
          )
        )
      )
      return .understood
    }
    // `postmaster non-delivery notification: NEW`: a message to our own postmaster.
    guard let mark = bytes.firstIndex(of: "notification: ", from: at, to: end) else {
      return .notUnderstood
    }
    let notice = (mark + 14)..<end
    events.append(
      .arrival(Arrival(queueID: notice, sender: at..<at, originalQueueID: id))
    )
    return .understood
  }

  /// postsuper(1): `QID: placed on hold`, `released from hold`, `requeued`, `removed`.
  func postsuper(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    guard let id = PostfixQueueID.leading(bytes, in: line.text) else {
      return PostfixDialect.isSummary(bytes, line.text) ? .understood : .notUnderstood
    }
    let end = line.text.upperBound
    let at = id.upperBound + 2
    if bytes.has("placed on hold", at: at, to: end) {
      events.append(.held(queueID: id))
    } else if bytes.has("released from hold", at: at, to: end) {
      events.append(.released(queueID: id))
    } else if bytes.has("removed", at: at, to: end) || bytes.has("requeued", at: at, to: end) {
      events.append(.ended(queueID: id))
    }
    return .understood
  }

  /// master(8) and the control script: starts, reloads, stops.
  func master(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let start = line.text.lowerBound
    let end = line.text.upperBound
    if bytes.has("daemon started", at: start, to: end) {
      events.append(.marker(ServerMarker(.started)))
    } else if bytes.has("reload", at: start, to: end)
      || bytes.has("refreshing the Postfix", at: start, to: end)
    {
      events.append(.marker(ServerMarker(.reloaded)))
    } else if bytes.has("terminating on signal", at: start, to: end)
      || bytes.has("stopping the Postfix", at: start, to: end)
    {
      events.append(.marker(ServerMarker(.stopped)))
    }
    return .understood
  }

  /// `Requeued: 3 messages` and its kin.
  private static func isSummary(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    for start: StaticString in [
      "Requeued: ", "Deleted: ", "Placed on hold: ", "Released from hold: ", "Expired: ",
      "Renamed ", "Moved to ",
    ] where bytes.has(start, at: text.lowerBound, to: text.upperBound) {
      return true
    }
    return isChatter(bytes, text)
  }

  /// Lines that any program may write and that say nothing about a message.
  static func isChatter(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    for start: StaticString in [
      "warning: ", "statistics: ", "connect to ", "Host offered STARTTLS", "fatal: ", "panic: ",
      "error: ", "setting up TLS connection", "initializing the client-side", "TLSRPT",
      "certificate match", "table ", "dict_", "mapping ", "verify error:", "before ",
      "using backwards",
      "lost connection with ", "conversation with ", "rate limit", "info: ", "SSL_", "removing ",
      "save session ", "looking for session ", "reloaded session ", "> ", "< ",
      "name_mask", "enabling ", "checking ", "posttls", "Trusted ", "Untrusted ", "Verified ",
    ] where bytes.has(start, at: text.lowerBound, to: text.upperBound) {
      return true
    }
    // smtp_tls_loglevel = 2: `mx.example.net[192.0.2.1]:25: subject_CN=…`, `…: depth=0 verify=1 …`.
    guard let peer = bytes.firstIndex(of: "]:", from: text.lowerBound, to: text.upperBound),
      let port = bytes.number(at: peer + 2, to: text.upperBound)
    else { return false }
    return bytes.has(": ", at: port.end, to: text.upperBound)
  }
}
