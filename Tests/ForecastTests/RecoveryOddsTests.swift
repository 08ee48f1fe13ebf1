import Forecast
import Testing

/// How likely a destination recovers by itself before its mail is returned.
struct RecoveryOddsTests {
  @Test(arguments: [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 0, 2)])
  func `of too few outages nothing is said`(_ recovered: Int, _ lost: Int, _ lasting: Int) {
    let odds = RecoveryOdds(recovered: recovered, lost: lost, lasting: lasting)
    #expect(odds.probability == nil)
    #expect(odds.interval == 0...1)
  }

  @Test func `the share of outages that recovered is the chance`() {
    #expect(RecoveryOdds(recovered: 3, lost: 1).probability == 0.75)
    #expect(RecoveryOdds(recovered: 0, lost: 30).probability == 0)
  }

  @Test func `outages that last count for nobody, and widen the range both ways`() throws {
    let settled = RecoveryOdds(recovered: 5, lost: 5)
    let open = RecoveryOdds(recovered: 5, lost: 5, lasting: 30)
    #expect(try #require(open.probability) < 0.2)
    #expect(open.interval.lowerBound < settled.interval.lowerBound)
    #expect(open.interval.upperBound > settled.interval.upperBound)
  }

  // Wilson's interval for 8 of 10 at 90 %: centre (0.8 + 0.1353) / 1.2706 = 0.7361,
  // half 1.645 / 1.2706 * sqrt(0.016 + 0.006765) = 0.1953.
  @Test func `the range is Wilson's`() {
    let range = RecoveryOdds(recovered: 8, lost: 2).interval
    #expect(abs(range.lowerBound - 0.5408) < 0.001)
    #expect(abs(range.upperBound - 0.9314) < 0.001)
  }

  @Test(arguments: [(0, 3, 0), (3, 0, 0), (0, 0, 1000), (-3, 9, -1)])
  func `chances stay between nothing and certainty`(_ recovered: Int, _ lost: Int, _ lasting: Int) {
    let odds = RecoveryOdds(recovered: recovered, lost: lost, lasting: lasting)
    #expect(odds.interval.lowerBound >= 0 && odds.interval.upperBound <= 1)
    #expect(odds.probability.map { odds.interval.contains($0) } ?? true)
  }
}
