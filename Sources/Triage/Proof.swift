package import Diagnosis
import Experiment
package import MailModel
package import Store

/// What experiments say of a destination: the newest retry and the newest probe that may be used.
package struct Proof: Hashable, Sendable {
  package var retry: RecordedRetry?
  package var probe: RecordedProbe?

  package init(retry: RecordedRetry? = nil, probe: RecordedProbe? = nil) {
    self.retry = retry
    self.probe = probe
  }

  /// A retry older than the incident says nothing about it; nor does one that never came to the
  /// envelope say that TLS, which fails before, is not why.
  private func speaks(of incident: Incident) -> RecordedRetry? {
    guard let retry, retry.at >= incident.onset else { return nil }
    if incident.failureClass.isTLS, Verdict(rawValue: retry.verdict) == .tlsIsNotTheCause {
      guard let trace = RetryTrace(json: retry.body), !trace.endsBeforeEnvelope else { return nil }
    }
    return retry
  }

  /// `retry` where an experiment has confirmed or overturned what the log says; else nil.
  package func confirmation(of incident: Incident) -> String? {
    guard let retry = speaks(of: incident) else { return nil }
    return Proof.cause(retry.verdict) == nil ? nil : "retry"
  }

  /// What the experiment makes of the incident's cause.
  package func corrected(_ incident: Incident) -> Incident {
    guard let retry = speaks(of: incident), let cause = Proof.cause(retry.verdict) else {
      return incident
    }
    var corrected = incident
    corrected.tlsIsCause = cause
    corrected.confidence = max(incident.confidence, 0.99)
    return corrected
  }

  /// The step of the ladder that worked, where one did.
  package func provenRung(for incident: Incident) -> LadderRung? {
    speaks(of: incident)?.weakestChange
  }

  private static func cause(_ verdict: String) -> TLSCause? {
    switch Verdict(rawValue: verdict) {
    case .tlsIsTheCause, .secondFaultBehindTLS, .receiverDemandsTLS: .yes
    case .tlsIsNotTheCause: .no
    case .notReproduced, .inconclusive, .refusedByPolicy, nil: nil
    }
  }

  /// What the destination demands, as the probe found it; nil where that is not known for certain.
  package var policies: DestinationPolicies? {
    guard let probe, probe.dane != .unknown, probe.mtaSTS != .unknown else { return nil }
    return DestinationPolicies(
      hasDANE: probe.dane == .published,
      hasEnforcedSTS: probe.mtaSTS == .enforce,
      probedAt: probe.at
    )
  }

  /// The newest of each destination. Throws ``StoreError``.
  package static func all(in store: TriageStore, now: Timestamp) throws -> [String: Proof] {
    var proofs: [String: Proof] = [:]
    for (destination, retry) in try store.latestRetries(now: now) {
      proofs[destination, default: Proof()].retry = retry
    }
    for (destination, probe) in try store.latestProbes(now: now) {
      proofs[destination, default: Proof()].probe = probe
    }
    return proofs
  }
}
