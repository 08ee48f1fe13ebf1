/// What a log line says happened, in terms every server shares.
///
/// Ranges index the bytes of the line that gave the event; they are good until the next line. An event
/// is plain memory of some hundred bytes, with no references to count: nearly every line gives one.
package enum LogEvent: Sendable {
  /// A message entered the queue, or more of its envelope became known.
  case arrival(Arrival)
  /// A per-recipient result line.
  case attempt(LoggedAttempt)
  /// The message left the queue for good (`removed`, `Completed`).
  case ended(queueID: Range<Int>)
  /// The message ran out of time: each recipient still deferred counts once more, as expired.
  /// Only for servers that log expiry per message (Postfix); others log an attempt `.expired`.
  case expired(queueID: Range<Int>, forced: Bool)
  /// Put on hold or frozen: no retries, no expiry.
  case held(queueID: Range<Int>)
  case released(queueID: Range<Int>)
  /// The server wrote a notice about a message.
  case notification(LoggedNotification)
  /// Something about the server itself that explains or times what follows.
  case marker(ServerMarker)
  /// A session failed without naming a message, and no later line can be expected to.
  case sessionFailure(LoggedSessionFailure)
}

/// A message entering the queue, or a further line about its envelope.
package struct Arrival: Sendable {
  package var queueID: Range<Int>
  /// True when this line can only be the first of a message: an older one of the same id has ended.
  package var opensMessage: Bool
  /// The envelope sender without angle brackets; an empty range is the null sender, nil is unknown.
  package var sender: Range<Int>?
  /// The Message-ID header without angle brackets.
  package var messageID: Range<Int>?
  /// Bytes.
  package var size: Int?
  /// The queue manager took the message up for an attempt; one that was tried before tells when the
  /// queue is scanned.
  package var isTakenUp: Bool
  /// The id that this message had before it was requeued, or the message that this notice is about.
  package var originalQueueID: Range<Int>?

  @inlinable @inline(__always)
  package init(
    queueID: Range<Int>,
    opensMessage: Bool = false,
    sender: Range<Int>? = nil,
    messageID: Range<Int>? = nil,
    size: Int? = nil,
    isTakenUp: Bool = false,
    originalQueueID: Range<Int>? = nil
  ) {
    self.queueID = queueID
    self.isTakenUp = isTakenUp
    self.opensMessage = opensMessage
    self.sender = sender
    self.messageID = messageID
    self.size = size
    self.originalQueueID = originalQueueID
  }
}

/// One per-recipient result line.
package struct LoggedAttempt: Sendable {
  package var queueID: Range<Int>
  /// The envelope recipient without angle brackets.
  package var recipient: Range<Int>
  package var outcome: DeliveryOutcome
  /// False where no connection stood behind the line ("delivery temporarily suspended",
  /// "retry time not reached", Sendmail's bare "Deferred").
  package var tried: Bool
  /// The peer as the server writes it (`mx.example.com[192.0.2.1]:25`); empty where none.
  package var relay: Range<Int>
  /// The reply or reason as logged; may be empty.
  package var reply: Range<Int>
  package var enhancedStatus: EnhancedStatusCode?
  package var security: TransportSecurity
  /// What earlier lines of the same session said, by its number among ``LineEvents/causes``; nil where
  /// they said nothing.
  package var cause: Int?
  /// Seconds since the message arrived, where the line says.
  package var age: Double?

  @inlinable @inline(__always)
  package init(
    queueID: Range<Int>,
    recipient: Range<Int>,
    outcome: DeliveryOutcome,
    tried: Bool = true,
    relay: Range<Int> = 0..<0,
    reply: Range<Int> = 0..<0,
    enhancedStatus: EnhancedStatusCode? = nil,
    security: TransportSecurity = .unknown,
    cause: Int? = nil,
    age: Double? = nil
  ) {
    self.queueID = queueID
    self.recipient = recipient
    self.outcome = outcome
    self.tried = tried
    self.relay = relay
    self.reply = reply
    self.enhancedStatus = enhancedStatus
    self.security = security
    self.cause = cause
    self.age = age
  }
}

/// A notice that the server wrote about a message.
package struct LoggedNotification: Sendable {
  package enum Kind: Int, CaseIterable, Hashable, Sendable {
    case nonDelivery = 0
    case delay = 1
    case success = 2
  }

  /// The message that the notice is about.
  package var queueID: Range<Int>
  /// The notice's own id, where logged.
  package var noticeID: Range<Int>?
  package var kind: Kind

  package init(queueID: Range<Int>, noticeID: Range<Int>?, kind: Kind) {
    self.queueID = queueID
    self.noticeID = noticeID
    self.kind = kind
  }
}

/// Something about the server itself.
package struct ServerMarker: Hashable, Sendable {
  package enum Kind: Int, CaseIterable, Hashable, Sendable {
    /// The server or its queue manager started: also the phase of the queue-run grid.
    case started = 0
    case reloaded = 1
    case stopped = 2
    /// A queue run began, or a deferred message was taken up by one.
    case queueRun = 3
    /// The server states its lifetime in words; ``ServerMarker/seconds`` is it.
    case statedLifetime = 4
    /// The server states its delay-warning time in words.
    case statedWarning = 5
    /// The server says that its own TLS configuration cannot be used.
    case localTLSTrouble = 6
    /// The server states in words how often it runs its queue.
    case statedQueueInterval = 7
  }

  package var kind: Kind
  /// For the `stated…` kinds, the duration; else nil.
  package var seconds: Double?

  package init(_ kind: Kind, seconds: Double? = nil) {
    self.kind = kind
    self.seconds = seconds
  }
}

/// A failed session that names no message.
package struct LoggedSessionFailure: Sendable {
  package var side: Side
  package var peer: Range<Int>
  package var text: Range<Int>

  package init(side: Side, peer: Range<Int>, text: Range<Int>) {
    self.side = side
    self.peer = peer
    self.text = text
  }
}
