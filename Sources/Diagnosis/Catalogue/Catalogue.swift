package import MailModel

/// The general failure rules: texts that libraries, peers and servers without a folder of their own
/// write. What a known server writes of its own is in its folder.
package enum Catalogue {
  /// All of them; the order within a specificity decides between equal matches.
  package static let general: [FailureRule] =
    senders + windowsEvents + verification + libraryReasons + alerts + gnuTLS + schannel
    + otherServers + policies + replies
    + mailboxes + network

  /// A rule whose pattern is any of some texts.
  static func rule(
    _ id: String,
    _ failureClass: FailureClass?,
    _ responsible: Responsible,
    _ texts: [String],
    _ specificity: Specificity,
    side: Side? = nil,
    unless: [String] = [],
    and: [String] = [],
    example: String,
    _ meaning: String
  ) -> FailureRule {
    var parts: [TextPattern] = []
    if !texts.isEmpty { parts.append(.any(texts.map(TextPattern.contains))) }
    if !and.isEmpty { parts.append(.any(and.map(TextPattern.contains))) }
    parts += unless.map { .not(.contains($0)) }
    return FailureRule(
      id: id,
      failureClass: failureClass,
      responsible: responsible,
      side: side,
      specificity: specificity,
      pattern: parts.count == 1 ? parts[0] : .all(parts),
      example: example,
      meaning: meaning
    )
  }
}
