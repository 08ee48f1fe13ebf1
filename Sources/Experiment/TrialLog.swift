import MailModel

/// The trials of one retry, in their order.
struct TrialLog {
  private let attempt: (TrialSettings) -> Trial
  private let pause: () -> Void
  private(set) var trials: [Trial] = []

  /// `attempt` makes one trial, `pause` waits between two.
  init(attempt: @escaping (TrialSettings) -> Trial, pause: @escaping () -> Void) {
    self.attempt = attempt
    self.pause = pause
  }

  @discardableResult
  mutating func run(_ base: TrialSettings, _ rung: LadderRung, _ demand: TLSDemand) -> Trial {
    if !trials.isEmpty { pause() }
    var settings = base
    settings.rung = rung
    settings.demand = demand
    let trial = attempt(settings)
    trials.append(trial)
    return trial
  }

  var configured: [Trial] { trials.filter { $0.rung == .asConfigured } }
  var clear: [Trial] { trials.filter { $0.rung == .plaintext } }

  /// Whether each half has ended in one way each time so far.
  var isUnanimous: Bool { TrialLog.areAlike(configured) && TrialLog.areAlike(clear) }

  static func areAlike(_ trials: [Trial]) -> Bool {
    guard let first = trials.first else { return true }
    return trials.allSatisfy {
      // A reply that is the same in clear and in TLS speaks of neither, whatever words it holds.
      $0.failedStage == first.failedStage
        && ($0.failureClass == first.failureClass || $0.refusal == first.refusal)
    }
  }

  /// The newest sight of the peer's certificates.
  var seen: TLSFacts? { trials.last { $0.facts?.chain.isEmpty == false }?.facts }

  /// The chance that the two halves differ so much by chance alone; nil without a pair.
  var chance: Double? {
    guard !clear.isEmpty, !configured.isEmpty else { return nil }
    return ExactTest.chance(
      failures: configured.count { !$0.isOK },
      of: configured.count,
      against: clear.count { !$0.isOK },
      of: clear.count
    )
  }

  /// The result, with the counts of the pair in its explanation.
  func result(_ verdict: Verdict, _ rung: LadderRung?, _ explanation: String) -> RetryResult {
    var text = explanation
    if let chance {
      text +=
        " As configured \(configured.count { !$0.isOK }) of \(configured.count) failed, in clear "
        + "\(clear.count { !$0.isOK }) of \(clear.count)"
      // What ends in one way is no matter of chance; else the test says how much it may be.
      if configured.count + clear.count > 3 {
        text += "; by chance alone with probability \(TrialLog.rounded(chance))"
      }
      text += "."
    }
    return RetryResult(trials: trials, verdict: verdict, weakestChange: rung, explanation: text)
  }

  private static func rounded(_ chance: Double) -> String {
    chance < 0.0001 ? "below 0.0001" : "\((chance * 10_000).rounded() / 10_000)"
  }
}

extension Trial {
  /// The reply that ended it, else its class.
  fileprivate var refusal: String? {
    guard let last = stages.last, !last.isOK,
      last.detail.utf8.first.map({ $0 == UInt8(ascii: "4") || $0 == UInt8(ascii: "5") }) == true
    else { return failureClass?.rawValue }
    return last.detail
  }

  /// `certificate-expired at verification`.
  package var ending: String {
    "\(failureClass?.rawValue ?? "no failure") at \(failedStage?.rawValue ?? "the end")"
  }

  /// Whether it failed before TLS can have mattered.
  package var failedBeforeTLS: Bool {
    [.connect, .banner, .ehlo].contains(failedStage) && stages.allSatisfy { $0.stage != .handshake }
  }
}
