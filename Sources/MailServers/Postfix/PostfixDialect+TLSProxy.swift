import MailModel

/// tlsproxy(8) does the handshakes where smtp_tls_connection_reuse is set, several at a time in one
/// process: its lines are joined by the peer's address and port. What names no peer belongs to the
/// peer that the same process names next: `TLS library problem`, then `TLS handshake failed for
/// service=smtp peer=[192.0.2.1]:25` or `DISCONNECT [192.0.2.1]:25`.
/// Source: Postfix src/tlsproxy/tlsproxy.c.
extension PostfixDialect {
  /// A result may follow another one of the same peer whose connection failed in the same way.
  private static let sharedPatience = 20.0

  mutating func tlsProxy(_ line: LogLine, _ bytes: Span<UInt8>) -> LineOutcome {
    let text = line.text
    if let established = PostfixTLSLine.established(bytes, text) {
      logsTLS = true
      update(peer: bytes.bytes(established.peer), line) { $0.established = established.security }
      return .understood
    }
    if let peer = PostfixDialect.address(after: "TLS handshake failed for service=", bytes, text) {
      let told = proxyLines.remove(line.pid)
      update(peer: peer, line) { session in
        session.addOnce(told?.cause ?? bytes.bytes(text), at: told?.causePosition ?? line.position)
      }
      return .understood
    }
    if let peer = PostfixDialect.address(after: "DISCONNECT ", bytes, text) {
      disconnected(peer, line, bytes)
      return .understood
    }
    if let peer = PostfixDialect.address(
      after: "warning: ciphertext read/write timeout for ",
      bytes,
      text
    ) {
      update(peer: peer, line) { $0.addOnce(bytes.bytes(text), at: line.position) }
      return .understood
    }
    if let failure = PostfixTLSLine.failure(bytes, text) {
      if failure.peer.isEmpty {
        var told = proxyLines.value(of: line.pid) ?? PostfixSession(moment: line.moment)
        told.addOnce(bytes.bytes(text), at: line.position)
        told.moment = line.moment
        proxyLines.set(line.pid, told)
      } else {
        update(peer: bytes.bytes(failure.peer), line) {
          $0.addOnce(bytes.bytes(text), at: line.position)
        }
      }
      return .understood
    }
    if bytes.has("CONNECT ", at: text.lowerBound, to: text.upperBound) { return .understood }
    return PostfixDialect.isChatter(bytes, text) ? .understood : .notUnderstood
  }

  /// The end of a connection: what the process said before without naming a peer is about this one. A
  /// handshake that failed without a word of the library was cut off by the peer.
  private mutating func disconnected(_ peer: [UInt8], _ line: LogLine, _ bytes: Span<UInt8>) {
    if let told = proxyLines.remove(line.pid), let position = told.causePosition,
      line.moment.seconds(since: told.moment) <= PostfixDialect.sharedPatience
    {
      update(peer: peer, line) { $0.addOnce(told.cause, at: position) }
      return
    }
    guard let session = proxied[PostfixDialect.key(peer)], session.usedBy == nil,
      session.cause.starts(with: Array("TLS handshake failed for ".utf8)),
      !session.cause.contains(UInt8(ascii: "\n")),
      !session.cause.contains(UInt8(ascii: ";"))
    else { return }
    // One statement: each of the two alone says nothing.
    update(peer: peer, line) { $0.cause += Array("; ".utf8) + bytes.bytes(line.text).prefix(200) }
  }

  /// What tlsproxy(8) said about its connection to `peer` (`host[address]:port`), for a result of the
  /// message `id`, or for smtp(8)'s own session line (nil). What another result took already is
  /// given once more, for a short time, where the result `isFailure`.
  mutating func takeProxied(
    peer: [UInt8],
    at moment: Timestamp,
    by id: ShortID?,
    isFailure: Bool
  ) -> PostfixSession? {
    guard !proxied.isEmpty, !peer.isEmpty else { return nil }
    let key = PostfixDialect.key(peer)
    guard var session = proxied[key] else { return nil }
    let age = moment.seconds(since: session.moment)
    let isUnused = session.usedBy == nil
    // The other recipients of the message, in the same session.
    let isFresh = isUnused || session.usedBy == id
    guard age <= (isUnused ? PostfixSession.patience : PostfixDialect.sharedPatience),
      isFresh || isFailure
    else { return nil }
    if !isFresh { session.established = nil }
    session.usedBy = id ?? ShortID(Array("session".utf8))
    proxied[key] = session
    return session
  }

  /// Changes the session with `peer`, a new one where the last has given its result or is too old.
  private mutating func update(
    peer: [UInt8],
    _ line: LogLine,
    _ change: (inout PostfixSession) -> Void
  ) {
    let key = PostfixDialect.key(peer)
    var session = PostfixSession(moment: line.moment)
    if let open = proxied[key], open.isOpen(at: line.moment) { session = open }
    session.peer = Array(peer.prefix(PostfixSession.longestPeer))
    session.moment = line.moment
    change(&session)
    makeRoomForPeer()
    proxied[key] = session
  }

  /// Drops the oldest peers once there are too many; a constant share, so that the cost is spread.
  private mutating func makeRoomForPeer() {
    guard proxied.count >= PostfixDialect.proxiedLimit else { return }
    keepNewestPeers(PostfixDialect.proxiedLimit * 3 / 4)
  }

  /// Drops all peers but the newest.
  mutating func keepNewestPeers(_ count: Int) {
    let newest = proxied.sorted { $0.value.moment > $1.value.moment }.prefix(count)
    proxied = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
  }

  /// `[address]:port` of `host[address]:port`.
  private static func key(_ peer: [UInt8]) -> [UInt8] {
    let start = peer.firstIndex(of: UInt8(ascii: "[")) ?? peer.startIndex
    return Array(peer[start...].prefix(PostfixSession.longestPeer))
  }

  /// The `[address]:port` that ends a line which begins with `start`.
  private static func address(
    after start: StaticString,
    _ bytes: Span<UInt8>,
    _ text: Range<Int>
  ) -> [UInt8]? {
    guard bytes.has(start, at: text.lowerBound, to: text.upperBound),
      let open = bytes.lastIndex(
        of: UInt8(ascii: "["),
        from: text.lowerBound,
        to: text.upperBound
      )
    else { return nil }
    return bytes.bytes(open..<text.upperBound)
  }
}
