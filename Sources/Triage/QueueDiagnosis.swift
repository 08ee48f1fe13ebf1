import Diagnosis
import MailModel
import Store

/// Tells why mail waits from the reasons that queues keep beside their recipients, for destinations
/// of which the log tells nothing: it was rotated away, lies elsewhere, or the window is too short.
///
/// Queues keep the last reason only, and not the lines before it: a Postfix queue says "Server
/// certificate not verified" where its log says why. So the class is often a coarse one.
struct QueueDiagnosis {
  /// Failing destinations with the classes of their waiting recipients.
  let histories: [String: DestinationHistory]
  /// The recipients that speak for a destination's incident, as `QUEUE-ID: to=<address>: reason`.
  let evidence: [String: [EvidenceLine]]

  /// What one waiting recipient says.
  private struct Reason {
    var tally: AttemptTally
    var evidence: EvidenceLine
  }

  /// A queue's word is an echo of an attempt, without its session: worth less than the log's.
  private static let trust = 0.9
  private static let evidenceLimit = 8

  /// The reasons of `queue` for `domains`.
  init(
    _ queue: QueueView,
    domains: Set<String>,
    classifier: inout TallyClassifier,
    finder: IncidentFinder
  ) {
    let reasons = queue.snapshots.flatMap { QueueDiagnosis.reasons($0, domains: domains) }
    var classified: [(one: ClassifiedTally, evidence: EvidenceLine)] = []
    for reason in reasons {
      classified.append((classifier.classify(reason.tally), reason.evidence))
    }
    var histories: [String: DestinationHistory] = [:]
    for var history in finder.histories(classified.map(\.one)) {
      history.deferred = 0
      history.lastFailed = nil
      history.incident?.confidence *= QueueDiagnosis.trust
      // "Deferred" alone says neither that it was TLS nor that it was not.
      if history.incident?.failureClass == .other { history.incident?.tlsIsCause = .unclear }
      histories[history.domain] = history
    }
    self.histories = histories
    evidence = Dictionary(grouping: classified) { $0.one.tally.domain }.mapValues { all in
      let failureClass = histories[all[0].one.tally.domain]?.incident?.failureClass
      return all.filter { $0.one.classification?.failureClass == failureClass }
        .prefix(QueueDiagnosis.evidenceLimit).map(\.evidence)
    }
  }

  private static func reasons(_ snapshot: QueueSnapshot, domains: Set<String>) -> [Reason] {
    snapshot.messages.flatMap { message -> [Reason] in
      message.recipients.compactMap { recipient in
        let domain = recipient.address.mailDomain
        guard !recipient.isDone, domains.contains(domain), let text = recipient.reason,
          !text.isEmpty
        else { return nil }
        return Reason(
          tally: AttemptTally(
            server: snapshot.server,
            host: snapshot.host ?? "",
            domain: domain,
            relay: "",
            outcome: .deferred,
            tried: true,
            security: .unknown,
            enhancedStatus: recipient.enhancedStatus,
            reply: text,
            cause: "",
            count: 1,
            first: message.arrivedAt,
            last: message.lastAttemptAt ?? message.arrivedAt,
            sample: LinePosition(source: 0, offset: 0),
            causeSample: nil
          ),
          evidence: EvidenceLine(
            path: snapshot.path,
            offset: 0,
            text: "\(message.queueID): to=<\(recipient.address)>: \(text)"
          )
        )
      }
    }
  }
}

extension DestinationHistory {
  /// The history with what the queue says of its failures; results counted in the log stay.
  func explained(by other: DestinationHistory) -> DestinationHistory {
    var explained = self
    explained.incident = other.incident
    explained.counts.merge(other.counts) { mine, _ in mine }
    return explained
  }
}
