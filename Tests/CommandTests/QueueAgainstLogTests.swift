import Foundation
import Testing

/// A look at a queue grows old; the log that came after it says what has changed since.
@Suite struct QueueAgainstLogTests {
  private struct Told: Decodable {
    struct Message: Decodable {
      var queue_id: String
      var next_attempt_at: String?
    }
    var messages: [Message]
  }

  private static let start = Date(timeIntervalSince1970: 1_795_435_000)  // 2026-11-23T11:56:40Z

  private static func entry(_ id: String, _ address: String) -> String {
    #"{"queue_name": "deferred", "queue_id": "\#(id)", "arrival_time": 1795434990, "#
      + #""message_size": 900, "forced_expire": false, "sender": "a@a.example", "recipients": ["#
      + #"{"address": "\#(address)", "delay_reason": "Server certificate not verified"}]}"# + "\n"
  }

  private static func id(_ number: Int) -> String {
    PostfixLines.message(number, at: start, "b.example", PostfixLines.sent)
      .split(separator: " ")[3].dropLast().description
  }

  /// Reads the log of two waiting messages and a listing of them at 12:00, then `later` of the log.
  private func waiting(after later: String, at now: String) throws -> [Told.Message] {
    let place = try Workplace()
    let first = (1...2).map {
      PostfixLines.message($0, at: QueueAgainstLogTests.start, "b.example", PostfixLines.expired)
    }
    let log = try place.write("mail.log", first.joined())
    let listing = try place.write(
      "queue.json",
      (1...2).map { QueueAgainstLogTests.entry(QueueAgainstLogTests.id($0), "u\($0)@b.example") }
        .joined()
    )
    let before = try place.run("analyze", log, listing, "--now", "2026-11-23T12:00:00Z")
    try #require(before.status == 0, "\(before.complaint)")
    try place.append("mail.log", later)
    let after = try place.run("forecast", log, "--now", now, "--format", "json")
    try #require(after.status == 0, "\(after.complaint)")
    return try JSONDecoder().decode(Told.self, from: Data(after.output.utf8)).messages
  }

  @Test func `mail that went out since the look waits no longer`() throws {
    let later = PostfixLines.message(
      1,
      at: QueueAgainstLogTests.start.addingTimeInterval(600),
      "b.example",
      PostfixLines.sent
    )
    let messages = try waiting(after: later, at: "2026-11-23T12:30:00Z")
    #expect(messages.map(\.queue_id) == [QueueAgainstLogTests.id(2)])
  }

  @Test func `mail that came since the look waits too`() throws {
    let later = PostfixLines.message(
      3,
      at: QueueAgainstLogTests.start.addingTimeInterval(600),
      "b.example",
      PostfixLines.expired
    )
    let messages = try waiting(after: later, at: "2026-11-23T12:30:00Z")
    #expect(
      Set(messages.map(\.queue_id)) == Set((1...3).map { QueueAgainstLogTests.id($0) })
    )
  }

  @Test func `what the log tells of later than now does not count yet`() throws {
    let later = PostfixLines.message(
      1,
      at: QueueAgainstLogTests.start.addingTimeInterval(3600),
      "b.example",
      PostfixLines.sent
    )
    let messages = try waiting(after: later, at: "2026-11-23T12:00:00Z")
    #expect(Set(messages.map(\.queue_id)) == Set((1...2).map { QueueAgainstLogTests.id($0) }))
  }

  @Test func `a listing is as old as its file`() throws {
    let place = try Workplace()
    let listing = try place.write(
      "queue.json",
      QueueAgainstLogTests.entry("4A1B2C3D4E", "x@b.example")
    )
    try FileManager.default.setAttributes(
      [.modificationDate: QueueAgainstLogTests.start],
      ofItemAtPath: listing
    )
    let log = try place.write(
      "mail.log",
      "2026-11-23T12:10:00Z mx1 postfix/smtp[8]: 4A1B2C3D4E: to=<x@b.example>, "
        + "relay=mx.b.example[192.0.2.1]:25, delay=810, delays=800/0/0/1, \(PostfixLines.sent)\n"
        + "2026-11-23T12:10:00Z mx1 postfix/qmgr[9]: 4A1B2C3D4E: removed\n"
    )
    let outcome = try place.run(
      "forecast",
      listing,
      log,
      "--now",
      "2026-11-23T12:30:00Z",
      "--format",
      "json"
    )
    let told = try JSONDecoder().decode(Told.self, from: Data(outcome.output.utf8))
    #expect(told.messages.isEmpty)
  }

  @Test func `an attempt made since the look moves the next one`() throws {
    let later = PostfixLines.message(
      2,
      at: QueueAgainstLogTests.start.addingTimeInterval(1800),
      "b.example",
      PostfixLines.expired
    )
    let messages = try waiting(after: later, at: "2026-11-23T12:27:00Z")
    let moved = try #require(messages.first { $0.queue_id == QueueAgainstLogTests.id(2) })
    // Tried at 12:26:40 with an age of half an hour: not again within the next 25 minutes.
    #expect(try #require(moved.next_attempt_at) > "2026-11-23T12:51:00Z")
  }
}
