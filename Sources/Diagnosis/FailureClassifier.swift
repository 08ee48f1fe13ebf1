package import MailModel

/// What a failure text means.
package struct Classification: Hashable, Sendable {
  /// Nil: the text looks like a failure and reports none.
  package var failureClass: FailureClass?
  package var ruleID: String
  package var responsible: Responsible
  package var specificity: Specificity
  package var meaning: String

  /// How sure a text of this kind makes us: a verify number names the fault, a bare reply code hardly
  /// anything. Coarse classes name a family only.
  package var confidence: Double {
    let base =
      switch specificity {
      case .verifyError: 0.97
      case .libraryReason: 0.93
      case .alert: 0.88
      case .serverText: 0.8
      case .enhancedStatus: 0.65
      case .smtpCode: 0.5
      }
    return failureClass?.isCoarse == true ? min(base, 0.8) : base
  }
}

/// Finds the rule that says most about a text. The most specific match wins; among equals a failure
/// of TLS before others, then the order of the catalogue.
package struct FailureClassifier: Sendable {
  private struct Entry: Sendable {
    var rule: FailureRule
    var pattern: CompiledPattern
  }

  private let entries: [Entry]

  /// A classifier with the general rules and those of the servers at hand.
  package init(serverRules: [FailureRule]) {
    let rules = serverRules + Catalogue.general
    entries = rules.enumerated()
      .sorted {
        ($0.element.specificity.rawValue, -$0.offset) > (
          $1.element.specificity.rawValue, -$1.offset
        )
      }
      .map { Entry(rule: $0.element, pattern: CompiledPattern($0.element.pattern)) }
  }

  /// What `text` says; nil where no rule knows it. `side` is the side that wrote it, where known;
  /// `server` the server that wrote it, where known.
  package func classify(
    _ text: String,
    side: Side? = .sending,
    server: MailServerID? = nil
  ) -> Classification? {
    let folded = FoldedText(text)
    for entry in entries {
      if let wanted = entry.rule.side, let side, wanted != side { continue }
      if let wanted = entry.rule.server, let server, wanted != server { continue }
      guard entry.pattern.matches(folded) else { continue }
      return Classification(
        failureClass: entry.rule.failureClass,
        ruleID: entry.rule.id,
        responsible: entry.rule.responsible,
        specificity: entry.rule.specificity,
        meaning: entry.rule.meaning
      )
    }
    return nil
  }
}
