import Diagnosis
import Experiment
import Glibc
import MailModel
import MailServers
import Triage

/// Sends a queued message itself, once, with the change that the ladder found. The original stays
/// queued: whoever sends it so has to delete it, or it goes twice.
struct Replay {
  let domain: HostName
  let message: WaitingMessage
  let policy: TLSPolicy
  /// The operator has said yes beforehand.
  let isAnswered: Bool

  /// Replays where the result shows a way, no guard forbids it and the operator agrees; says in the
  /// explanation what came of it. `policies` asks for the destination's own demands.
  func run(
    _ result: inout RetryResult,
    _ base: TrialSettings,
    policies: () -> DestinationPolicies?,
    attempt: (TrialSettings) -> Trial,
    now: Timestamp
  ) {
    let id = message.queued.queueID
    guard let trial = way(in: result) else {
      result.explanation += " \(id) was not replayed: no way was found that works."
      return
    }
    if let reason = refusal(trial.rung, result, policies, now) {
      result.verdict = .refusedByPolicy
      result.explanation += " \(id) was not replayed (\(trial.rung.rawValue)): \(reason)"
      return
    }
    guard let content = message.content() else {
      result.explanation += " \(id) was not replayed: its content is not in the queue as a whole."
      return
    }
    guard isAnswered || agrees(id, content.count, trial) else {
      result.explanation += " \(id) was not replayed: not agreed to."
      return
    }
    var settings = base
    settings.rung = trial.rung
    settings.demand =
      Ladder.apply(trial.rung, to: base.demand, seen: trial.facts) ?? base.demand
    settings.sender = message.queued.sender
    settings.recipients = message.recipients
    settings.content = content
    settings.requiresTLS = message.queued.requiresTLS
    let sent = attempt(settings)
    result.trials.append(sent)
    result.explanation +=
      sent.isOK
      ? " \(id) was taken by \(sent.peer). The original stays queued: delete it, or it goes twice."
      : " \(id) was not taken (\(sent.ending)); the original stays queued."
  }

  /// The trial to go by: as configured where that works, else the least change.
  private func way(in result: RetryResult) -> Trial? {
    let rung =
      result.verdict == .notReproduced
      ? LadderRung.asConfigured : result.verdict == .tlsIsTheCause ? result.weakestChange : nil
    return rung.flatMap { rung in result.trials.last { $0.rung == rung && $0.isOK } }
  }

  private func refusal(
    _ rung: LadderRung,
    _ result: RetryResult,
    _ policies: () -> DestinationPolicies?,
    _ now: Timestamp
  ) -> String? {
    guard rung != .asConfigured, rung != .noClientCertificate else { return nil }
    let failure = result.trials.first { $0.rung == .asConfigured && !$0.isOK }?.failureClass
    let found = policies()
    // A name or a pin taken from the peer itself is no authentication where the destination has
    // published how it is to be authenticated.
    let isPromised = found.map { $0.hasDANE || $0.hasEnforcedSTS } ?? true
    let weakening = max(rung.weakens, isPromised ? .authentication : .nothing)
    return Guards.refusal(
      weakening,
      domain: domain.description,
      failureClass: failure ?? .other,
      policy: policy,
      policies: found,
      requiresTLS: message.queued.requiresTLS && weakening > .nothing,
      now: now
    )
  }

  private func agrees(_ id: String, _ size: Int, _ trial: Trial) -> Bool {
    let sender = OutsideText(message.queued.sender).terminal(limit: 255)
    let recipients = OutsideText(message.recipients.prefix(5).joined(separator: ", ")).terminal()
    complain(
      "\(id) (\(size) bytes, from <\(sender)>, to \(recipients)) is to go to \(trial.peer), "
        + "\(trial.rung.rawValue). The original stays queued. Send it? [yes/no]"
    )
    return readLine(strippingNewline: true)?.lowercased() == "yes"
  }
}

/// A short message over the test path, to see whether what the path takes arrives.
struct ArrivalProbe {
  let address: String
  let heloName: String
  let settings: Settings

  /// Sends it in clear, as the path is to be used, and asks whether it arrived: only what was seen
  /// counts.
  func run(
    _ base: TrialSettings,
    isDeclared: Bool,
    attempt: (TrialSettings) -> Trial
  ) -> (isSeen: Bool, note: String) {
    guard isDeclared else { return (false, "--send-probe needs a test path: nothing was sent.") }
    let token = "mailtriage-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    var trial = base
    trial.rung = .plaintext
    trial.demand = TLSDemand(use: .never)
    trial.recipients = [address]
    trial.content = Array(
      """
      From: <postmaster@\(heloName)>
      To: <\(address)>
      Subject: \(token)
      Message-ID: <\(token)@\(heloName)>
      Auto-Submitted: auto-generated

      A test of the way mail takes to you. Nothing is to be done.

      """.utf8
    )
    let sent = attempt(trial)
    guard sent.isOK else { return (false, "The probe message was not taken (\(sent.ending)).") }
    complain("has the message \(token) arrived at \(address)? [yes/no]")
    guard let answer = readLine(strippingNewline: true) else {
      return (
        false,
        "The probe message \(token) was taken for \(address). Nobody is there to say whether it "
          + "arrived: if it did, run this again with --path-is-destination."
      )
    }
    let isSeen = answer.lowercased() == "yes"
    return (isSeen, "The probe message \(token) \(isSeen ? "arrived" : "was not seen to arrive").")
  }
}

/// Reads a reply that says nothing of TLS with the whole catalogue of failure texts.
enum ReplyReading {
  private static let classifier = FailureClassifier(
    serverRules: registeredMailServers.flatMap(\.failureRules)
  )

  /// A finer class where the trial found only "other" or "policy".
  static func refined(_ trial: Trial) -> Trial {
    guard let failure = trial.failureClass, failure == .other || failure == .policyRejected,
      let last = trial.stages.last, last.detail.utf8.first.map({ (50...53).contains($0) }) == true,
      let found = classifier.classify(last.detail, side: nil)?.failureClass, !found.isTLS,
      found != .other
    else { return trial }
    var refined = trial
    refined.failureClass = found
    return refined
  }
}
