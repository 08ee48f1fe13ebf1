import MailModel

/// An attempt that waits for the next commit.
struct PendingAttempt {
  var recipient: Int64
  var at: Int64
  var facts: AttemptFacts
  var relay: Int64
  var reply: Int64
  var cause: Int64
  var status: Int
  var position: LinePosition
  var causePosition: LinePosition?
}

/// What makes attempts of one hour alike.
struct TallyKey: Hashable {
  var hour: Int64
  var origin: Int64
  var domain: Int64
  var relay: Int64
  var facts: AttemptFacts
  var status: Int
  var reply: Int64
  var cause: Int64
}

/// Alike attempts of one hour, since the last commit.
struct TallyValue {
  var count: Int
  var first: Int64
  var last: Int64
  var position: LinePosition
  var causePosition: LinePosition?
}

/// A marker's identity: one of a kind per second and origin.
struct MarkerKey: Hashable {
  var origin: Int64
  var kind: ServerMarker.Kind
  var second: Int64
}

/// A marker's content.
struct MarkerValue {
  var at: Int64
  var value: Double?
  var position: LinePosition
}

/// A kind of failure towards one domain, for which one line is kept.
struct EvidenceKey: Hashable {
  var domain: Int64
  var reply: Int64
  var cause: Int64
}

/// All that waits for the next commit, apart from the open messages themselves.
struct PendingRows {
  var attempts: [PendingAttempt] = []
  var tallies: [TallyKey: TallyValue] = [:]
  var arrivals: [ArrivalKey: Int] = [:]
  var expiryTallies: [ExpiryKey: Int] = [:]
  var expiries: [(recipient: Int64, at: Int64, age: Double, previousAge: Double?)] = []
  var notifications: [PendingNotification] = []
  var markers: [MarkerKey: MarkerValue] = [:]
  var evidence: [EvidenceKey: (position: LinePosition, line: [UInt8])] = [:]
  var notUnderstood: [(position: LinePosition, line: [UInt8])] = []
  var sessionFailures: [SessionFailureKey: Int] = [:]
  var names: [(table: String, id: Int64, name: [UInt8])] = []

  struct ArrivalKey: Hashable {
    var hour: Int64
    var origin: Int64
  }

  struct ExpiryKey: Hashable {
    var hour: Int64
    var origin: Int64
    var domain: Int64
  }

  struct SessionFailureKey: Hashable {
    var origin: Int64
    var hour: Int64
    var side: Side
    var reason: Int64
  }

  struct PendingNotification {
    var message: Int64
    var kind: LoggedNotification.Kind
    var at: Int64
    var notice: [UInt8]?
    var position: LinePosition
  }
}
