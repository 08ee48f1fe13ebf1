package import MailModel

/// Something that is wrong now, or was and is over, as a rule sees it. Rules give conditions;
/// ``AlertBook`` decides what is worth telling.
package struct AlertCondition: Hashable, Sendable {
  /// How the condition stands.
  package enum Standing: Hashable, Sendable {
    case present
    /// Over since that moment.
    case over(AlertState, since: Timestamp)
  }

  /// Names the condition for as long as it lasts: rule, destination and incident.
  package var key: String
  package var rule: AlertRule
  package var severity: AlertSeverity
  /// The destination's domain; empty where the alert is about all mail.
  package var destination: String
  package var failureClass: FailureClass?
  /// Messages concerned: waiting, or about to be returned.
  package var count: Int
  package var firstSeen: Timestamp
  package var fixBy: Timestamp?
  /// One sentence for a person.
  package var summary: String
  /// The title of the remedy to try first.
  package var remedy: String?
  package var standing: Standing

  package init(
    key: String,
    rule: AlertRule,
    severity: AlertSeverity,
    destination: String,
    failureClass: FailureClass?,
    count: Int,
    firstSeen: Timestamp,
    fixBy: Timestamp? = nil,
    summary: String,
    remedy: String? = nil,
    standing: Standing = .present
  ) {
    self.key = key
    self.rule = rule
    self.severity = severity
    self.destination = destination
    self.failureClass = failureClass
    self.count = count
    self.firstSeen = firstSeen
    self.fixBy = fixBy
    self.summary = summary
    self.remedy = remedy
    self.standing = standing
  }
}

/// One thing to tell the hook.
package struct Alert: Hashable, Sendable {
  /// The same from firing to resolved: the hook can match the two.
  package var id: String
  package var state: AlertState
  package var condition: AlertCondition
  /// Where the newest report lies, where one is written.
  package var report: String?

  package init(id: String, state: AlertState, condition: AlertCondition, report: String? = nil) {
    self.id = id
    self.state = state
    self.condition = condition
    self.report = report
  }
}
