import MailModel

/// Finds when a destination began to fail: the split of its history that separates success from
/// failure best.
enum ChangePoint {
  /// The first failure behind the best split; nil where nothing failed.
  static func onset(_ tallies: [ClassifiedTally]) -> Timestamp? {
    let ordered = tallies.filter { $0.tally.tried || $0.heldUp }
      .sorted { ($0.tally.first, $0.tally.last) < ($1.tally.first, $1.tally.last) }
    let failures = ordered.map { $0.heldUp ? $0.tally.count : 0 }
    let totals = ordered.map(\.tally.count)
    let allFailures = failures.reduce(0, +)
    let all = totals.reduce(0, +)
    guard allFailures > 0 else { return nil }
    var best = (gain: likelihood(allFailures, all), split: 0)
    let base = best.gain
    var before = (failures: 0, total: 0)
    for index in ordered.indices.dropLast() {
      before.failures += failures[index]
      before.total += totals[index]
      let after = (allFailures - before.failures, all - before.total)
      // Only a split towards more failure is an onset.
      guard after.1 > 0, after.0 * before.total > before.failures * after.1 else { continue }
      let gain = likelihood(before.failures, before.total) + likelihood(after.0, after.1)
      if gain > best.gain { best = (gain, index + 1) }
    }
    // A split must be worth its two parameters (Schwarz's criterion).
    let isWorth = best.gain - base > logarithm(Double(max(all, 2)))
    let from = isWorth ? best.split : 0
    return ordered[from...].first { $0.heldUp }?.tally.first
  }

  /// The log-likelihood of `hits` in `total` at their own rate.
  private static func likelihood(_ hits: Int, _ total: Int) -> Double {
    guard hits > 0, hits < total else { return 0 }
    let rate = Double(hits) / Double(total)
    return Double(hits) * logarithm(rate) + Double(total - hits) * logarithm(1 - rate)
  }
}
