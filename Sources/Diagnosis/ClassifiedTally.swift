package import MailModel

/// A tally with what its texts mean.
package struct ClassifiedTally: Hashable, Sendable {
  package var tally: AttemptTally
  /// Nil where there was no failure.
  package var classification: Classification?
  /// Mail went out, in clear, after TLS had failed.
  package var wasDeliveredInClear: Bool

  /// Whether this failure held mail up or returned it.
  package var heldUp: Bool { tally.outcome != .delivered && classification?.failureClass != nil }
}

/// Classifies tallies; texts that were met are not looked at again.
package struct TallyClassifier {
  private let classifier: FailureClassifier
  private var known: [Key: Classification?] = [:]

  private struct Key: Hashable {
    var reply: String
    var cause: String
    var server: MailServerID
    var delivered: Bool
  }

  package init(classifier: FailureClassifier) { self.classifier = classifier }

  /// What an attempt's texts mean; nil where it was delivered without trouble.
  package mutating func classify(_ tally: AttemptTally) -> ClassifiedTally {
    let inClear = tally.outcome == .delivered && tally.security == .clear && !tally.cause.isEmpty
    if tally.outcome == .delivered, !inClear {
      return ClassifiedTally(tally: tally, classification: nil, wasDeliveredInClear: false)
    }
    let found = classify(
      reply: tally.outcome == .delivered ? "" : tally.reply,
      cause: tally.cause,
      server: tally.server,
      enhancedStatus: tally.enhancedStatus,
      delivered: tally.outcome == .delivered
    )
    let isTLS = found?.failureClass?.isTLS ?? false
    if inClear, !isTLS {
      return ClassifiedTally(tally: tally, classification: nil, wasDeliveredInClear: false)
    }
    return ClassifiedTally(tally: tally, classification: found, wasDeliveredInClear: inClear)
  }

  /// What a reply and the session's lines before it mean together: a reply that names another cause
  /// beats an advisory of the session, otherwise TLS beats the reply that it ended in.
  package mutating func classify(
    reply: String,
    cause: String,
    server: MailServerID,
    enhancedStatus: EnhancedStatusCode?,
    delivered: Bool = false
  ) -> Classification? {
    told(reply: reply, cause: cause, server: server, delivered: delivered)
      ?? TallyClassifier.byStatus(enhancedStatus, delivered: delivered)
  }

  /// What the texts say, whatever the status code beside them.
  private mutating func told(
    reply: String,
    cause: String,
    server: MailServerID,
    delivered: Bool
  ) -> Classification? {
    let key = Key(reply: reply, cause: cause, server: server, delivered: delivered)
    if let found = known[key] { return found }
    let byReply = reply.isEmpty ? nil : classifier.classify(reply, side: .sending, server: server)
    let lines = cause.split(separator: "\n").compactMap {
      classifier.classify(String($0), side: .sending, server: server)
    }.filter { $0.failureClass != nil }
    // The first line of a kind names the fault; later ones tell what followed from it.
    var byCause: Classification?
    for line in lines
    where byCause.map({ TallyClassifier.tells(line, moreThan: $0) }) ?? true {
      byCause = line
    }
    let found = TallyClassifier.decide(reply: byReply, cause: byCause)
    if known.count > 200_000 { known.removeAll() }
    known[key] = .some(found)
    return found
  }

  private static func tells(_ one: Classification, moreThan other: Classification) -> Bool {
    let a = (one.failureClass?.isTLS ?? false, one.failureClass?.isCoarse ?? true)
    let b = (other.failureClass?.isTLS ?? false, other.failureClass?.isCoarse ?? true)
    if a.0 != b.0 { return a.0 }
    if a.1 != b.1 { return !a.1 }
    return one.specificity > other.specificity
  }

  private static func decide(
    reply: Classification?,
    cause: Classification?
  ) -> Classification? {
    guard let cause, let causeClass = cause.failureClass else { return reply }
    guard let reply, let replyClass = reply.failureClass else { return cause }
    if causeClass.isTLS, !replyClass.isTLS {
      // "Greylisted" after a handshake with warnings is greylisting; "lost connection" is not news.
      let isTelling =
        reply.specificity >= .libraryReason && replyClass != .connectionLost
        && replyClass != .connectionTimeout && replyClass != .other
      return isTelling ? reply : cause
    }
    if causeClass.isTLS, replyClass.isTLS {
      return replyClass.isCoarse || !causeClass.isCoarse ? cause : reply
    }
    return reply
  }

  /// For want of a text that says anything.
  private static func byStatus(
    _ status: EnhancedStatusCode?,
    delivered: Bool
  ) -> Classification? {
    guard !delivered else { return nil }
    let failureClass: FailureClass
    switch (status?.subject, status?.detail) {
    case (1, 0), (1, 1), (1, 2), (1, 3), (1, 6), (1, 10): failureClass = .mailboxUnavailable
    case (2, 2): failureClass = .mailboxFull
    case (2, 3), (3, 4): failureClass = .messageTooLarge
    case (4, 1): failureClass = .connectionRefused
    case (4, 2): failureClass = .connectionLost
    case (4, 3), (4, 4): failureClass = .dnsFailure
    case (7, 4), (7, 5): failureClass = .otherTLS
    case (7, 8), (7, 9): failureClass = .authenticationFailure
    default: failureClass = .other
    }
    return Classification(
      failureClass: failureClass,
      ruleID: "status",
      responsible: .unknown,
      specificity: .smtpCode,
      meaning: "The log gives no text that says why."
    )
  }
}
