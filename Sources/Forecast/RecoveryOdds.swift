/// How likely a destination takes mail again before its mail is returned, if nobody repairs anything:
/// told from what became of other destinations that failed for the same reason.
///
/// The unit is the outage, not the message or the attempt: five hundred messages behind one expired
/// certificate are delivered together or returned together. Outages that still last may end either
/// way: the range holds both ends.
package struct RecoveryOdds: Hashable, Sendable {
  /// Outages after which mail flowed again.
  package var recovered: Int
  /// Outages that ended because the mail was returned.
  package var lost: Int
  /// Outages that still last, the one that is asked about left out.
  package var lasting: Int

  /// With fewer outages than this, nothing is said: a guess would look like a fact.
  package static let fewest = 3

  package init(recovered: Int = 0, lost: Int = 0, lasting: Int = 0) {
    self.recovered = max(0, recovered)
    self.lost = max(0, lost)
    self.lasting = max(0, lasting)
  }

  private var count: Int { recovered + lost + lasting }

  /// The share that recovered, 0 to 1; nil where too few outages are known.
  package var probability: Double? {
    count >= RecoveryOdds.fewest ? Double(recovered) / Double(count) : nil
  }

  /// Where that share lies with 90 %, whatever becomes of the outages that last: from none of them
  /// recovering to all of them. Everything, where too few are known.
  package var interval: ClosedRange<Double> {
    guard count >= RecoveryOdds.fewest else { return 0...1 }
    let low = RecoveryOdds.wilson(recovered, of: count).lowerBound
    let high = RecoveryOdds.wilson(recovered + lasting, of: count).upperBound
    return min(low, high)...max(low, high)
  }

  /// Wilson's interval for a share (Journal of the American Statistical Association 22, 1927), 90 %.
  private static func wilson(_ successes: Int, of trials: Int) -> ClosedRange<Double> {
    let n = Double(trials)
    let share = Double(successes) / n
    let z = 1.645
    let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, centre - half)...min(1, centre + half)
  }
}
