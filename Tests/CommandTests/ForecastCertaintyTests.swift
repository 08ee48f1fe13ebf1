import Foundation
import Testing

/// What the forecast says of its own certainty, held against what a real Exim 4.96 did: the log, queue
/// and retry database of one moment, and the attempts that followed.
@Suite struct ForecastCertaintyTests {
  private struct Told: Decodable {
    struct Message: Decodable {
      var queue_id: String
      var destination: String
      var next_attempt_at: Date?
      var next_attempt_certainty: Double?
    }
    var messages: [Message]
  }

  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("EximTests/Fixtures")

  private static let settings = """
    delay_warning = 2m
    begin transports
    begin retry
    * * F,2m,30s; G,8m,1m,1.5

    """

  /// Seconds from one queue run to the next, and what a log of whole seconds may be off.
  private static let tolerance = 15.0 + 2

  /// How sure the forecast was of each message's next attempt, and whether it came then.
  private func outcomes() throws -> [(certainty: Double, cameTrue: Bool)] {
    let place = try Workplace()
    let settings = try place.write("exim.conf", ForecastCertaintyTests.settings)
    let tar = Process()
    tar.executableURL = URL(fileURLWithPath: "/bin/tar")
    tar.arguments = [
      "-xzf", ForecastCertaintyTests.fixtures.appendingPathComponent("spool.tar.gz").path, "-C",
      place.path,
    ]
    try #require(try Workplace.finish(tar).status == 0)
    let run = try place.run(
      "forecast",
      ForecastCertaintyTests.fixtures.appendingPathComponent("expiry-mainlog.gz").path,
      ForecastCertaintyTests.fixtures.appendingPathComponent("dumpdb-retry.txt").path,
      "--spool",
      place.path + "/exim4",
      "--mta-config",
      settings,
      "--timezone",
      "UTC",
      "--now",
      "2026-11-23T12:21:55.502Z",
      "--format",
      "json"
    )
    try #require(run.status == 0, "\(run.complaint)")
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    let told = Dictionary(
      try decoder.decode(Told.self, from: Data(run.output.utf8)).messages
        .map { (["\($0.queue_id)", $0.destination], $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let truth = try String(
      contentsOf: ForecastCertaintyTests.fixtures.appendingPathComponent(
        "expiry-next-attempts.tsv"
      ),
      encoding: .utf8
    )
    return try truth.split(separator: "\n").map { line in
      let fields = line.split(separator: "\t").map(String.init)
      let came = try Date(fields[2], strategy: .iso8601)
      let message = try #require(told[Array(fields.prefix(2))], "\(line)")
      let next = try #require(message.next_attempt_at, "\(line)")
      return (
        try #require(message.next_attempt_certainty),
        abs(next.timeIntervalSince(came)) <= ForecastCertaintyTests.tolerance
      )
    }
  }

  @Test func `next attempts come true as often as the forecast says`() throws {
    let outcomes = try outcomes()
    try #require(outcomes.count == 70)
    let expected = outcomes.reduce(0) { $0 + $1.certainty }
    let spread = outcomes.reduce(0) { $0 + $1.certainty * (1 - $1.certainty) }.squareRoot()
    let came = Double(outcomes.count { $0.cameTrue })
    #expect(abs(came - expected) <= 3 * spread, "\(came) came true of \(expected) ± \(spread)")
    #expect(spread < 4, "a forecast that is sure of nothing is none")
  }

  @Test func `what it is sure of comes true`() throws {
    let sure = try outcomes().filter { $0.certainty >= 0.9 }
    try #require(sure.count >= 20)
    #expect(Double(sure.count { $0.cameTrue }) >= 0.9 * Double(sure.count))
  }
}
