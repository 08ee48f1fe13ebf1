import Forecast
import Testing

/// How likely mail gets out before it is returned.
struct DeliveryHazardTests {
  @Test
  func `a destination that never took anything has hardly a chance, and more tries help little`() {
    let dead = DeliveryHazard(successes: 0, trials: 500, pooledRate: 0.01)
    #expect(dead.probability(attempts: 1) < 0.001)
    #expect(dead.probability(attempts: 50) < 0.02)
    #expect(dead.probability(attempts: 50) > dead.probability(attempts: 1))
  }

  @Test func `few trials say what all destinations with this cause say`() {
    let unknown = DeliveryHazard(successes: 0, trials: 0, pooledRate: 0.3)
    #expect(abs(unknown.rate - 0.3) < 1e-12)
    let little = DeliveryHazard(successes: 1, trials: 1, pooledRate: 0.3)
    #expect(little.rate > 0.3 && little.rate < 0.5)
    let much = DeliveryHazard(successes: 900, trials: 1000, pooledRate: 0.3)
    #expect(abs(much.rate - 0.9) < 0.01)
  }

  @Test(arguments: [
    (0, 0, 0.0), (0, 0, 1.0), (3, 3, 1.0), (0, 1000, 0.0), (7, 2, 5.0), (-3, -9, -1.0),
  ])
  func `chances stay between nothing and certainty, whatever the counts`(
    _ successes: Int,
    _ trials: Int,
    _ pooled: Double
  ) {
    let hazard = DeliveryHazard(successes: successes, trials: trials, pooledRate: pooled)
    for attempts in [-5, 0, 1, 7, 100_000] {
      let chance = hazard.probability(attempts: attempts)
      let range = hazard.interval(attempts: attempts)
      #expect((0...1).contains(chance))
      #expect(range.lowerBound >= 0 && range.upperBound <= 1)
    }
    #expect(hazard.probability(attempts: 0) == 0)
  }

  @Test func `the range holds the estimate and narrows with what is known`() {
    func width(_ trials: Int) -> Double {
      let hazard = DeliveryHazard(successes: trials / 5, trials: trials, pooledRate: 0.2)
      let range = hazard.interval(attempts: 3)
      #expect(range.contains(hazard.probability(attempts: 3)))
      return range.upperBound - range.lowerBound
    }
    #expect(width(10) > width(100))
    #expect(width(100) > width(10_000))
  }
}
