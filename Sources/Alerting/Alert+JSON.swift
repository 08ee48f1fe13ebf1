package import FoundationEssentials
import MailModel

/// The alert as scripts get it: `mailtriage.alert/1`.
private struct AlertDocument: Encodable {
  var schema = "mailtriage.alert/1"
  var id: String
  var state: String
  var severity: String
  var rule: String
  var destination: String?
  var `class`: String?
  var count: Int
  var firstSeen: String
  var fixBy: String?
  var summary: String
  var remedy: String?
  var report: String?

  enum CodingKeys: String, CodingKey {
    case schema, id, state, severity, rule, destination, `class`, count
    case firstSeen = "first_seen"
    case fixBy = "fix_by"
    case summary, remedy, report
  }

  /// Absent facts are written as null, so that a script finds each key.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(schema, forKey: .schema)
    try container.encode(id, forKey: .id)
    try container.encode(state, forKey: .state)
    try container.encode(severity, forKey: .severity)
    try container.encode(rule, forKey: .rule)
    try container.encode(destination, forKey: .destination)
    try container.encode(`class`, forKey: .class)
    try container.encode(count, forKey: .count)
    try container.encode(firstSeen, forKey: .firstSeen)
    try container.encode(fixBy, forKey: .fixBy)
    try container.encode(summary, forKey: .summary)
    try container.encode(remedy, forKey: .remedy)
    try container.encode(report, forKey: .report)
  }
}

extension Alert {
  private var document: AlertDocument {
    AlertDocument(
      id: id,
      state: state.rawValue,
      severity: condition.severity.name,
      rule: condition.rule.rawValue,
      destination: condition.destination.isEmpty ? nil : condition.destination,
      class: condition.failureClass?.rawValue,
      count: condition.count,
      firstSeen: condition.firstSeen.rfc3339,
      fixBy: condition.fixBy?.rfc3339,
      summary: condition.summary,
      remedy: condition.remedy,
      report: report
    )
  }

  /// The JSON object that the hook reads on standard input, keys in a fixed order.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(document), as: UTF8.self)
    return Data(OutsideText(text).json().utf8)
  }

  /// The same scalars as `MAILTRIAGE_*` variables; absent ones are empty. Bytes that an environment
  /// cannot hold (NUL) and other control characters are replaced by spaces.
  package var environment: [String: String] {
    let document = document
    let scalars: [String: String?] = [
      "SCHEMA": document.schema, "ID": document.id, "STATE": document.state,
      "SEVERITY": document.severity, "RULE": document.rule, "DESTINATION": document.destination,
      "CLASS": document.class, "COUNT": String(document.count),
      "FIRST_SEEN": document.firstSeen, "FIX_BY": document.fixBy, "SUMMARY": document.summary,
      "REMEDY": document.remedy, "REPORT": document.report,
    ]
    return Dictionary(
      uniqueKeysWithValues: scalars.map { name, value in
        ("MAILTRIAGE_" + name, Alert.withoutControls(value ?? ""))
      }
    )
  }

  /// `text` with control characters replaced by spaces, and those that hide or reorder text shown.
  private static func withoutControls(_ text: String) -> String {
    let plain = text.unicodeScalars.map {
      $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? " " : $0
    }
    return OutsideText(String(String.UnicodeScalarView(plain))).terminal()
  }
}
