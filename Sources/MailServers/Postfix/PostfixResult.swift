import MailModel

/// A result line's fields: `to=<r>[, orig_to=<r>], relay=…[, conn_use=n], delay=…, delays=a/b/c/d
/// [, tls=…], dsn=x.y.z, status=word (text)`. Source: Postfix src/global/log_adhoc.c.
struct PostfixResult {
  private(set) var recipient: Range<Int>
  private(set) var relay: Range<Int> = 0..<0
  private(set) var isReused = false
  private(set) var age: Double?
  private(set) var enhancedStatus: EnhancedStatusCode?
  private(set) var outcome: DeliveryOutcome
  private(set) var reply: Range<Int> = 0..<0
  private(set) var isSuspended = false
  private var security: TransportSecurity = .unknown
  private var statesSecurity = false
  /// The number of what the session's lines said, among ``LineEvents/causes``.
  private(set) var cause: Int?
  private(set) var hasCauseText = false

  /// Reads the fields of `range`, which begins with `to=<`; nil where there is no status, or it is
  /// the answer to an address probe (`deliverable`), which is no mail.
  init?(_ bytes: Span<UInt8>, in range: Range<Int>) {
    let end = range.upperBound
    let first = range.lowerBound + 4
    // An address may hold `>`, and a quoted local part even `>, `: it ends where `>, ` does behind it.
    guard bytes.has("to=<", at: range.lowerBound, to: end),
      let close = bytes.firstIndex(
        of: ">, ",
        from: PostfixResult.behindQuotes(bytes, from: first, to: end),
        to: end
      )
    else { return nil }
    recipient = first..<close
    var at = close + 3
    if bytes.has("orig_to=<", at: at, to: end),
      let stop = bytes.firstIndex(of: ">, ", from: at, to: end)
    {
      at = stop + 3
    }
    outcome = .deferred
    guard let word = readFields(bytes, from: at, to: end) else { return nil }
    if bytes.has("sent", at: word, to: end) {
      outcome = .delivered
    } else if bytes.has("deferred", at: word, to: end) || bytes.has("SOFTBOUNCE", at: word, to: end)
    {
      // With soft_bounce = yes what would be returned stays in the queue (src/global/bounce.c).
      outcome = .deferred
    } else if bytes.has("bounced", at: word, to: end) {
      outcome = .bounced
    } else if bytes.has("expired", at: word, to: end) {
      outcome = .expired
    } else {
      return nil
    }
    readReply(bytes, from: word, to: end)
  }

  /// Whether a line of result fields answers an address probe: `status=deliverable`,
  /// `status=undeliverable`. Source: Postfix src/global/verify.c.
  static func isProbe(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
    bytes.has("status=deliverable", in: range) || bytes.has("status=undeliverable", in: range)
  }

  /// Behind a quoted local part (RFC 5321 section 4.1.2); `start` where there is none.
  private static func behindQuotes(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    guard start < end, bytes[start] == UInt8(ascii: "\"") else { return start }
    return bytes.firstIndex(of: "\"@", from: start + 1, to: end) ?? start
  }

  /// Reads the fields before the status; gives where its word begins, nil where there is none.
  private mutating func readFields(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
    var at = start
    var status: Int?
    while status == nil, at < end {
      if bytes.has("status=", at: at, to: end) {
        status = at
        break
      }
      var stop = PostfixResult.fieldEnd(bytes, from: at, to: end)
      if stop == end {
        // Not behind a comma, on a line that is damaged.
        guard let found = bytes.firstIndex(of: "status=", from: at, to: end) else { return nil }
        status = found
        stop = found
      }
      readField(bytes, at..<stop)
      at = stop + 2
    }
    if bytes.equals("none", in: relay) { relay = relay.lowerBound..<relay.lowerBound }
    return status.map { $0 + 7 }
  }

  private mutating func readField(_ bytes: Span<UInt8>, _ field: Range<Int>) {
    let (at, stop) = (field.lowerBound, field.upperBound)
    guard at < stop else { return }
    switch bytes[at] {
    case UInt8(ascii: "r"):
      if bytes.has("relay=", at: at, to: stop) { relay = (at + 6)..<stop }
    case UInt8(ascii: "d"):
      if bytes.has("delay=", at: at, to: stop) {
        age = PostfixResult.decimal(bytes, (at + 6)..<stop)
      } else if bytes.has("dsn=", at: at, to: stop) {
        enhancedStatus = EnhancedStatusCode.parse(bytes, from: at + 4, to: stop)?.0
      }
    case UInt8(ascii: "c"):
      if bytes.has("conn_use=", at: at, to: stop) { isReused = true }
    case UInt8(ascii: "t"):
      if bytes.has("tls=", at: at, to: stop) { readTLSFeature(bytes, (at + 4)..<stop) }
    default: break
    }
  }

  /// Where the field ends that begins at `start`: before a comma and a blank, or at `end`.
  @inline(__always)
  private static func fieldEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var at = start
    while let comma = bytes.firstIndex(near: UInt8(ascii: ","), from: at, to: end) {
      if comma + 1 < end, bytes[comma + 1] == UInt8(ascii: " ") { return comma }
      at = comma + 1
    }
    return end
  }

  private mutating func readReply(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
    guard let open = bytes.firstIndex(of: UInt8(ascii: "("), from: start, to: end) else { return }
    let close = bytes[end - 1] == UInt8(ascii: ")") ? end - 1 : end
    reply = (open + 1)..<max(close, open + 1)
    isSuspended = bytes.has(
      "delivery temporarily suspended",
      at: reply.lowerBound,
      to: reply.upperBound
    )
  }

  /// `tls=may:none`, `tls=!secure`, `tls=dane:encrypt/requiretls`: the level, what became of it, and
  /// whether it was violated. Source: postconf(5), smtp_log_tls_feature_status (3.11).
  private mutating func readTLSFeature(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    statesSecurity = true
    let stop =
      bytes.firstIndex(of: UInt8(ascii: "/"), from: range.lowerBound, to: range.upperBound)
      ?? range.upperBound
    let first = range.lowerBound..<stop
    guard !first.isEmpty, bytes[first.lowerBound] != UInt8(ascii: "!"),
      bytes[stop - 1] != UInt8(ascii: "?")
    else { return }
    let level: Range<Int>
    if let colon = bytes.firstIndex(of: UInt8(ascii: ":"), from: first.lowerBound, to: stop) {
      level = (colon + 1)..<stop
    } else {
      level = first
    }
    if bytes.equals("none", in: level) {
      security = .clear
    } else if bytes.equals("may", in: level) || bytes.equals("encrypt", in: level) {
      security = .encrypted
    } else {
      security = .authenticated
    }
  }

  /// `12.5` seconds.
  private static func decimal(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Double? {
    guard let (whole, at) = bytes.number(at: range.lowerBound, to: range.upperBound) else {
      return nil
    }
    var value = Double(whole)
    if at < range.upperBound, bytes[at] == UInt8(ascii: "."),
      let (fraction, end) = bytes.number(at: at + 1, to: range.upperBound)
    {
      var scale = 1.0
      for _ in 0..<(end - at - 1) { scale *= 10 }
      value += Double(fraction) / scale
    }
    return value
  }

  /// Takes over the failure lines of a session.
  mutating func carry(_ session: borrowing PostfixSession, _ events: inout LineEvents) {
    hasCauseText = !session.cause.isEmpty
    cause = events.carry(session.cause, at: session.causePosition)
  }

  /// Notes how the delivery was protected, unless the line itself says so.
  mutating func note(established: TransportSecurity?, logsTLS: Bool, _ bytes: Span<UInt8>) {
    guard !statesSecurity, established != nil || logsTLS || hasCauseText else { return }
    if PostfixResult.leavesMachine(bytes, relay) { security = established ?? .clear }
  }

  /// Whether mail for this relay crosses a network: not `local`, not a socket in the file system
  /// (`mail[private/dovecot-lmtp]`), and not a content filter on this machine
  /// (`127.0.0.1[127.0.0.1]:10024`). The SMTP port of a loopback address may be a tunnel's end.
  private static func leavesMachine(_ bytes: Span<UInt8>, _ relay: Range<Int>) -> Bool {
    let end = relay.upperBound
    guard let open = bytes.firstIndex(of: UInt8(ascii: "["), from: relay.lowerBound, to: end),
      let close = bytes.firstIndex(of: UInt8(ascii: "]"), from: open, to: end)
    else { return false }
    let address = (open + 1)..<close
    let isLoopback =
      bytes.has("127.", at: address.lowerBound, to: close) || bytes.equals("::1", in: address)
    let isSMTP = bytes.equals(":25", in: (close + 1)..<end)
    return bytes.firstIndex(of: UInt8(ascii: "/"), from: open, to: close) == nil
      && (!isLoopback || isSMTP)
  }

  /// The event.
  func attempt(queueID: Range<Int>, isTried: Bool) -> LoggedAttempt {
    LoggedAttempt(
      queueID: queueID,
      recipient: recipient,
      outcome: outcome,
      tried: isTried,
      relay: relay,
      reply: reply,
      enhancedStatus: enhancedStatus,
      security: security,
      cause: cause,
      age: age
    )
  }
}
