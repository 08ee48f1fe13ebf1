package import Experiment
package import MailModel

/// What a retry must say of one receiver.
package struct ExpectedRetry: Hashable, Sendable {
  /// The receiver's name.
  package var receiver: String
  package var verdict: Verdict
  /// The weakest change with which the mail goes.
  package var rung: LadderRung?
  /// Where the first trial as configured that fails does so, and as what.
  package var stage: Stage?
  package var failure: FailureClass?

  package init(
    _ receiver: String,
    _ verdict: Verdict,
    _ rung: LadderRung? = nil,
    _ stage: Stage? = nil,
    _ failure: FailureClass? = nil
  ) {
    self.receiver = receiver
    self.verdict = verdict
    self.rung = rung
    self.stage = stage
    self.failure = failure
  }

  /// What was told otherwise, a line each; empty where all is as it must be.
  package func differences(from told: ToldRetry) -> [String] {
    let first = told.trials.first { $0.rung == LadderRung.asConfigured.rawValue && !$0.ok }
    let compared: [(what: String, expected: String?, told: String?)] = [
      ("verdict", verdict.rawValue, told.verdict),
      ("weakest change", rung?.rawValue, told.weakest_change),
      ("stage", stage?.rawValue, first?.failed_stage),
      ("class", failure?.rawValue, first?.class),
    ]
    return compared.filter { $0.expected != $0.told }.map {
      "\(receiver): \($0.what) \($0.told ?? "none") instead of \($0.expected ?? "none"): "
        + told.explanation
    }
  }
}

/// What a retry told, in the words of its JSON.
package struct ToldRetry: Decodable {
  package struct Trial: Decodable {
    package var rung: String
    package var ok: Bool
    package var failed_stage: String?
    package var `class`: String?
  }

  package var trials: [Trial]
  package var verdict: String
  package var weakest_change: String?
  package var explanation: String

  package init(_ result: RetryResult) {
    trials = result.trials.map {
      Trial(
        rung: $0.rung.rawValue,
        ok: $0.isOK,
        failed_stage: $0.failedStage?.rawValue,
        class: $0.failureClass?.rawValue
      )
    }
    verdict = result.verdict.rawValue
    weakest_change = result.weakestChange?.rawValue
    explanation = result.explanation
  }
}
