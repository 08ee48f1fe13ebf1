import MailModel

/// What a process said about its session with one relay.
struct SendmailSession: Recent, Sendable {
  /// The relay's name, lower case, no trailing dot.
  var relay: [UInt8] = []
  /// Failure lines.
  var cause: [UInt8] = []
  var causePosition: LinePosition?
  /// Lines that say what is wrong with a certificate; they are causes only where a rule rejects it.
  var advice: [UInt8] = []
  var advicePosition: LinePosition?
  var security: TransportSecurity = .unknown
  var moment: Timestamp
  /// The message whose result line told what is here; nil while none did. What is said next is about
  /// another session.
  var toldFor: ShortID?

  static let limit = 1024
  /// A host's name.
  static let longestRelay = 320
  /// The longest that a session lasts between its handshake and its result.
  static let patience = 3600.0

  init(moment: Timestamp) { self.moment = moment }

  mutating func restart(at now: Timestamp) {
    moment = now
    relay.removeAll(keepingCapacity: true)
    security = .unknown
    forgetAll()
  }

  /// Goes on with a further line of its process: about the same session, unless a result told it or the
  /// line is about another relay. Then the connection was kept, or there is a new one.
  mutating func proceed(isSameRelay: Bool, moment now: Timestamp) {
    moment = now
    if toldFor == nil, isSameRelay || relay.isEmpty { return }
    if !isSameRelay { security = .unknown }
    forgetAll()
  }

  private mutating func forgetAll() {
    cause.removeAll(keepingCapacity: true)
    causePosition = nil
    advice.removeAll(keepingCapacity: true)
    advicePosition = nil
    toldFor = nil
  }

  mutating func addCause(_ line: [UInt8], at position: LinePosition) {
    if causePosition == nil { causePosition = advicePosition ?? position }
    for part in [advice, line] where !part.isEmpty && cause.count < SendmailSession.limit {
      if !cause.isEmpty { cause.append(0x0a) }
      cause.append(contentsOf: part.prefix(SendmailSession.limit - cause.count))
    }
    advice = []
  }

  mutating func addAdvice(_ bytes: Span<UInt8>, _ line: Range<Int>, at position: LinePosition) {
    if advicePosition == nil { advicePosition = position }
    guard advice.count < SendmailSession.limit else { return }
    if !advice.isEmpty { advice.append(0x0a) }
    let kept = line.clamped(to: 0..<bytes.count).prefix(SendmailSession.limit - advice.count)
    bytes.withUnsafeBufferPointer {
      advice.append(
        contentsOf: UnsafeBufferPointer(rebasing: $0[kept.startIndex..<kept.endIndex])
      )
    }
  }

  func write(to state: inout CarriedStateWriter) {
    state.write(relay)
    state.write(cause)
    state.write(causePosition)
    state.write(advice)
    state.write(advicePosition)
    state.write(Int64(security.rawValue))
    state.write(moment.microseconds)
    state.write(toldFor?.bytes ?? [])
  }

  init?(from state: inout CarriedStateReader) {
    guard let relay = state.field(), let cause = state.field(), let position = state.position(),
      let advice = state.field(), let advicePosition = state.position(),
      let security = state.number(), let moment = state.number(), let toldFor = state.field()
    else { return nil }
    self.relay = relay
    self.cause = cause
    causePosition = position
    self.advice = advice
    self.advicePosition = advicePosition
    self.security = TransportSecurity(rawValue: Int(clamping: security)) ?? .unknown
    self.moment = Timestamp(microseconds: moment)
    self.toldFor = toldFor.isEmpty ? nil : ShortID(toldFor)
  }
}
