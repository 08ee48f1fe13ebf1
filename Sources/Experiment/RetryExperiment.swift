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
}

/// The experiment: the same peer as configured and in clear, then the ladder.
package struct RetryExperiment: Sendable {
  /// What each trial has in common; rung and demand are set per trial.
  package var base: TrialSettings
  /// Whether the peer may be tried in clear: a declared test path.
  package var mayTryInClear: Bool
  /// Whether a reply at RCPT TO is the destination's own.
  package var isDestination: Bool
  /// Pairs to run at least.
  package var repeats: Int

  package init(base: TrialSettings, mayTryInClear: Bool, isDestination: Bool, repeats: Int) {
    self.base = base
    self.mayTryInClear = mayTryInClear
    self.isDestination = isDestination
    self.repeats = min(max(repeats, 1), 20)
  }

  /// Runs it. A relay's reply proves nothing about the destination: then the verdict is
  /// inconclusive, whatever the trials say. `attempt` makes one trial, `pause` waits between two; `random` decides the order.
  package func run(
    attempt: @escaping (TrialSettings) -> Trial,
    pause: @escaping () -> Void,
    random: inout some RandomNumberGenerator
  ) -> RetryResult {
    var result = trials(attempt: attempt, pause: pause, random: &random)
    if !isDestination {
      result.verdict = .inconclusive
      result.explanation +=
        " The test path is no MX of the destination: its replies are a relay's and prove nothing "
        + "(--path-is-destination vouches for it)."
    }
    return result
  }

  private func trials(
    attempt: @escaping (TrialSettings) -> Trial,
    pause: @escaping () -> Void,
    random: inout some RandomNumberGenerator
  ) -> RetryResult {
    var log = TrialLog(attempt: attempt, pause: pause)
    guard base.demand.use != .never else { return runWithoutTLS(&log, &random) }
    runPairs(repeats, &log, &random)
    guard let first = log.configured.first else {
      return log.result(.inconclusive, nil, "No trial.")
    }
    if log.configured.allSatisfy(\.isOK) {
      return log.result(.notReproduced, nil, "The session as configured reached the end each time.")
    }
    guard first.failedByTLS else { return notTLS(log, first) }
    // A certificate that is at fault stays so; a lost connection may be chance, so more is asked.
    let isChancy =
      first.failureClass == .handshakeDisconnected || first.failureClass == .handshakeTimeout
    let needed = isChancy ? (first.failureClass == .handshakeTimeout ? 4 : 7) : 2
    if log.configured.count < needed {
      runPairs(needed - log.configured.count, &log, &random, inClearToo: isChancy)
    }
    guard log.isSteady else {
      return log.result(
        .inconclusive,
        nil,
        "The trials as configured differ from one another: no steady TLS failure."
      )
    }
    return climb(&log, first, isChancy: isChancy)
  }

  private func runPairs(
    _ count: Int,
    _ log: inout TrialLog,
    _ random: inout some RandomNumberGenerator,
    inClearToo: Bool = true
  ) {
    for _ in 0..<count {
      let order: [LadderRung] =
        mayTryInClear && inClearToo
        ? [.asConfigured, .plaintext].shuffled(using: &random) : [.asConfigured]
      for rung in order {
        guard let demand = Ladder.apply(rung, to: base.demand, seen: nil) else { continue }
        log.run(base, rung, demand)
      }
    }
  }

  private func notTLS(_ log: TrialLog, _ first: Trial) -> RetryResult {
    let same = log.clear.allSatisfy {
      $0.failedStage == first.failedStage && $0.failureClass == first.failureClass
    }
    let what =
      "\(first.failureClass?.rawValue ?? "other") at \(first.failedStage?.rawValue ?? "the end")"
    if log.configured.contains(where: { $0.failedByTLS || $0.isOK }) || !same {
      return log.result(
        .inconclusive,
        nil,
        "The outcomes vary without TLS being what failed (\(what) first)."
      )
    }
    let clear = log.clear.isEmpty ? "" : ", in clear as well"
    return log.result(.tlsIsNotTheCause, nil, "The session fails with \(what)\(clear).")
  }

  private func climb(_ log: inout TrialLog, _ first: Trial, isChancy: Bool) -> RetryResult {
    let what =
      "\(first.failureClass?.rawValue ?? "other-tls") at \(first.failedStage?.rawValue ?? "")"
    let rung = climbWithTLS(&log, first)
    let clear = log.clear
    if let rung, clear.isEmpty || !isChancy || clear.allSatisfy(\.isOK) {
      if isChancy, clear.isEmpty {
        return log.result(.inconclusive, rung, "Lost connections and no pair in clear to compare.")
      }
      return log.result(
        .tlsIsTheCause,
        rung,
        "As configured it fails with \(what); with \(rung.rawValue) alone it goes."
      )
    }
    guard let other = clear.first(where: { !$0.isOK }) else {
      return verdictInClear(log, what)
    }
    if other.failureClass == .tlsRequiredByReceiver {
      return log.result(
        .receiverDemandsTLS,
        nil,
        "TLS fails with \(what), and the receiver takes nothing in clear."
      )
    }
    guard clear.allSatisfy({ $0.failureClass == other.failureClass }), !isChancy else {
      return log.result(.inconclusive, nil, "TLS fails with \(what); in clear the outcomes vary.")
    }
    return log.result(
      .secondFaultBehindTLS,
      nil,
      "TLS fails with \(what); without it the session fails with "
        + "\(other.failureClass?.rawValue ?? "other") at \(other.failedStage?.rawValue ?? "")."
    )
  }

  private func verdictInClear(_ log: TrialLog, _ what: String) -> RetryResult {
    let clear = log.clear
    guard !clear.isEmpty else {
      return log.result(
        .inconclusive,
        nil,
        "TLS fails with \(what) and no change that keeps TLS helps; without a test path nothing is "
          + "tried in clear."
      )
    }
    return log.result(
      .tlsIsTheCause,
      .plaintext,
      "TLS fails with \(what); in clear the same session goes."
    )
  }

  /// The first rung with TLS that works: single changes, then added up.
  private func climbWithTLS(_ log: inout TrialLog, _ first: Trial) -> LadderRung? {
    // Without a handshake to change, no rung with TLS can differ.
    guard first.failedStage != .starttls, first.failureClass != .plaintextOnTLSPort else {
      return nil
    }
    // The older protocol brings security level 0 with it: a weak key is not its doing.
    let isWeak = first.failureClass == .weakKey || first.failureClass == .weakSignature
    let rungs = Ladder.changes.filter { $0 != .olderProtocol || !isWeak }
    for rung in rungs {
      guard let demand = Ladder.apply(rung, to: base.demand, seen: first.facts) else { continue }
      if log.run(base, rung, demand).isOK { return rung }
    }
    var sum = base.demand
    var changes = 0
    for rung in rungs {
      guard let demand = Ladder.apply(rung, to: sum, seen: first.facts) else { continue }
      sum = demand
      changes += 1
      // One change alone was tried above.
      if changes > 1, log.run(base, rung, sum).isOK { return rung }
    }
    return nil
  }

  /// The configured policy uses no TLS: the question is whether the receiver demands it.
  private func runWithoutTLS(
    _ log: inout TrialLog,
    _ random: inout some RandomNumberGenerator
  ) -> RetryResult {
    let plain = log.run(base, .asConfigured, base.demand)
    if plain.isOK {
      return log.result(.notReproduced, nil, "The session in clear, as configured, goes.")
    }
    guard plain.failureClass == .tlsRequiredByReceiver else { return notTLS(log, plain) }
    let secured = log.run(base, .noVerification, TLSDemand(use: .required))
    return log.result(
      .receiverDemandsTLS,
      nil,
      secured.isOK
        ? "The receiver demands TLS, and with TLS the session goes: switch TLS on."
        : "The receiver demands TLS; with TLS the session fails with "
          + "\(secured.failureClass?.rawValue ?? "other")."
    )
  }
}

/// The trials of one retry.
private struct TrialLog {
  var attempt: (TrialSettings) -> Trial
  var pause: () -> Void
  private(set) var trials: [Trial] = []

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

  /// Whether each trial as configured failed in the same way.
  var isSteady: Bool {
    guard let first = configured.first else { return false }
    return configured.allSatisfy {
      $0.failedStage == first.failedStage && $0.failureClass == first.failureClass
    }
  }

  func result(_ verdict: Verdict, _ rung: LadderRung?, _ explanation: String) -> RetryResult {
    let failed = configured.count { !$0.isOK }
    let clearFailed = clear.count { !$0.isOK }
    var text = explanation
    if !clear.isEmpty, !configured.isEmpty {
      let chance = ExactTest.chance(
        failures: failed,
        of: configured.count,
        against: clearFailed,
        of: clear.count
      )
      text +=
        " As configured \(failed) of \(configured.count) failed, in clear \(clearFailed) of "
        + "\(clear.count); by chance alone with probability \((chance * 1000).rounded() / 1000)."
    }
    return RetryResult(
      trials: trials,
      verdict: verdict,
      weakestChange: rung,
      explanation: text
    )
  }
}
