package import MailModel

/// What a single line, or a bare reply, says.
package struct LineExplanation: Hashable, Sendable {
  /// The server that wrote it, as people call it in lower case; nil where its form does not tell.
  package var mta: String?
  package var side: Side?
  /// Nil where the line reports no failure.
  package var classification: Classification?

  package var isTLS: Bool { classification?.failureClass?.isTLS ?? false }
}

/// Explains lines of any mail server, one by one.
package struct LineExplainer: Sendable {
  private let classifier: FailureClassifier
  private let forms: FormBook

  /// An explainer that knows the forms and rules of `servers`, and those of others in general.
  package init(servers: [any MailServer]) {
    classifier = FailureClassifier(serverRules: servers.flatMap(\.failureRules))
    forms = FormBook(servers: servers)
  }

  /// What one line says.
  package func explain(_ line: String) -> LineExplanation {
    let frame = LineFrame(line)
    let reading = forms.read(frame)
    var explanation = LineExplanation(
      mta: reading.name,
      side: reading.lone.side,
      classification: nil
    )
    guard !reading.lone.isSuccess else { return explanation }
    var statement = Array(frame.bytes[reading.lone.statement])
    if reading.writesUnderscores {
      for at in statement.indices where statement[at] == UInt8(ascii: "_") { statement[at] = 0x20 }
    }
    let found = classifier.classify(
      FoldedText(statement),
      side: reading.lone.side ?? .sending,
      server: reading.name.map { MailServerID($0) }
    )
    explanation.classification = found?.failureClass == nil ? nil : found
    return explanation
  }
}
