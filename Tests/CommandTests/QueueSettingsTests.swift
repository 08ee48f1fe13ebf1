import Foundation
import Testing

/// What a server's settings do to mail that waits, from its queue and configuration to the forecast.
@Suite struct QueueSettingsTests {
  private struct Forecast: Decodable {
    struct Message: Decodable {
      var queue_id: String
      var next_attempt_at: String?
      var expires_at: String?
    }
    struct Destination: Decodable {
      var domain: String
      var fix_by: String?
    }
    var messages: [Message]
    var destinations: [Destination]

    func message(_ id: String) throws -> Message {
      try #require(messages.first { $0.queue_id == id })
    }
  }

  private func forecast(_ place: Workplace, queue: String, configuration: String) throws -> Forecast
  {
    let outcome = try place.run(
      "forecast",
      "--spool",
      place.path + "/" + queue,
      "--mta-config",
      place.path + "/" + configuration,
      "--format",
      "json",
      "--now",
      "2026-03-03T00:00:00Z"
    )
    #expect(outcome.status == 0 && outcome.complaint.isEmpty, "\(outcome.complaint)")
    return try JSONDecoder().decode(Forecast.self, from: Data(outcome.output.utf8))
  }

  private func hours(_ moment: String?) throws -> Double? {
    guard let moment else { return nil }
    let now = try Date("2026-03-03T00:00:00Z", strategy: .iso8601)
    return try Date(moment, strategy: .iso8601).timeIntervalSince(now) / 3600
  }

  /// A message that came at the beginning of March 1, and was frozen an hour after the end of it.
  private static let frozen = """
    1xVT0L-0000EY-2R-H
    Debian-exim 101 101
    <a@a.example>
    1772323200 0
    -frozen 1772413200
    XX
    1
    u@b.example

    021  Subject: a message

    """

  @Test(
    arguments: [
      ("", nil, nil), ("auto_thaw = 2d", 25.0...26.0, 48.0...49.0),
      ("timeout_frozen_after = 7d", nil, 120.0...121.0),
      ("timeout_frozen_after = 7d\nauto_thaw = 2d", 25.0...26.0, 48.0...49.0),
    ] as [(String, ClosedRange<Double>?, ClosedRange<Double>?)]
  )
  func `Exim's frozen messages do what the configuration says`(
    _ settings: String,
    _ next: ClosedRange<Double>?,
    _ end: ClosedRange<Double>?
  ) throws {
    let place = try Workplace()
    try place.write("spool/input/1xVT0L-0000EY-2R-H", QueueSettingsTests.frozen)
    try place.write("spool/msglog/1xVT0L-0000EY-2R", "")
    try place.write("exim.conf", settings + "\nbegin retry\n*  *  F,4d,1h\nbegin rewrite\n")
    let told = try forecast(place, queue: "spool", configuration: "exim.conf")
    let message = try told.message("1xVT0L-0000EY-2R")
    let (attempt, expiry) = (try hours(message.next_attempt_at), try hours(message.expires_at))
    #expect(attempt.map { next?.contains($0) ?? false } ?? (next == nil), "\(attempt ?? -1)")
    #expect(expiry.map { end?.contains($0) ?? false } ?? (end == nil), "\(expiry ?? -1)")
    // What is given up without an attempt sets no deadline for a repair.
    #expect((told.destinations.first?.fix_by == nil) == (next == nil))
  }

  @Test func `Sendmail's queue groups are run as the configuration says`() throws {
    let place = try Workplace()
    let file = "V8\nT1772323200\nK0\nN0\nP1\nS<a@a.example>\nRPFD:<b@b.example>\n.\n"
    try place.write("mqueue/qf6229E5kR004711", file)
    try place.write("mqueue/slow1/qf6229E5kR004712", file)
    try place.write("mqueue/fast/qf/qf6229E5kR004713", file)
    try place.write(
      "sendmail.cf",
      """
      V10/Berkeley
      O QueueDirectory=/var/spool/mqueue
      O Timeout.queuereturn=5d
      Qslow, P=/var/spool/mqueue/slow*, I=3h
      Qfast, P=/var/spool/mqueue/fast, I=2m

      """
    )
    let told = try forecast(place, queue: "mqueue", configuration: "sendmail.cf")
    let next = try ["6229E5kR004711", "6229E5kR004712", "6229E5kR004713"].map {
      try hours(told.message($0).next_attempt_at).map { ($0 * 60).rounded() }
    }
    #expect(next == [10, 180, 2])
  }
}
