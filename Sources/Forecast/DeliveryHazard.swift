import Glibc

/// How likely one attempt gets through, estimated from attempts that were made.
///
/// Attempts of a destination since its trouble began are Bernoulli trials; few of them are shrunk to
/// the rate of all destinations with the same cause (a beta prior worth ``priorWeight`` trials). The
/// chance of delivery before expiry follows from the attempts that are left, so that it depends on
/// the message's age; expiry is the competing risk that ends them.
package struct DeliveryHazard: Hashable, Sendable {
  /// Trials that the pooled rate counts for.
  package static let priorWeight = 10.0

  package var successes: Int
  package var trials: Int
  /// Successes per trial over all destinations with the same cause, 0 to 1.
  package var pooledRate: Double

  package init(successes: Int, trials: Int, pooledRate: Double) {
    self.successes = max(0, successes)
    self.trials = max(trials, max(0, successes))
    self.pooledRate = min(max(pooledRate, 0), 1)
  }

  /// The rate per attempt, shrunk.
  package var rate: Double {
    (Double(successes) + DeliveryHazard.priorWeight * pooledRate)
      / (Double(trials) + DeliveryHazard.priorWeight)
  }

  /// The chance that one of `attempts` further attempts gets through.
  package func probability(attempts: Int) -> Double {
    1 - pow(1 - rate, Double(max(0, attempts)))
  }

  /// The range in which that chance lies with 90 %: Wilson's interval on the rate.
  package func interval(attempts: Int) -> ClosedRange<Double> {
    let n = Double(trials) + DeliveryHazard.priorWeight
    let z = 1.645
    let centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (rate * (1 - rate) / n + z * z / (4 * n * n)).squareRoot()
    let count = Double(max(0, attempts))
    let low = 1 - pow(1 - max(0, centre - half), count)
    let high = 1 - pow(1 - min(1, centre + half), count)
    return min(low, high)...max(low, high)
  }
}
