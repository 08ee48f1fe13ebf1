import MailModel

/// Timers as the log shows them, for want of a configuration.
struct PostfixInference {
  private let observed: RetryObservations

  init(_ observed: RetryObservations) { self.observed = observed }

  /// Whether the log shows how long mail is kept: some was returned for its age.
  var showsLifetime: Bool { observed.expiries.contains { !$0.isNullSender } }

  /// The timers; nil where the log shows none of them.
  var timers: PostfixTimers? {
    var timers = PostfixTimers()
    var knows = false
    if let period = queueRunDelay {
      timers.queueRunDelay = period
      knows = true
    }
    if let (low, high) = backoffs(period: timers.queueRunDelay) {
      timers.minimalBackoff = low
      timers.maximalBackoff = high
      knows = true
    }
    if let lifetime = observed.expiries.filter({ !$0.isNullSender }).roundAge {
      timers.maximalLifetime = lifetime
      timers.bounceLifetime = min(timers.bounceLifetime, lifetime)
      knows = true
    }
    if let lifetime = observed.expiries.filter(\.isNullSender).roundAge {
      timers.bounceLifetime = lifetime
      knows = true
    }
    if let warning = observed.delayWarnings.roundAge {
      timers.delayWarning = warning
      knows = true
    }
    return knows ? timers : nil
  }

  private static let periods: [Double] = [
    5, 10, 15, 20, 30, 45, 60, 90, 120, 150, 180, 240, 300, 360, 420, 480, 600, 900, 1200, 1800,
    3600,
  ]

  /// When runs began: on a busy server one run takes up mail for many seconds on end.
  private var runStarts: [Timestamp] {
    zip([nil] + observed.queueRuns.map(Optional.some), observed.queueRuns).compactMap {
      previous,
      run in
      previous.map { run.seconds(since: $0) > 2.5 } ?? true ? run : nil
    }
  }

  /// The longest usual period of which nearly all distances between runs are multiples.
  var queueRunDelay: Double? {
    let starts = runStarts
    let gaps = zip(starts, starts.dropFirst()).map { $1.seconds(since: $0) }.filter {
      $0 < 20_000
    }
    guard gaps.count >= 4 else { return nil }
    return PostfixInference.periods.last { period in
      gaps.count { gap in
        let multiple = (gap / period).rounded()
        return multiple >= 1 && (gap - multiple * period).magnitude <= max(2, period * 0.02)
      } * 100 >= gaps.count * 85
    }
  }

  /// The shortest and longest back-off: gaps are back-offs rounded up to the next run.
  private func backoffs(period: Double) -> (Double, Double)? {
    let gaps = observed.gaps.filter { $0.gap > 1 && $0.gap < 100_000 }
    guard gaps.count >= 5 else { return nil }
    let young = gaps.filter { $0.age <= $0.gap }.map(\.gap).sorted()
    let old = gaps.filter { $0.age > $0.gap * 1.5 }.map(\.gap).sorted()
    let low = young.isEmpty ? nil : young[young.count / 10]
    let high = old.isEmpty ? nil : old[old.count * 9 / 10]
    guard low != nil || high != nil else { return nil }
    let minimal = low.map { PostfixInference.backoff($0, period: period, usual: 300) } ?? 300
    let maximal = high.map { PostfixInference.backoff($0, period: period, usual: 4000) } ?? 4000
    return (minimal, max(minimal, maximal))
  }

  /// A round value in (gap - period, gap]; the default where it lies in there.
  private static func backoff(_ gap: Double, period: Double, usual: Double) -> Double {
    let range = (gap - period + 1)...(gap + 2)
    if range.contains(usual) { return usual }
    for step in [3600.0, 1800, 900, 600, 300, 60, 30, 15, 10, 5] {
      let candidate = ((gap + 2) / step).rounded(.down) * step
      if candidate > 0, range.contains(candidate) { return candidate }
    }
    return gap
  }
}
