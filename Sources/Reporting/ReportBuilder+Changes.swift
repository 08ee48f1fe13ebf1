import Diagnosis
import MailModel
import Triage

extension ReportBuilder {
  /// The day's figures beside those of the day before and of the week before.
  func figures(_ days: ReportDays, waiting: [Int]) -> [Report.Figure] {
    func figure(_ name: String, _ value: (DayCounts) -> Int) -> Report.Figure {
      Report.Figure(
        name: name,
        today: value(days.today),
        yesterday: days.yesterday.map(value),
        weekMean: days.weekMean(value)
      )
    }
    // The ends of the days before, of those of which something is known.
    let known = zip(waiting.dropLast(), days.days.dropLast()).filter { $0.1.isKnown }.map(\.0)
    return [
      figure("Delivered", \.delivered), figure("Deferred", \.deferred),
      figure("Refused for good", \.bounced), figure("Expired", \.expired),
      figure("TLS failures", \.tlsFailures),
      figure("In clear after TLS failed", \.deliveredInClear),
      Report.Figure(
        name: "Waiting at the day's end",
        today: waiting.last ?? 0,
        yesterday: days.yesterday == nil ? nil : waiting.dropLast().last,
        weekMean: known.isEmpty ? nil : Double(known.reduce(0, +)) / Double(known.count)
      ),
    ]
  }

  /// What is not as it was: classes that grew or shrank, incidents that began or ended.
  func changes(_ analysis: Analysis, _ days: ReportDays, from: Timestamp) -> [Report.Change] {
    var groups: [ChangeGroup: [Incident]] = [:]
    for incident in analysis.incidents {
      let kind: Report.Change.Kind? =
        switch incident.state {
        case .active: incident.onset >= from ? .began : nil
        case .recovered: incident.lastSeen >= from ? .recovered : nil
        case .endedInBounces: incident.lastSeen >= from ? .returned : nil
        }
      guard let kind else { continue }
      groups[ChangeGroup(kind: kind, failureClass: incident.failureClass), default: []]
        .append(incident)
    }
    let ordered = groups.sorted {
      ($0.key.rank, -$0.value.reduce(0) { $0 + $1.waiting }, $0.key.failureClass.rawValue)
        < ($1.key.rank, -$1.value.reduce(0) { $0 + $1.waiting }, $1.key.failureClass.rawValue)
    }
    return classChanges(days, isOver: builder.now >= (days.bounds.last ?? builder.now))
      + ordered.map { change($0.key, $0.value) }
  }

  /// Incidents that say the same are told in one sentence.
  private struct ChangeGroup: Hashable {
    var kind: Report.Change.Kind
    var failureClass: FailureClass

    var rank: Int {
      switch kind {
      case .began: failureClass.isTLS ? 0 : 1
      case .returned: 2
      default: 3
      }
    }
  }

  private func change(_ group: ChangeGroup, _ incidents: [Incident]) -> Report.Change {
    let time = LocalTime(zone: zone)
    let domains = incidents.sorted { ($1.waiting, $0.id) < ($0.waiting, $1.id) }.flatMap(\.domains)
    let shown = domains.prefix(3).map(\.shownDomain).joined(separator: ", ")
    let who = domains.count > 3 ? "\(shown) and \(domains.count - 3) more" : shown
    let name = group.failureClass.rawValue
    let waiting = incidents.reduce(0) { $0 + $1.waiting }
    let text: String
    switch group.kind {
    case .began, .worse, .better:
      let since = incidents.map(\.onset).min().map { " since \(time.hour($0))" } ?? ""
      text = "\(name)\(since), \(waiting) waiting: \(who)."
    case .recovered:
      let last = incidents.map(\.lastSeen).max().map { ", last at \(time.hour($0))" } ?? ""
      text = "mail flows again after \(name)\(last): \(who)."
    case .returned: text = "nothing waits any more because it was returned, \(name): \(who)."
    }
    return Report.Change(kind: group.kind, destination: domains.first, text: text)
  }

  /// Classes that were met at least twice, or at most half, as often as on a day of the week before.
  /// While the day goes on, less says nothing.
  private func classChanges(_ days: ReportDays, isOver: Bool) -> [Report.Change] {
    guard !days.week.isEmpty else { return [] }
    let known = days.week.reduce(into: Set(days.today.classes.keys)) {
      $0.formUnion($1.classes.keys)
    }
    return known.sorted { $0.rawValue < $1.rawValue }.compactMap { failureClass in
      let count = days.today.classes[failureClass] ?? 0
      let mean = days.weekMean { $0.classes[failureClass] ?? 0 } ?? 0
      // Small numbers move by themselves: three standard deviations of a Poisson count.
      guard (Double(count) - mean).magnitude > 3 * max(mean, 1).squareRoot() + 3 else { return nil }
      let kind: Report.Change.Kind
      if Double(count) >= 2 * mean {
        kind = .worse
      } else if isOver, Double(count) * 2 <= mean {
        kind = .better
      } else {
        return nil
      }
      return Report.Change(
        kind: kind,
        destination: nil,
        text: "\(failureClass.rawValue): \(count) failed attempts, against "
          + "\(number((mean * 10).rounded() / 10)) on a day of the week before."
      )
    }
  }

  static let protectionNames: [(TransportSecurity, String)] = [
    (.authenticated, "encrypted, the receiver's certificate verified"),
    (.encrypted, "encrypted, the receiver not verified (or the log does not say)"),
    (.clear, "in clear"), (.unknown, "not known: the log does not say"),
  ]

  /// What protected the day's deliveries.
  func protections(_ day: DayCounts) -> [Report.Protection] {
    ReportBuilder.protectionNames.map {
      Report.Protection(name: $0.1, deliveries: day.protections[$0.0] ?? 0)
    }
  }
}

extension String {
  /// A recipient's domain for people; local recipients have none.
  var shownDomain: String { isEmpty ? "(no domain)" : self }
}
