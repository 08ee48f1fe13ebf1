package import MailModel

/// The daily report as a value: HTML, Markdown and JSON are three ways to write it down.
///
/// Texts in it are raw: each writer makes them harmless for its own output.
package struct Report: Hashable, Sendable {
  /// A thing to do, the nearest deadline first.
  package struct Task: Hashable, Sendable {
    package var title: String
    package var destination: String?
    package var deadline: Timestamp?
    /// Messages that are saved if it is done in time.
    package var saves: Int
    package var detail: String

    package init(
      title: String,
      destination: String?,
      deadline: Timestamp?,
      saves: Int,
      detail: String
    ) {
      self.title = title
      self.destination = destination
      self.deadline = deadline
      self.saves = saves
      self.detail = detail
    }
  }

  /// A figure of the day beside the day before and the mean of the seven days before.
  package struct Figure: Hashable, Sendable {
    package var name: String
    package var today: Int
    package var yesterday: Int?
    package var weekMean: Double?

    package init(name: String, today: Int, yesterday: Int?, weekMean: Double?) {
      self.name = name
      self.today = today
      self.yesterday = yesterday
      self.weekMean = weekMean
    }
  }

  /// Something that is not as it was the day before or in the week before.
  package struct Change: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
      case began
      case recovered
      case returned
      case worse
      case better
    }

    package var kind: Kind
    package var destination: String?
    /// A whole sentence.
    package var text: String

    package init(kind: Kind, destination: String?, text: String) {
      self.kind = kind
      self.destination = destination
      self.text = text
    }
  }

  /// Deliveries of the day by what protected them on their way.
  package struct Protection: Hashable, Sendable {
    package var name: String
    package var deliveries: Int

    package init(name: String, deliveries: Int) {
      self.name = name
      self.deliveries = deliveries
    }
  }

  /// One incident with all that is known of it.
  package struct Incident: Hashable, Sendable {
    package var id: String
    package var domains: [String]
    package var nextHops: [String]
    package var state: String
    package var failureClass: FailureClass?
    package var tlsIsCause: TLSCause
    package var responsible: Responsible
    package var confidence: Double
    package var confirmedBy: String?
    package var onset: Timestamp?
    package var trigger: String?
    package var attempts: Int
    package var waiting: Int
    package var meaning: String
    package var evidence: [Evidence]
    package var remedies: [Remedy]
    /// A message to the remote administrator, ready to send; nil where it is not theirs.
    package var notice: String?

    package init(
      id: String,
      domains: [String],
      nextHops: [String],
      state: String,
      failureClass: FailureClass?,
      tlsIsCause: TLSCause,
      responsible: Responsible,
      confidence: Double,
      confirmedBy: String?,
      onset: Timestamp?,
      trigger: String?,
      attempts: Int,
      waiting: Int,
      meaning: String,
      evidence: [Evidence],
      remedies: [Remedy],
      notice: String?
    ) {
      self.id = id
      self.domains = domains
      self.nextHops = nextHops
      self.state = state
      self.failureClass = failureClass
      self.tlsIsCause = tlsIsCause
      self.responsible = responsible
      self.confidence = confidence
      self.confirmedBy = confirmedBy
      self.onset = onset
      self.trigger = trigger
      self.attempts = attempts
      self.waiting = waiting
      self.meaning = meaning
      self.evidence = evidence
      self.remedies = remedies
      self.notice = notice
    }
  }

  /// A log line and where it stands.
  package struct Evidence: Hashable, Sendable {
    package var path: String
    package var offset: Int64
    package var text: String

    package init(path: String, offset: Int64, text: String) {
      self.path = path
      self.offset = offset
      self.text = text
    }
  }

  /// What waits for one destination, and until when it can be saved.
  package struct Deadline: Hashable, Sendable {
    package var domain: String
    package var waiting: Int
    package var oldest: Timestamp?
    package var failureClass: FailureClass?
    package var firstExpiry: Timestamp?
    package var lastExpiry: Timestamp?
    package var fixBy: Timestamp?
    package var expiring24h: Int
    package var basis: String

    package init(
      domain: String,
      waiting: Int,
      oldest: Timestamp?,
      failureClass: FailureClass?,
      firstExpiry: Timestamp?,
      lastExpiry: Timestamp?,
      fixBy: Timestamp?,
      expiring24h: Int,
      basis: String
    ) {
      self.domain = domain
      self.waiting = waiting
      self.oldest = oldest
      self.failureClass = failureClass
      self.firstExpiry = firstExpiry
      self.lastExpiry = lastExpiry
      self.fixBy = fixBy
      self.expiring24h = expiring24h
      self.basis = basis
    }
  }

  /// How much of one input was read and understood.
  package struct Coverage: Hashable, Sendable {
    package var path: String
    package var kind: String
    package var lines: Int
    package var recognized: Int
    package var unrecognized: Int
    package var newest: Timestamp?
    package var troubles: [String]

    package init(
      path: String,
      kind: String,
      lines: Int,
      recognized: Int,
      unrecognized: Int,
      newest: Timestamp?,
      troubles: [String]
    ) {
      self.path = path
      self.kind = kind
      self.lines = lines
      self.recognized = recognized
      self.unrecognized = unrecognized
      self.newest = newest
      self.troubles = troubles
    }
  }

  /// The first day's moment and the moment after the last.
  package var from: Timestamp
  package var to: Timestamp
  package var now: Timestamp
  package var generatedAt: Timestamp
  /// Whose fault it looks like, in one sentence.
  package var headline: String
  package var tasks: [Task]
  package var figures: [Figure]
  package var changes: [Change]
  package var incidents: [Incident]
  /// Incidents beyond those listed.
  package var moreIncidents: Int
  package var deadlines: [Deadline]
  package var charts: [Chart]
  package var coverage: [Coverage]
  /// Where the forecast's moments come from, per server, in words.
  package var schedules: [String]
  package var protections: [Protection]
  /// What the figures about TLS cover and what they do not, in sentences.
  package var tlsCoverage: [String]
  /// Whether anything that was read told of mail; where nothing did, nothing below is an all-clear.
  package var isUnderstood: Bool
  /// Local parts, subjects and Message-IDs are tokens.
  package var isRedacted: Bool

  package init(
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
    generatedAt: Timestamp,
    headline: String,
    tasks: [Task],
    figures: [Figure],
    changes: [Change],
    incidents: [Incident],
    moreIncidents: Int,
    deadlines: [Deadline],
    charts: [Chart],
    coverage: [Coverage],
    schedules: [String],
    protections: [Protection],
    tlsCoverage: [String],
    isUnderstood: Bool = true,
    isRedacted: Bool
  ) {
    self.from = from
    self.to = to
    self.now = now
    self.generatedAt = generatedAt
    self.headline = headline
    self.tasks = tasks
    self.figures = figures
    self.changes = changes
    self.incidents = incidents
    self.moreIncidents = moreIncidents
    self.deadlines = deadlines
    self.charts = charts
    self.coverage = coverage
    self.schedules = schedules
    self.protections = protections
    self.tlsCoverage = tlsCoverage
    self.isUnderstood = isUnderstood
    self.isRedacted = isRedacted
  }
}
