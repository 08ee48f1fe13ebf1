package import MailModel

/// The general failure rules: texts that libraries, peers and servers without a folder of their own
/// write. What a known server writes of its own is in its folder.
package enum Catalogue {
  /// All of them; the order within a specificity decides between equal matches.
  package static let general: [FailureRule] =
    (windowsEvents + verification + openSSL + alerts + gnuTLS + languages + schannel)
    .map(ofOwnSession)
    + resultTypes + senders + exchange + otherServers + policies + replies + mailboxes + network

  /// What stands before words of the other side that a server quotes.
  static let replyMarks = [
    " said: ", "refused to talk to me: ", "smtp error from remote mail server after ",
    "remote host said: ",
  ]

  /// Libraries speak of the session at hand: what a peer quotes of its own is another's trouble.
  /// A content filter may quote any words of the message.
  private static func ofOwnSession(_ rule: FailureRule) -> FailureRule {
    var rule = rule
    if rule.id != "x509.any" { rule.voice = .own }
    let filters = ["spam", "virus", "phish"].map { TextPattern.not(.contains($0)) }
    rule.pattern = .all([rule.pattern] + filters)
    return rule
  }

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
