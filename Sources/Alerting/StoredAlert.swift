import FoundationEssentials
import MailModel
import Store

/// A condition as the store keeps it: JSON with stable names.
struct StoredCondition: Codable {
  var key: String
  var rule: String
  var severity: String
  var destination: String
  var failureClass: String?
  var count: Int
  var firstSeen: Int64
  var fixBy: Int64?
  var summary: String
  var remedy: String?

  init(_ condition: AlertCondition) {
    key = condition.key
    rule = condition.rule.rawValue
    severity = condition.severity.name
    destination = condition.destination
    failureClass = condition.failureClass?.rawValue
    count = condition.count
    firstSeen = condition.firstSeen.microseconds
    fixBy = condition.fixBy?.microseconds
    summary = condition.summary
    remedy = condition.remedy
  }

  /// The condition; nil where a newer version wrote a rule that is not known here.
  var condition: AlertCondition? {
    guard let rule = AlertRule(rawValue: rule), let severity = AlertSeverity(name: severity) else {
      return nil
    }
    return AlertCondition(
      key: key,
      rule: rule,
      severity: severity,
      destination: destination,
      failureClass: failureClass.flatMap { FailureClass(rawValue: $0) },
      count: count,
      firstSeen: Timestamp(microseconds: firstSeen),
      fixBy: fixBy.map { Timestamp(microseconds: $0) },
      summary: summary,
      remedy: remedy
    )
  }
}

/// An open alert as the store keeps it.
struct StoredOpenAlert: Codable {
  var told: StoredCondition
  var quietSince: Int64?
  var ending: String?
}

/// What is to be told, as the outbox keeps it.
struct StoredAlert: Codable {
  var id: String
  var state: String
  var condition: StoredCondition
  var report: String?

  init(_ alert: Alert) {
    id = alert.id
    state = alert.state.rawValue
    condition = StoredCondition(alert.condition)
    report = alert.report
  }

  var alert: Alert? {
    guard let state = AlertState(rawValue: state), let condition = condition.condition else {
      return nil
    }
    return Alert(id: id, state: state, condition: condition, report: report)
  }
}

extension OpenAlertRow {
  init(_ open: OpenAlert) throws {
    let stored = StoredOpenAlert(
      told: StoredCondition(open.told),
      quietSince: open.quietSince?.microseconds,
      ending: open.ending?.rawValue
    )
    self.init(key: open.told.key, alert: open.id, body: try StoredJSON.text(stored))
  }

  var open: OpenAlert? {
    guard let stored = StoredJSON.value(StoredOpenAlert.self, body),
      let told = stored.told.condition
    else { return nil }
    return OpenAlert(
      id: alert,
      told: told,
      quietSince: stored.quietSince.map { Timestamp(microseconds: $0) },
      ending: stored.ending.flatMap { AlertState(rawValue: $0) }
    )
  }
}

/// JSON in a fixed key order, so that equal values are equal rows.
enum StoredJSON {
  static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func value<Value: Decodable>(_ type: Value.Type, _ text: String) -> Value? {
    try? JSONDecoder().decode(type, from: Data(text.utf8))
  }
}
