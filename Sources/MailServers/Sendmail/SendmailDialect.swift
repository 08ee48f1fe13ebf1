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
  var sessions = RecentTable<Int32, SendmailSession>()
  /// Whether this host logs its TLS sessions.
  var logsTLS = false

  package init() {}

  package static func program(tag: Span<UInt8>) -> Int? {
    for name: StaticString in [
      "sm-mta", "sendmail", "sm-msp-queue", "sm-acceptingconnections", "sm-que", "sm-msp",
    ] where tag.equals(name, in: 0..<tag.count) {
      return 0
    }
    return nil
  }

  package static func claimsUntagged(_ text: Span<UInt8>) -> Bool { false }

  package mutating func read(
    _ line: LogLine,
    in bytes: Span<UInt8>,
    into events: inout LineEvents
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
    if bytes.has("unquarantine", at: at, to: end) { events.append(.released(queueID: id)) }
    return SendmailChatter.isNote(bytes, min(at, end)..<end) ? .understood : .notUnderstood
  }

  package var carriedState: [UInt8] {
    guard !sessions.isEmpty || logsTLS else { return [] }
    var state = CarriedStateWriter()
    state.write(Int64(logsTLS ? 1 : 0))
    let kept = sessions.newest(512)
    state.write(Int64(kept.count))
    for (pid, session) in kept {
      state.write(Int64(pid))
      session.write(to: &state)
    }
    return state.bytes
  }

  package mutating func forget(allBut count: Int) { sessions.forget(allBut: count) }

  package mutating func restore(_ state: [UInt8]) {
    var reader = CarriedStateReader(state)
    guard let logs = reader.number(), let count = reader.number(), count >= 0, count <= 512 else {
      return
    }
    logsTLS = logs == 1
    for _ in 0..<count {
      guard let pid = reader.number(), let session = SendmailSession(from: &reader) else { return }
      sessions.set(Int32(truncatingIfNeeded: pid), session)
    }
  }
}
