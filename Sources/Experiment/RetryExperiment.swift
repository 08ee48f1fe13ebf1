import MailModel

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

  /// Pairs after which a difference that could be chance is none: were trials to fail at random, six
  /// failures beside six successes come once in 4096 times at most, and the rungs that follow make it
  /// rarer still.
  private static let manyPairs = 6
  /// A silence takes long to see.
  private static let somePairs = 4
  /// A fault that comes and goes is blamed on TLS only below this chance.
  private static let significance = 0.0005

  /// Runs it. A relay's reply proves nothing about the destination: then the verdict is
  /// inconclusive, whatever the trials say. `attempt` makes one trial, `pause` waits between two;
  /// `random` decides the order within each pair.
  package func run(
    attempt: @escaping (TrialSettings) -> Trial,
    pause: @escaping () -> Void,
    random: inout some RandomNumberGenerator
  ) -> RetryResult {
    var log = TrialLog(attempt: attempt, pause: pause)
    var result = base.demand.use == .never ? judgeWithoutTLS(&log) : judge(&log, &random)
    if !isDestination {
      result.verdict = .inconclusive
      result.explanation +=
        " The test path is no MX of the destination: its replies are a relay's and prove nothing "
        + "(--path-is-destination vouches for it, --send-probe shows it)."
    }
    return result
  }

  // MARK: The pair

  private func judge(
    _ log: inout TrialLog,
    _ random: inout some RandomNumberGenerator
  ) -> RetryResult {
    runPairs(upTo: repeats, &log, &random)
    let failures = log.configured.filter { !$0.isOK }
    guard let first = failures.first else { return notReproduced(log) }
    guard failures.count == log.configured.count else { return judgeSometimes(log, failures) }
    if first.failureClass == .tlsRequiredByReceiver { return receiverDemands(log, first) }
    guard first.failedByTLS else { return judgeOther(&log, first, &random) }
    let isChancy = RetryExperiment.isChancy(first)
    if isChancy {
      let needed =
        first.failureClass == .handshakeTimeout
        ? RetryExperiment.somePairs : RetryExperiment.manyPairs
      runPairs(upTo: needed, &log, &random)
    } else if log.configured.count < 2 {
      log.run(base, .asConfigured, base.demand)
    }
    guard log.isUnanimous else {
      return log.result(
        .inconclusive,
        nil,
        "The trials differ from one another (\(first.ending) first): no steady TLS failure. "
          + "--repeat N asks more often."
      )
    }
    return climb(&log, first, isChancy: isChancy)
  }

  /// A certificate that is at fault stays so; a lost connection may be chance, so more is asked.
  private static func isChancy(_ trial: Trial) -> Bool {
    !trial.failedByTLS
      || [.handshakeDisconnected, .handshakeTimeout, .otherTLS].contains(trial.failureClass)
  }

  /// Runs pairs until there are so many, or until one half ends in another way than before.
  private func runPairs(
    upTo count: Int,
    _ log: inout TrialLog,
    _ random: inout some RandomNumberGenerator
  ) {
    while log.configured.count < count, log.isUnanimous || log.configured.count < repeats {
      let order: [LadderRung] =
        mayTryInClear ? [.asConfigured, .plaintext].shuffled(using: &random) : [.asConfigured]
      for rung in order {
        guard let demand = Ladder.apply(rung, to: base.demand, seen: nil) else { continue }
        log.run(base, rung, demand)
      }
    }
  }

  private func notReproduced(_ log: TrialLog) -> RetryResult {
    var text = "The session as configured got to the end each time. "
    if let clear = log.clear.first(where: { !$0.isOK }) {
      text += "In clear it fails with \(clear.ending). "
    }
    text += "A fault that comes and goes shows with --repeat N."
    return log.result(.notReproduced, nil, text)
  }

  /// Some trials as configured went, others failed.
  private func judgeSometimes(_ log: TrialLog, _ failures: [Trial]) -> RetryResult {
    let what = failures.first?.ending ?? ""
    if let chance = log.chance, chance < RetryExperiment.significance,
      log.clear.allSatisfy(\.isOK), TrialLog.areAlike(failures), failures.allSatisfy(\.failedByTLS)
    {
      return log.result(
        .tlsIsTheCause,
        .plaintext,
        "As configured it fails at times, always with \(what); in clear the same session goes."
      )
    }
    return log.result(
      .inconclusive,
      nil,
      "As configured it fails at times (\(what)) and goes at others. --repeat N asks more often."
    )
  }

  /// The failure is none of TLS. If it comes under TLS alone, each time, TLS makes the difference
  /// all the same.
  private func judgeOther(
    _ log: inout TrialLog,
    _ first: Trial,
    _ random: inout some RandomNumberGenerator
  ) -> RetryResult {
    let isSame = TrialLog.areAlike(log.configured + log.clear)
    if isSame, first.failureClass == .localFailure {
      return log.result(
        .tlsIsNotTheCause,
        nil,
        "No connection leaves this host (\(first.stages.last?.detail ?? "")): neither the receiver nor "
          + "TLS has to do with it."
      )
    }
    if isSame {
      let clear = log.clear.isEmpty ? "" : ", in clear as well"
      return log.result(
        .tlsIsNotTheCause,
        nil,
        "The session fails with \(first.ending)\(clear): TLS has nothing to do with it."
      )
    }
    if !first.failedBeforeTLS, log.isUnanimous, log.clear.allSatisfy(\.isOK) {
      runPairs(upTo: RetryExperiment.manyPairs, &log, &random)
      if log.isUnanimous { return climb(&log, first, isChancy: true) }
    }
    return log.result(
      .inconclusive,
      nil,
      "The outcomes vary without TLS being what failed (\(first.ending) first). "
        + "--repeat N asks more often."
    )
  }

  private func receiverDemands(_ log: TrialLog, _ first: Trial) -> RetryResult {
    let why =
      first.offers("STARTTLS")
      ? "STARTTLS was offered and not used"
      : "it does not offer STARTTLS, or something on the path took it away"
    return log.result(
      .receiverDemandsTLS,
      nil,
      "The receiver takes mail over TLS only, and the session as configured was in clear: \(why)."
    )
  }

  // MARK: The ladder

  /// What the ladder found.
  private struct Climb {
    /// The changes that worked together, the last of them the one that was missing.
    var changes: [LadderRung] = []
    /// The first trial that got past TLS and failed behind it.
    var behind: Trial?
  }

  private func climb(_ log: inout TrialLog, _ first: Trial, isChancy: Bool) -> RetryResult {
    let what = first.ending
    let found = climbWithTLS(&log, first, isChancy: isChancy)
    if let rung = found.changes.last {
      guard !isChancy || !log.clear.isEmpty else {
        return log.result(
          .inconclusive,
          rung,
          "As configured it fails with \(what), with \(rung.rawValue) it goes; such failures may be "
            + "chance, and there is no pair in clear to compare with."
        )
      }
      let names = found.changes.map(\.rawValue).joined(separator: " and ")
      return log.result(
        .tlsIsTheCause,
        rung,
        "As configured it fails with \(what); with \(names) \(found.changes.count > 1 ? "together" : "alone")"
          + " it goes."
      )
    }
    return log.clear.isEmpty
      ? judgeUnpaired(log, what, found) : judgeClear(&log, what, isChancy: isChancy)
  }

  /// No rung with TLS works, and nothing was tried in clear.
  private func judgeUnpaired(_ log: TrialLog, _ what: String, _ found: Climb) -> RetryResult {
    if let behind = found.behind {
      return log.result(
        .secondFaultBehindTLS,
        nil,
        "TLS fails with \(what); past it (\(behind.rung.rawValue)) the session fails with "
          + "\(behind.ending)."
      )
    }
    return log.result(
      .inconclusive,
      nil,
      "TLS fails with \(what) and no change that keeps TLS helps; without a test path nothing is "
        + "tried in clear."
    )
  }

  /// No rung with TLS works: what the pair in clear says.
  private func judgeClear(_ log: inout TrialLog, _ what: String, isChancy: Bool) -> RetryResult {
    guard let other = log.clear.first(where: { !$0.isOK }) else {
      return log.result(
        .tlsIsTheCause,
        .plaintext,
        "TLS fails with \(what); in clear the same session goes."
      )
    }
    if other.failureClass == .tlsRequiredByReceiver {
      return log.result(
        .receiverDemandsTLS,
        nil,
        "TLS fails with \(what), and the receiver takes nothing in clear."
      )
    }
    // Once may be chance.
    if log.clear.count < 2, let demand = Ladder.apply(.plaintext, to: base.demand, seen: nil) {
      log.run(base, .plaintext, demand)
    }
    guard TrialLog.areAlike(log.clear) else {
      return log.result(.inconclusive, nil, "TLS fails with \(what); in clear the outcomes vary.")
    }
    return log.result(
      .secondFaultBehindTLS,
      nil,
      "TLS fails with \(what); without it the session fails with \(other.ending)."
    )
  }

  /// The first rung with TLS that works: single changes, then added up.
  private func climbWithTLS(_ log: inout TrialLog, _ first: Trial, isChancy: Bool) -> Climb {
    var found = Climb()
    // Without a handshake to change, no rung with TLS can differ.
    guard first.failedStage != .starttls, first.failureClass != .plaintextOnTLSPort else {
      return found
    }
    // The older protocol brings security level 0 with it: a weak key is not its doing.
    let isWeak = first.failureClass == .weakKey || first.failureClass == .weakSignature
    let rungs = Ladder.changes.filter { $0 != .olderProtocol || !isWeak }
    for rung in rungs {
      guard let demand = Ladder.apply(rung, to: base.demand, seen: log.seen) else { continue }
      if works(rung, demand, &log, &found, isChancy: isChancy) {
        found.changes = [rung]
        return found
      }
    }
    var sum = base.demand
    var changes: [LadderRung] = []
    for rung in rungs {
      guard let demand = Ladder.apply(rung, to: sum, seen: log.seen) else { continue }
      sum = demand
      changes.append(rung)
      // One change alone was tried above.
      if changes.count > 1, works(rung, sum, &log, &found, isChancy: isChancy) {
        found.changes = RetryExperiment.effective(changes)
        return found
      }
    }
    return found
  }

  /// Whether a rung works. Where the failure may be chance, so may the success: it is seen three
  /// times.
  private func works(
    _ rung: LadderRung,
    _ demand: TLSDemand,
    _ log: inout TrialLog,
    _ found: inout Climb,
    isChancy: Bool
  ) -> Bool {
    for _ in 0..<(isChancy ? 3 : 1) {
      let trial = log.run(base, rung, demand)
      if !trial.isOK {
        if !trial.failedByTLS, !trial.failedBeforeTLS, found.behind == nil { found.behind = trial }
        return false
      }
    }
    return true
  }

  /// Of several ways to verify less, the last one stands.
  private static func effective(_ changes: [LadderRung]) -> [LadderRung] {
    let verifying: [LadderRung] = [.certificateName, .pinnedCertificate, .noVerification]
    let last = changes.last { verifying.contains($0) }
    return changes.filter { !verifying.contains($0) || $0 == last }
  }

  // MARK: Without TLS

  /// The configured policy uses no TLS: the question is whether the receiver demands it.
  private func judgeWithoutTLS(_ log: inout TrialLog) -> RetryResult {
    let plain = log.run(base, .asConfigured, base.demand)
    if plain.isOK {
      return log.result(.notReproduced, nil, "The session in clear, as configured, goes.")
    }
    guard plain.failureClass == .tlsRequiredByReceiver else {
      return log.result(
        .tlsIsNotTheCause,
        nil,
        "The session fails with \(plain.ending), and no TLS is configured."
      )
    }
    let secured = log.run(base, .noVerification, TLSDemand(use: .required))
    return log.result(
      .receiverDemandsTLS,
      nil,
      secured.isOK
        ? "The receiver demands TLS, and with TLS the session goes: switch TLS on."
        : "The receiver demands TLS; with TLS the session fails with \(secured.ending)."
    )
  }
}
