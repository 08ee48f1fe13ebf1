package import MailModel

/// What a paired retry says.
package enum Verdict: String, CaseIterable, Hashable, Sendable {
  case tlsIsTheCause = "tls-is-the-cause"
  case tlsIsNotTheCause = "tls-is-not-the-cause"
  case secondFaultBehindTLS = "second-fault-behind-tls"
  case receiverDemandsTLS = "receiver-demands-tls"
  case notReproduced = "not-reproduced"
  case inconclusive
  case refusedByPolicy = "refused-by-policy"
}

/// What a retry gave.
package struct RetryResult: Hashable, Sendable {
  package var trials: [Trial]
  package var verdict: Verdict
  /// The least change with which the mail would go; nil where none worked or none is needed.
  package var weakestChange: LadderRung?
  package var explanation: String

  package init(
    trials: [Trial],
    verdict: Verdict,
    weakestChange: LadderRung?,
    explanation: String
  ) {
    self.trials = trials
    self.verdict = verdict
    self.weakestChange = weakestChange
    self.explanation = explanation
  }
}
