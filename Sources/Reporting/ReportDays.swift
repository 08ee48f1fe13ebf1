import Diagnosis
import MailModel
import Store
import Triage

/// What was counted on one day.
struct DayCounts {
  var delivered = 0
  var deferred = 0
  var bounced = 0
  var expired = 0
  var tlsFailures = 0
  var deliveredInClear = 0
  /// Failed attempts by class.
  var classes: [FailureClass: Int] = [:]
  /// Failed attempts by destination.
  var failures: [String: Int] = [:]
  /// Deliveries by what protected them.
  var protections: [TransportSecurity: Int] = [:]

  /// Whether the store knows anything of the day.
  var isKnown: Bool { delivered + deferred + bounced + expired > 0 }

  mutating func count(_ one: ClassifiedTally) {
    let tally = one.tally
    switch tally.outcome {
    case .delivered:
      delivered += tally.count
      protections[tally.security, default: 0] += tally.count
    case .deferred: deferred += tally.count
    case .bounced: bounced += tally.count
    case .expired: break
    }
    if one.wasDeliveredInClear { deliveredInClear += tally.count }
    guard let failureClass = one.classification?.failureClass else { return }
    if failureClass.isTLS { tlsFailures += tally.count }
    classes[failureClass, default: 0] += tally.count
    if tally.outcome != .delivered { failures[tally.domain, default: 0] += tally.count }
  }
}

/// The report's day and the seven before it, counted in one pass over the hours.
struct ReportDays {
  /// The first moments of the eight days, oldest first, and the moment after the last.
  let bounds: [Timestamp]
  private(set) var days: [DayCounts]

  /// `bounds` ascend. Throws ``StoreError``.
  init(_ store: TriageStore, _ classifier: FailureClassifier, bounds: [Timestamp]) throws {
    self.bounds = bounds
    days = bounds.dropLast().map { _ in DayCounts() }
    guard let first = bounds.first, let last = bounds.last else { return }
    var texts = TallyClassifier(classifier: classifier)
    try store.forEachTally(in: Window(from: first, before: last)) { tally in
      guard let day = day(of: tally.first) else { return }
      days[day].count(texts.classify(tally))
    }
    for day in days.indices {
      let window = Window(from: bounds[day], before: bounds[day + 1])
      days[day].expired = try store.expiries(in: window).values.reduce(0, +)
    }
  }

  private func day(of moment: Timestamp) -> Int? {
    guard let after = bounds.firstIndex(where: { $0 > moment }), after > 0 else { return nil }
    return after - 1
  }

  var today: DayCounts { days.last ?? DayCounts() }
  /// Nil where nothing is known of the day before.
  var yesterday: DayCounts? { days.dropLast().last.flatMap { $0.isKnown ? $0 : nil } }
  /// The days of the week before of which something is known.
  var week: [DayCounts] { days.dropLast().filter(\.isKnown) }

  /// The mean over the known days of the week before.
  func weekMean(_ value: (DayCounts) -> Int) -> Double? {
    let known = week
    guard !known.isEmpty else { return nil }
    return Double(known.reduce(0) { $0 + value($1) }) / Double(known.count)
  }
}
