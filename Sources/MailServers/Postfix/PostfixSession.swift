import MailModel

/// What an smtp(8) or tlsproxy(8) process said about its session without naming a message.
struct PostfixSession: Recent, Sendable {
  /// `mx.example.com[192.0.2.1]:25`; empty until a line names it.
  var peer: [UInt8] = []
  /// Failure lines, oldest first, joined by newlines.
  var cause: [UInt8] = []
  var causePosition: LinePosition?
  var moment: Timestamp
  /// How far the handshake got; nil before a line says so.
  var established: TransportSecurity?
  /// The message whose result was last logged for this session; nil: none yet.
  var usedBy: ShortID?
  /// The process that spoke of a message: a message's recipients at other destinations have others.
  var process: Int32 = 0

  init(moment: Timestamp) { self.moment = moment }

  /// A kibibyte: what a person reads and a rule needs.
  static let causeLimit = 1024
  /// A host's name with its address and port.
  static let longestPeer = 320
  /// smtp_starttls_timeout: a TLS line explains nothing that comes later than that.
  static let patience = 300.0

  /// Whether a further line of its process may be about it: no result was logged, and it is not too
  /// old.
  func isOpen(at now: Timestamp) -> Bool {
    usedBy == nil && now.seconds(since: moment) <= PostfixSession.patience
  }

  /// Begins anew, and keeps its room.
  mutating func restart(at now: Timestamp) {
    moment = now
    peer.removeAll(keepingCapacity: true)
    if !cause.isEmpty { cause = [] }
    causePosition = nil
    established = nil
    usedBy = nil
  }

  /// Adds one failure line.
  mutating func add(_ line: some Sequence<UInt8>, at position: LinePosition) {
    if causePosition == nil { causePosition = position }
    guard cause.count < PostfixSession.causeLimit else { return }
    if !cause.isEmpty { cause.append(UInt8(ascii: "\n")) }
    cause.append(contentsOf: line.prefix(PostfixSession.causeLimit - cause.count))
  }

  /// Adds a failure line unless it was said already, as by connections that fail side by side.
  mutating func addOnce(_ line: [UInt8], at position: LinePosition) {
    let isKnown = cause.split(separator: UInt8(ascii: "\n")).contains { $0.elementsEqual(line) }
    if !isKnown { add(line, at: position) }
  }
}

extension PostfixSession {
  func write(to state: inout CarriedStateWriter) {
    state.write(peer)
    state.write(cause)
    state.write(causePosition)
    state.write(moment.microseconds)
    state.write(Int64(established?.rawValue ?? -1))
    state.write(usedBy?.bytes ?? [])
    state.write(Int64(process))
  }

  init?(from state: inout CarriedStateReader) {
    guard let peer = state.field(), let cause = state.field(), let position = state.position(),
      let moment = state.number(), let established = state.number(), let usedBy = state.field(),
      let process = state.number()
    else { return nil }
    self.init(moment: Timestamp(microseconds: moment))
    self.peer = peer
    self.cause = cause
    causePosition = position
    self.established = TransportSecurity(rawValue: Int(clamping: established))
    self.usedBy = usedBy.isEmpty ? nil : ShortID(usedBy)
    self.process = Int32(truncatingIfNeeded: process)
  }
}
