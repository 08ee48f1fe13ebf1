import Diagnosis
import Forecast
import MailModel
import Triage

extension ReportBuilder {
  /// Destinations that one action helps.
  private struct Job {
    var members: [Analysis.Destination]

    var lead: Analysis.Destination? {
      members.max { ($0.queued, $1.domain) < ($1.queued, $0.domain) }
    }
    var deadline: Timestamp? { members.compactMap { $0.forecast?.fixBy }.min() }
    var saves: Int { members.reduce(0) { $0 + ($1.forecast?.savedIfFixed ?? 0) } }
    var isTLS: Bool { members.contains { $0.incident?.tlsIsCause == .yes } }

    /// TLS first, then the nearer deadline by the quarter of an hour, then the more mail.
    var order: (Int, Int64, Int, String) {
      let quarter = deadline.map { $0.microseconds / 900_000_000 } ?? Int64.max
      return (isTLS ? 0 : 1, quarter, -saves, lead?.domain ?? "")
    }
  }

  /// The three things to do first, the nearest deadline first.
  static func tasks(_ analysis: Analysis) -> [Report.Task] {
    var jobs: [String: Job] = [:]
    for one in analysis.destinations where one.queued > 0 && one.incident?.state == .active {
      guard let incident = one.incident else { continue }
      // A fault of our own is one thing to do, however many destinations it hits.
      let key =
        incident.responsible == .local ? " \(incident.failureClass.rawValue)" : one.domain
      jobs[key, default: Job(members: [])].members.append(one)
    }
    return jobs.values.sorted { $0.order < $1.order }.prefix(3).compactMap(task)
      .sorted {
        ($0.deadline.map { $0.microseconds / 60_000_000 } ?? Int64.max, $1.saves, $0.title)
          < ($1.deadline.map { $0.microseconds / 60_000_000 } ?? Int64.max, $0.saves, $1.title)
      }
  }

  private static func task(_ job: Job) -> Report.Task? {
    guard let lead = job.lead, let incident = lead.incident else { return nil }
    let usable = lead.remedies.first { $0.refused == nil }
    let advice = Advice.sentences(for: incident.failureClass).first ?? "Find out why."
    let others = job.members.count - 1
    let who = others > 0 ? "\(lead.domain.shownDomain) and \(others) more" : lead.domain.shownDomain
    return Report.Task(
      title: usable.map { others > 0 ? "\(who): \($0.title)" : $0.title } ?? "\(who): \(advice)",
      destination: lead.domain,
      deadline: job.deadline,
      saves: job.saves,
      detail: incident.meaning
    )
  }
}
