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

/// Finds the rule that says most about a text. The most specific match wins; among equals the order
/// of the rules, a server's own before the general ones.
package struct FailureClassifier: Sendable {
  private let rules: [FailureRule]
  private let patterns: [CompiledPattern]
  private let index: TextIndex
  /// By text of the index, the rules that it may fire.
  private let triggered: [[Int]]
  /// Rules that can match without any text of the index.
  private let untriggered: [Int]
  private let replyMarks: [Int]

  /// A classifier with the general rules and those of the servers at hand.
  package init(serverRules: [FailureRule]) {
    self.init(rules: serverRules + Catalogue.general)
  }

  init(rules unordered: [FailureRule]) {
    let ordered = unordered.enumerated()
      .sorted {
        ($0.element.specificity.rawValue, -$0.offset) > (
          $1.element.specificity.rawValue, -$1.offset
        )
      }
      .map(\.element)
    var texts = TextIndex.Builder()
    let compiled = ordered.map { CompiledPattern($0.pattern, &texts) }
    replyMarks = Catalogue.replyMarks.map { texts.number(Array($0.utf8)) }
    var byText = [[Int]](repeating: [], count: texts.needles.count)
    var free: [Int] = []
    for (number, pattern) in compiled.enumerated() {
      guard let triggers = pattern.triggers else {
        free.append(number)
        continue
      }
      for trigger in triggers { byText[trigger].append(number) }
    }
    rules = ordered
    patterns = compiled
    triggered = byText
    untriggered = free
    index = TextIndex(texts)
  }

  /// What `text` says; nil where no rule knows it. `side` is the side that wrote it, where known;
  /// `server` the server that wrote it, where known.
  package func classify(
    _ text: String,
    side: Side? = .sending,
    server: MailServerID? = nil
  ) -> Classification? {
    classify(FoldedText(text), side: side, server: server)
  }

  func classify(_ text: FoldedText, side: Side?, server: MailServerID?) -> Classification? {
    var searched = SearchedText(text, in: index)
    var candidates = NumberSet(count: rules.count)
    for number in untriggered { candidates.insert(number) }
    searched.found.forEach { text in
      for number in triggered[text] { candidates.insert(number) }
    }
    let voice: Voice? = replyMarks.contains { searched.found.contains($0) } ? .peer : nil
    let winner = candidates.first { number in
      let rule = rules[number]
      if let wanted = rule.side, let side, wanted != side { return false }
      if let wanted = rule.server, let server, wanted != server { return false }
      if let wanted = rule.voice, let voice, wanted != voice { return false }
      return patterns[number].matches(&searched)
    }
    guard let winner else { return nil }
    let rule = rules[winner]
    return Classification(
      failureClass: rule.failureClass,
      ruleID: rule.id,
      responsible: rule.responsible,
      specificity: rule.specificity,
      meaning: rule.meaning
    )
  }
}
