package import MailModel

/// Reads what Postfix's programs log on one host.
///
///     postfix/smtp[2211]: 1E24040003: to=<bob@example.net>, relay=mx.example.net[198.51.100.7]:25,
///         delay=1.1, delays=0.05/0.01/0.98/0.06, dsn=4.7.5, status=deferred (Server certificate …)
///
/// TLS lines carry no queue id. They are joined to the result line that the same process logs next
/// for the same peer within 300 s; tlsproxy(8)'s by peer and time alone. A soft failure on one of
/// several MX hosts (`1E24040003: Server certificate not verified`) joins that message's next result.
/// Source: Postfix src/global/log_adhoc.c, src/smtp/smtp_proto.c, src/tls/tls_client.c.
package struct PostfixDialect: LogDialect {
  /// Sessions of delivery agents by process id.
  var sessions = RecentTable<Int32, PostfixSession>()
  /// Sessions of tlsproxy(8) by `[address]:port`, until a delivery agent's result takes them over.
  var proxied: [[UInt8]: PostfixSession] = [:]
  /// Failure lines of tlsproxy(8) that name no peer yet, by process id.
  var proxyLines = RecentTable<Int32, PostfixSession>()
  /// Soft failures by queue id.
  var softFailures = RecentTable<ShortID, PostfixSession>()
  /// Whether this host's smtp(8) logs its TLS sessions: then a delivery without one was in clear.
  var logsTLS = false

  /// Peers of tlsproxy(8) remembered at most.
  static let proxiedLimit = 4096

  package init() {}

  package static func program(tag: Span<UInt8>) -> Int? {
    PostfixDaemon.named(tag, in: 0..<tag.count)?.rawValue
  }

  package static func claimsUntagged(_ text: Span<UInt8>) -> Bool { false }

  package mutating func read(
    _ line: LogLine,
    in bytes: Span<UInt8>,
    into events: inout LineEvents
  ) -> LineOutcome {
    guard let daemon = PostfixDaemon(rawValue: line.program) else { return .notOurs }
    guard !line.text.isEmpty else { return .understood }
    switch daemon {
    case .deliveryAgent: return deliveryAgent(line, bytes, &events)
    case .errorAgent: return errorAgent(line, bytes, &events)
    case .queueManager: return queueManager(line, bytes, &events)
    case .cleanup: return cleanup(line, bytes, &events)
    case .pickup: return pickup(line, bytes, &events)
    case .smtpServer: return smtpServer(line, bytes, &events)
    case .bounce: return bounce(line, bytes, &events)
    case .tlsProxy: return tlsProxy(line, bytes)
    case .postsuper: return postsuper(line, bytes, &events)
    case .master, .script: return master(line, bytes, &events)
    case .bystander: return .understood
    }
  }
}

extension PostfixDialect {
  /// Of the carried state; one of another version is not read.
  private static let stateVersion: Int64 = 3

  package var carriedState: [UInt8] {
    guard
      !(sessions.isEmpty && proxied.isEmpty && proxyLines.isEmpty && softFailures.isEmpty
        && !logsTLS)
    else { return [] }
    var state = CarriedStateWriter()
    state.write(PostfixDialect.stateVersion)
    state.write(Int64(logsTLS ? 1 : 0))
    for table in [sessions, proxyLines] {
      // The newest 512: a megabyte holds them.
      let kept = table.newest(512)
      state.write(Int64(kept.count))
      for (pid, session) in kept {
        state.write(Int64(pid))
        session.write(to: &state)
      }
    }
    let failures = softFailures.newest(256)
    state.write(Int64(failures.count))
    for (id, session) in failures {
      state.write(id.bytes)
      session.write(to: &state)
    }
    let peers = proxied.sorted { $0.value.moment > $1.value.moment }.prefix(256)
    state.write(Int64(peers.count))
    for (peer, session) in peers.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      state.write(peer)
      session.write(to: &state)
    }
    return state.bytes
  }

  package mutating func forget(allBut count: Int) {
    sessions.forget(allBut: count)
    proxyLines.forget(allBut: count)
    softFailures.forget(allBut: count)
    if proxied.count > count { keepNewestPeers(count) }
  }

  package mutating func restore(_ state: [UInt8]) {
    var reader = CarriedStateReader(state)
    guard reader.number() == PostfixDialect.stateVersion, let logs = reader.number() else { return }
    logsTLS = logs == 1
    for keyPath in [\PostfixDialect.sessions, \PostfixDialect.proxyLines] {
      guard let count = reader.number(), count >= 0, count <= 512 else { return }
      for _ in 0..<count {
        guard let pid = reader.number(), let session = PostfixSession(from: &reader) else { return }
        self[keyPath: keyPath].set(Int32(truncatingIfNeeded: pid), session)
      }
    }
    guard
      PostfixDialect.readKeyed(&reader, { softFailures.set(ShortID($0), $1) })
    else { return }
    _ = PostfixDialect.readKeyed(&reader) { proxied[$0] = $1 }
  }

  /// Reads a table that was written with keys of bytes; false where the bytes do not fit.
  private static func readKeyed(
    _ reader: inout CarriedStateReader,
    _ take: ([UInt8], PostfixSession) -> Void
  ) -> Bool {
    guard let count = reader.number(), count >= 0, count <= 256 else { return false }
    for _ in 0..<count {
      guard let key = reader.field(), let session = PostfixSession(from: &reader) else {
        return false
      }
      take(key, session)
    }
    return true
  }
}
