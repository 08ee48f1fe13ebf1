/// Where a schedule came from.
package enum ScheduleBasis: String, CaseIterable, Hashable, Sendable {
  case configuration
  case observed = "log"
  case serverDefault = "default"
}

/// What the log showed of a server's timers.
package struct RetryObservations: Hashable, Sendable {
  /// What can be asked of the log: a schedule names what it follows, and only that is looked up.
  package enum Kind: CaseIterable, Hashable, Sendable {
    case queueRuns, passes, starts
    case expiries, firstExpiries, delayWarnings
    /// Lifetimes, times of warning and queue intervals in the server's own words.
    case stated
    case gaps
  }

  /// A message that was returned for age: its age at the attempt before and at the one that
  /// returned it, in seconds; the lifetime lies in between.
  package struct AgeBracket: Hashable, Sendable {
    package var previousAge: Double
    package var age: Double
    package var isNullSender: Bool

    package init(previousAge: Double, age: Double, isNullSender: Bool) {
      self.previousAge = previousAge
      self.age = age
      self.isNullSender = isNullSender
    }
  }

  /// One pass over the queue, as the log shows it.
  package struct QueueRun: Hashable, Sendable {
    /// One message that the pass took up.
    package struct Turn: Hashable, Sendable {
      package var queueID: String
      /// When its first result was logged.
      package var at: Timestamp
      /// Recipient domains at which the server really tried to deliver.
      package var triedDomains: [String]
      /// A delay warning about it was made in this pass.
      package var wasWarned: Bool

      package init(queueID: String, at: Timestamp, triedDomains: [String], wasWarned: Bool) {
        self.queueID = queueID
        self.at = at
        self.triedDomains = triedDomains
        self.wasWarned = wasWarned
      }
    }

    package var startedAt: Timestamp
    /// Messages that were there before the pass began, in the order in which it took them.
    package var turns: [Turn]

    package init(startedAt: Timestamp, turns: [Turn]) {
      self.startedAt = startedAt
      self.turns = turns
    }
  }

  /// Moments at which queue runs were seen, oldest first (the newest few hundred).
  package var queueRuns: [Timestamp]
  /// The newest passes with the order of their messages, oldest first.
  package var passes: [QueueRun]
  /// Starts and reloads of the server, oldest first.
  package var starts: [Timestamp]
  package var expiries: [AgeBracket]
  package var delayWarnings: [AgeBracket]
  /// Of ``expiries`` those of messages with which their destination began to fail: their age is the
  /// destination's time of failure too.
  package var firstExpiries: [AgeBracket]
  /// Seconds, from the server's own words, newest last.
  package var statedLifetimes: [Double]
  package var statedWarnings: [Double]
  package var statedQueueIntervals: [Double]
  /// Seconds between consecutive real attempts of one message with the message's age at the first.
  package var gaps: [(age: Double, gap: Double)] {
    get { gapAges.indices.map { (gapAges[$0], gapLengths[$0]) } }
    set {
      gapAges = newValue.map(\.age)
      gapLengths = newValue.map(\.gap)
    }
  }
  private var gapAges: [Double] = []
  private var gapLengths: [Double] = []

  package init(
    queueRuns: [Timestamp] = [],
    passes: [QueueRun] = [],
    starts: [Timestamp] = [],
    expiries: [AgeBracket] = [],
    firstExpiries: [AgeBracket] = [],
    delayWarnings: [AgeBracket] = [],
    statedLifetimes: [Double] = [],
    statedWarnings: [Double] = [],
    statedQueueIntervals: [Double] = [],
    gaps: [(age: Double, gap: Double)] = []
  ) {
    self.queueRuns = queueRuns
    self.passes = passes
    self.starts = starts
    self.expiries = expiries
    self.firstExpiries = firstExpiries
    self.delayWarnings = delayWarnings
    self.statedLifetimes = statedLifetimes
    self.statedWarnings = statedWarnings
    self.statedQueueIntervals = statedQueueIntervals
    self.gaps = gaps
  }
}

/// When one queued message is tried, warned about and returned, as long as its destination keeps
/// failing.
package struct ScheduledMessage: Hashable, Sendable {
  package var queueID: String
  /// The recipients' domain that this schedule is about.
  package var domain: String
  /// Attempts to come, the next one first; the last one is the one that returns the message. At
  /// most 1000 are listed.
  package var attempts: [Timestamp]
  /// The next attempt at this very message, where it takes turns with others; else the first of
  /// ``attempts``.
  package var nextAttempt: Timestamp?
  /// How likely ``nextAttempt`` comes within one queue interval of the moment told, if its destination
  /// keeps failing; less than 1 where messages for one host take turns by chance.
  package var nextAttemptCertainty = 1.0
  package var warningAt: Timestamp?
  /// When the NDR is made; nil where the message never expires by itself.
  package var expiresAt: Timestamp?
  package var basis: ScheduleBasis
  /// It is returned for its age, frozen as it is: no attempt comes before, and no repair saves it.
  package var isReturnedUntried = false
  package init(
    queueID: String,
    domain: String,
    attempts: [Timestamp],
    warningAt: Timestamp?,
    expiresAt: Timestamp?,
    basis: ScheduleBasis
  ) {
    self.queueID = queueID
    self.domain = domain
    self.attempts = attempts
    nextAttempt = attempts.first
    self.warningAt = warningAt
    self.expiresAt = expiresAt
    self.basis = basis
  }
}

/// A server's own rule for retries and expiry, with its settings.
package protocol RetrySchedule: Sendable {
  var basis: ScheduleBasis { get }
  /// The rule in words with its numbers, for a person: "lifetime 5 d, queue run every 300 s, …".
  var summary: String { get }
  /// Runs the rule forward from `now` over a whole queue (hosts' records are shared by messages):
  /// one result per message and recipient domain that waits.
  func scheduled(_ queue: QueueSnapshot, now: Timestamp) -> [ScheduledMessage]
}

extension RetrySchedule {
  /// A timer as people say it, for ``summary``: `5 d`, `12 h`, `30 min`, `45 s`. What is no whole
  /// number of a unit keeps the smaller one.
  package func words(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds.magnitude < 1e12 else { return "for ever" }
    let value = Int(seconds.rounded())
    for (length, unit) in [(86_400, "d"), (3600, "h"), (60, "min")]
    where value >= length && value % length == 0 {
      return "\(value / length) \(unit)"
    }
    return "\(value) s"
  }
}
