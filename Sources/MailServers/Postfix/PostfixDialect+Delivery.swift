import MailModel

extension PostfixDialect {
  /// smtp(8), lmtp(8), local(8), virtual(8), pipe(8), discard(8).
  mutating func deliveryAgent(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout [LogEvent]
  ) -> LineOutcome {
    guard let id = PostfixQueueID.leading(bytes, in: line.text) else {
      return sessionLine(line, bytes, &events)
    }
    let rest = (id.upperBound + 2)..<line.text.upperBound
    if bytes.has("to=<", at: rest.lowerBound, to: rest.upperBound) {
      guard var result = PostfixResult(bytes, in: rest) else {
        return PostfixResult.isProbe(bytes, in: rest) ? .understood : .notUnderstood
      }
      result.join(with: &self, line: line, queueID: id, bytes: bytes)
      events.append(.attempt(result.attempt(queueID: id, isTried: !result.isSuspended)))
      return .understood
    }
    // `enabling PIX workarounds: …` and the like name a message and are no failure.
    if bytes.has("enabling PIX", at: rest.lowerBound, to: rest.upperBound)
      || bytes.has("replace: ", at: rest.lowerBound, to: rest.upperBound)
    {
      return .understood
    }
    softFailure(line, bytes, id: id, reason: rest)
    return .understood
  }

  /// error(8) and retry(8): results without a connection; they repeat the last real reason.
  mutating func errorAgent(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout [LogEvent]
  ) -> LineOutcome {
    guard let id = PostfixQueueID.leading(bytes, in: line.text) else {
      return PostfixDialect.isChatter(bytes, line.text) ? .understood : .notUnderstood
    }
    let rest = (id.upperBound + 2)..<line.text.upperBound
    guard let result = PostfixResult(bytes, in: rest) else { return .notUnderstood }
    events.append(.attempt(result.attempt(queueID: id, isTried: false)))
    return .understood
  }

  /// A host of several failed and the next is tried: `QID: reason`.
  private mutating func softFailure(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    id: Range<Int>,
    reason: Range<Int>
  ) {
    let key = bytes.bytes(id)
    var failure =
      softFailures[key].flatMap {
        $0.usedBy.isEmpty && line.moment.seconds(since: $0.moment) <= PostfixSession.patience
          ? $0 : nil
      } ?? PostfixSession(moment: line.moment)
    // What an older result already used says nothing about this message.
    if let session = sessions.removeValue(forKey: line.pid), session.usedBy.isEmpty,
      line.moment.seconds(since: session.moment) <= PostfixSession.patience,
      let position = session.causePosition
    {
      failure.add(session.cause, at: position)
    }
    failure.add(bytes.bytes(reason), at: line.position)
    failure.moment = line.moment
    PostfixDialect.makeRoom(in: &softFailures)
    softFailures[key] = failure
  }

  /// A line of a delivery agent without a queue id.
  private mutating func sessionLine(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout [LogEvent]
  ) -> LineOutcome {
    let text = line.text
    if let established = PostfixTLSLine.established(bytes, text) {
      logsTLS = true
      var session = openSession(line, peer: established.peer, starts: false)
      session.established = established.security
      // With connection reuse tlsproxy(8) did the handshake, and told of its failures.
      if let told = takeProxied(
        peer: established.peer,
        at: line.moment,
        by: [],
        isFailure: false
      ), let position = told.causePosition {
        session.add(told.cause, at: position)
      }
      store(session, pid: line.pid)
      return .understood
    }
    if let failure = PostfixTLSLine.failure(bytes, text) {
      var session = openSession(line, peer: failure.peer, starts: failure.startsSession)
      session.add(bytes.bytes(text), at: line.position)
      store(session, pid: line.pid)
      if failure.isLocal { events.append(.marker(ServerMarker(.localTLSTrouble))) }
      return .understood
    }
    return PostfixDialect.isChatter(bytes, text) ? .understood : .notUnderstood
  }

  /// The session that a line belongs to: the process's open one, or a new one when the open one has
  /// given its result, is about another peer, or is too old.
  private func openSession(
    _ line: LogLine,
    peer: [UInt8],
    starts: Bool
  ) -> PostfixSession {
    var session = PostfixSession(moment: line.moment)
    if let open = sessions[line.pid], open.usedBy.isEmpty,
      line.moment.seconds(since: open.moment) <= PostfixSession.patience,
      peer.isEmpty || open.peer.isEmpty || open.peer == peer,
      !(starts && open.established != nil)
    {
      session = open
    }
    if !peer.isEmpty { session.peer = peer }
    session.moment = line.moment
    return session
  }

  private mutating func store(_ session: PostfixSession, pid: Int32) {
    PostfixDialect.makeRoom(in: &sessions)
    sessions[pid] = session
  }
}

extension Span where Element == UInt8 {
  /// The bytes of `range`, copied.
  func bytes(_ range: Range<Int>) -> [UInt8] {
    let bounded = range.clamped(to: 0..<count)
    return withUnsafeBufferPointer { Array($0[bounded]) }
  }

  /// Whether the bytes of `range` are `wanted`.
  func equals(_ wanted: [UInt8], in range: Range<Int>) -> Bool {
    guard wanted.count == range.count, range.upperBound <= count else { return false }
    var at = range.lowerBound
    for byte in wanted {
      if self[at] != byte { return false }
      at += 1
    }
    return true
  }
}
