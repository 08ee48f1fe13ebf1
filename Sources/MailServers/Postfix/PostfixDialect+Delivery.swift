import Glibc
import MailModel

extension PostfixDialect {
  /// smtp(8), lmtp(8), local(8), virtual(8), pipe(8), discard(8).
  mutating func deliveryAgent(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    guard let id = PostfixQueueID.leading(bytes, in: line.text) else {
      return sessionLine(line, bytes, &events)
    }
    let rest = (id.upperBound + 2)..<line.text.upperBound
    if bytes.has("to=<", at: rest.lowerBound, to: rest.upperBound) {
      guard var result = PostfixResult(bytes, in: rest) else {
        return PostfixResult.isProbe(bytes, in: rest) ? .understood : .notUnderstood
      }
      join(&result, line: line, queueID: id, bytes: bytes, &events)
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
    _ events: inout LineEvents
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
    let key = ShortID(bytes, id)
    var failure = PostfixSession(moment: line.moment)
    failure.process = line.pid
    if let place = softFailures.place(of: key), softFailures[place].isOpen(at: line.moment),
      softFailures[place].process == line.pid
    {
      failure = softFailures[place]
    }
    // What an older result already used says nothing about this message.
    if let session = sessions.remove(line.pid), session.isOpen(at: line.moment),
      let position = session.causePosition
    {
      failure.add(session.cause, at: position)
    }
    failure.add(bytes.bytes(reason), at: line.position)
    failure.moment = line.moment
    softFailures.set(key, failure)
  }

  /// A line of a delivery agent without a queue id.
  private mutating func sessionLine(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) -> LineOutcome {
    let text = line.text
    if let established = PostfixTLSLine.established(bytes, text) {
      logsTLS = true
      let place = openSession(line, bytes, peer: established.peer, starts: false)
      sessions[place].established = established.security
      // With connection reuse tlsproxy(8) did the handshake, and told of its failures.
      if !proxied.isEmpty,
        let told = takeProxied(
          peer: bytes.bytes(established.peer),
          at: line.moment,
          by: nil,
          isFailure: false
        ), let position = told.causePosition
      {
        sessions[place].add(told.cause, at: position)
      }
      return .understood
    }
    if let failure = PostfixTLSLine.failure(bytes, text) {
      let place = openSession(line, bytes, peer: failure.peer, starts: failure.startsSession)
      sessions[place].add(bytes.bytes(text), at: line.position)
      if failure.isLocal { events.append(.marker(ServerMarker(.localTLSTrouble))) }
      return .understood
    }
    return PostfixDialect.isChatter(bytes, text) ? .understood : .notUnderstood
  }

  /// The place of the session that a line belongs to: the process's open one, or a new one when the
  /// open one has given its result, is about another peer, or is too old.
  private mutating func openSession(
    _ line: LogLine,
    _ bytes: Span<UInt8>,
    peer: Range<Int>,
    starts: Bool
  ) -> Int {
    let place: Int
    if let known = sessions.place(of: line.pid) {
      place = known
      let isSamePeer =
        peer.isEmpty || sessions[place].peer.isEmpty
        || bytes.equals(sessions[place].peer, in: peer)
      if !isSamePeer || !sessions[place].isOpen(at: line.moment)
        || (starts && sessions[place].established != nil)
      {
        sessions[place].restart(at: line.moment)
      }
    } else {
      place = sessions.add(line.pid, at: line.moment)
    }
    if !peer.isEmpty {
      let kept = peer.prefix(PostfixSession.longestPeer)
      sessions[place].peer.replaceAll(with: bytes, in: kept.startIndex..<kept.endIndex)
    }
    sessions[place].moment = line.moment
    return place
  }
}

extension PostfixDialect {
  /// Lets a result take over what the session's lines without a queue id said.
  private mutating func join(
    _ result: inout PostfixResult,
    line: LogLine,
    queueID: Range<Int>,
    bytes: Span<UInt8>,
    _ events: inout LineEvents
  ) {
    var established: TransportSecurity?
    if !result.isSuspended {
      let id = ShortID(bytes, queueID)
      if let place = sessions.place(of: line.pid) {
        if take(place, for: result, by: id, at: line.moment, bytes) {
          established = sessions[place].established
          result.carry(sessions[place], &events)
        } else {
          sessions.remove(line.pid)
        }
      }
      if !result.isReused, !result.hasCauseText, !proxied.isEmpty,
        let told = takeProxied(
          peer: bytes.bytes(result.relay),
          at: line.moment,
          by: id,
          isFailure: result.outcome != .delivered
        )
      {
        established = established ?? told.established
        result.carry(told, &events)
      }
    }
    if !softFailures.isEmpty {
      joinSoftFailure(of: ShortID(bytes, queueID), to: &result, line: line, &events)
    }
    result.note(established: established, logsTLS: logsTLS, bytes)
  }

  /// Whether a result takes over what its process's session said; then it is the session's user.
  private mutating func take(
    _ place: Int,
    for result: PostfixResult,
    by id: ShortID,
    at moment: Timestamp,
    _ bytes: Span<UInt8>
  ) -> Bool {
    let isOwn = sessions[place].usedBy == id
    let isFresh = isOwn || sessions[place].usedBy == nil
    let isInTime = moment.seconds(since: sessions[place].moment) <= PostfixSession.patience
    guard result.isReused || (isFresh && isInTime),
      result.relay.isEmpty || sessions[place].peer.isEmpty
        || bytes.equals(sessions[place].peer, in: result.relay)
    else { return false }
    // A reused connection keeps its protection; its handshake's failures were told before.
    if result.isReused, !isFresh { sessions[place].cause = [] }
    if !isOwn { sessions[place].usedBy = id }
    return true
  }

  /// Adds what was said of this message when a host of several failed.
  private mutating func joinSoftFailure(
    of id: ShortID,
    to result: inout PostfixResult,
    line: LogLine,
    _ events: inout LineEvents
  ) {
    guard let place = softFailures.place(of: id), softFailures[place].process == line.pid,
      line.moment.seconds(since: softFailures[place].moment) <= PostfixSession.patience
    else { return }
    var joined = softFailures[place]
    if let cause = result.cause.map({ events.causes[$0] }), !cause.text.isEmpty,
      let position = cause.position
    {
      joined.add(events.carried[cause.text], at: position)
    }
    result.carry(joined, &events)
    softFailures[place].usedBy = id
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
    return withUnsafeBufferPointer { all in
      wanted.withUnsafeBufferPointer { wanted in
        guard let start = all.baseAddress, let other = wanted.baseAddress else { return true }
        return memcmp(start + range.lowerBound, other, wanted.count) == 0
      }
    }
  }
}

extension [UInt8] {
  /// Takes the bytes of `range` in place of its own, and keeps its room.
  mutating func replaceAll(with bytes: Span<UInt8>, in range: Range<Int>) {
    removeAll(keepingCapacity: true)
    let bounded = range.clamped(to: 0..<bytes.count)
    bytes.withUnsafeBufferPointer {
      append(contentsOf: UnsafeBufferPointer(rebasing: $0[bounded]))
    }
  }
}
