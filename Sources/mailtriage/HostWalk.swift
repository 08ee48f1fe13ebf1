import Experiment
import MailModel

/// Retries at one host of a destination after the other, as a mail server goes through them: the mail
/// is held up only where none takes it.
struct HostWalk {
  /// What came of one host.
  struct Outcome {
    var path: TrialPath
    var base: TrialSettings
    var policy: TLSPolicy
    var result: RetryResult

    init(path: TrialPath, base: TrialSettings, policy: TLSPolicy, result: RetryResult) {
      self.path = path
      self.base = base
      self.policy = policy
      self.result = result
    }

    /// One trial as configured.
    init(path: TrialPath, base: TrialSettings, policy: TLSPolicy, trial: Trial) {
      self.init(
        path: path,
        base: base,
        policy: policy,
        result: RetryResult(
          trials: [trial],
          verdict: trial.isOK ? .notReproduced : .inconclusive,
          weakestChange: nil,
          explanation: trial.isOK ? "The session as configured got to the end." : ""
        )
      )
    }

    fileprivate var name: String { "\(path.host)[\(path.address)]" }
    fileprivate var takesMail: Bool { result.verdict == .notReproduced }
    /// The first failure as configured.
    fileprivate var failure: Trial? {
      result.trials.first { $0.rung == .asConfigured && !$0.isOK }
    }

    /// Whether no session came so far as TLS: what the next host does counts.
    fileprivate var failedEarly: Bool {
      result.verdict == .tlsIsNotTheCause && failure?.failedBeforeTLS == true
    }
  }

  private var outcomes: [Outcome] = []

  mutating func add(_ outcome: Outcome) { outcomes.append(outcome) }

  /// Whether a host has told what holds the mail up: of those behind it, it is asked only whether
  /// they take the mail as configured.
  var isDecided: Bool { outcomes.contains { !$0.failedEarly } }

  /// Whether the mail server would go on to the next host. A reply to the envelope is an answer.
  var goesOn: Bool {
    guard let last = outcomes.last else { return true }
    if last.takesMail { return false }
    return last.result.verdict != .tlsIsNotTheCause || last.failedEarly
  }

  /// The host that takes the mail, else the first that told why it does not, with all trials.
  var answer: Outcome? {
    guard
      var chosen = outcomes.first(where: \.takesMail) ?? outcomes.first(where: { !$0.failedEarly })
        ?? outcomes.first
    else { return nil }
    let others = outcomes.filter { $0.name != chosen.name }
    let failed = others.compactMap { other in
      other.failure.map { "\(other.name) fails with \($0.ending)" }
    }
    if !failed.isEmpty {
      let told = failed.joined(separator: ", ")
      chosen.result.explanation =
        chosen.takesMail
        ? "\(told); then the mail server goes on to \(chosen.name): \(chosen.result.explanation)"
        : "At \(chosen.name): \(chosen.result.explanation) \(told) as well."
    }
    chosen.result.trials = outcomes.flatMap(\.result.trials)
    return chosen
  }
}
