/// A message that waits in a server's queue, as its queue files or its queue listing show it.
package struct QueuedMessage: Hashable, Sendable {
  /// Where the server keeps it.
  package enum State: String, CaseIterable, Hashable, Sendable {
    case incoming
    /// Being delivered at this moment.
    case active
    case deferred
    /// On hold or frozen: not retried, and not returned, unless the server's settings end that.
    case held
    case corrupt
  }

  /// What the server's own tools show.
  package var queueID: String
  package var state: State
  /// The envelope sender; empty is the null sender.
  package var sender: String
  package var arrivedAt: Timestamp
  /// The moment from which the server counts the lifetime; differs from ``arrivedAt`` after a requeue.
  package var lifetimeBase: Timestamp
  /// The earliest moment of the next attempt where the queue states one.
  package var notBefore: Timestamp?
  package var lastAttemptAt: Timestamp?
  /// Attempts made, where the queue counts them.
  package var attemptsMade: Int?
  /// Bytes.
  package var size: Int?
  package var messageID: String?
  package var recipients: [QueuedRecipient]
  /// Delay warnings already sent, where the queue says.
  package var warningsSent: Int?
  /// The server's class of urgency where timers depend on it (Sendmail: urgent, normal,
  /// non-urgent, dsn); else nil.
  package var urgency: String?
  /// False where the server will send no delay warning for this message (a list, bulk mail, NOTIFY).
  package var wantsDelayWarning: Bool
  /// REQUIRETLS was asked for this message (RFC 8689).
  package var requiresTLS: Bool
  /// An administrator asked for its return; the next attempt returns it.
  package var isForcedToExpire: Bool
  /// Server-specific warning deadline written in the queue file (Postfix `W` record).
  package var warningDueAt: Timestamp?
  /// Where it stands in the order in which the server takes up its queue; nil where that order is no
  /// matter of the schedule, or the queue does not tell.
  package var placeInQueue: Int?
  /// The queue's directory that it lies in, where the server has several and the queue says.
  package var directory: String?
  /// Since when it is held, where the queue says.
  package var heldSince: Timestamp?

  package init(
    queueID: String,
    state: State,
    sender: String,
    arrivedAt: Timestamp,
    lifetimeBase: Timestamp? = nil,
    notBefore: Timestamp? = nil,
    lastAttemptAt: Timestamp? = nil,
    attemptsMade: Int? = nil,
    size: Int? = nil,
    messageID: String? = nil,
    recipients: [QueuedRecipient],
    warningsSent: Int? = nil,
    urgency: String? = nil,
    wantsDelayWarning: Bool = true,
    requiresTLS: Bool = false,
    isForcedToExpire: Bool = false,
    warningDueAt: Timestamp? = nil,
    placeInQueue: Int? = nil,
    heldSince: Timestamp? = nil
  ) {
    self.queueID = queueID
    self.state = state
    self.sender = sender
    self.arrivedAt = arrivedAt
    self.lifetimeBase = lifetimeBase ?? arrivedAt
    self.notBefore = notBefore
    self.lastAttemptAt = lastAttemptAt
    self.attemptsMade = attemptsMade
    self.size = size
    self.messageID = messageID
    self.recipients = recipients
    self.warningsSent = warningsSent
    self.urgency = urgency
    self.wantsDelayWarning = wantsDelayWarning
    self.requiresTLS = requiresTLS
    self.isForcedToExpire = isForcedToExpire
    self.warningDueAt = warningDueAt
    self.placeInQueue = placeInQueue
    self.heldSince = heldSince
  }
}

/// One recipient of a queued message.
package struct QueuedRecipient: Hashable, Sendable {
  package var address: String
  /// Delivered or returned already; only the others wait.
  package var isDone: Bool
  /// Why it waits, as the queue says.
  package var reason: String?
  package var enhancedStatus: EnhancedStatusCode?

  package init(
    address: String,
    isDone: Bool = false,
    reason: String? = nil,
    enhancedStatus: EnhancedStatusCode? = nil
  ) {
    self.address = address
    self.isDone = isDone
    self.reason = reason
    self.enhancedStatus = enhancedStatus
  }
}

/// A server's record of how long a host, an address or a domain has been failing (Exim's retry
/// database, Sendmail's host status).
package struct RetryRecord: Hashable, Sendable {
  package enum Subject: String, CaseIterable, Hashable, Sendable {
    case host
    case address
    case domain
    /// A host for one message only.
    case hostAndMessage
  }

  package var subject: Subject
  /// The server's own key (`T:mx.example.com:192.0.2.1`).
  package var key: String
  package var firstFailed: Timestamp
  package var lastAttempt: Timestamp
  package var nextAttempt: Timestamp
  /// Past the last cutoff of its rule.
  package var isExpired: Bool
  /// The last error, as the server keeps it.
  package var text: String

  package init(
    subject: Subject,
    key: String,
    firstFailed: Timestamp,
    lastAttempt: Timestamp,
    nextAttempt: Timestamp,
    isExpired: Bool,
    text: String
  ) {
    self.subject = subject
    self.key = key
    self.firstFailed = firstFailed
    self.lastAttempt = lastAttempt
    self.nextAttempt = nextAttempt
    self.isExpired = isExpired
    self.text = text
  }
}

/// All that one look at one queue gave.
package struct QueueSnapshot: Sendable {
  package var server: MailServerID
  /// The directory or file that was read.
  package var path: String
  /// The host that the queue belongs to, where the queue says.
  package var host: String?
  package var takenAt: Timestamp
  package var messages: [QueuedMessage]
  package var retryRecords: [RetryRecord]
  /// What could not be read, with the reason.
  package var troubles: [ReadTrouble]
  /// True where this listing is whole, so that what it lacks has left the queue; false for a partial
  /// input such as a retry database alone.
  package var listsMessages: Bool
  /// Hosts that carried mail for a domain, lower case, where the log showed them.
  package var nextHops: [String: [String]] = [:]

  package init(
    server: MailServerID,
    path: String,
    host: String? = nil,
    takenAt: Timestamp,
    messages: [QueuedMessage] = [],
    retryRecords: [RetryRecord] = [],
    troubles: [ReadTrouble] = [],
    listsMessages: Bool = true
  ) {
    self.server = server
    self.path = path
    self.host = host
    self.takenAt = takenAt
    self.messages = messages
    self.retryRecords = retryRecords
    self.troubles = troubles
    self.listsMessages = listsMessages
  }
}

/// Something that could not be read.
package struct ReadTrouble: Hashable, Sendable, CustomStringConvertible {
  /// What is at fault.
  package enum Nature: Hashable, Sendable {
    /// Damaged, cut short, or not what it should be.
    case content
    case permission
    /// The device.
    case inputOutput
    /// Nothing: what was read serves, and more would serve better.
    case remark
    /// Nothing: but what is lacking has to be given in another way, or the answer is a poor one.
    case advice
  }

  package var path: String
  package var offset: Int64?
  /// One sentence: what is wrong and, where that helps, what to do.
  package var reason: String
  package var nature: Nature

  package init(path: String, offset: Int64? = nil, reason: String, nature: Nature = .content) {
    self.path = path
    self.offset = offset
    self.reason = reason
    self.nature = nature
  }

  /// A file or directory that was not read.
  package init(path: String, _ failure: BoundedFile.Failure) {
    let nature: Nature =
      switch failure {
      case .permission: .permission
      case .failed: .inputOutput
      case .notRegular, .vanished: .content
      }
    self.init(path: path, reason: failure.reason, nature: nature)
  }

  package var description: String {
    offset.map { "\(path): at byte \($0): \(reason)" } ?? "\(path): \(reason)"
  }
}
