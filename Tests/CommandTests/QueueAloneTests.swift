import Foundation
import Testing

/// A queue without a log still says why its mail waits: servers keep the last reason beside each
/// recipient.
@Suite struct QueueAloneTests {
  private struct Told: Decodable {
    struct Destination: Decodable {
      struct Diagnosis: Decodable {
        struct Evidence: Decodable { var text: String }
        var `class`: String
        var tls_is_cause: String
        var evidence: [Evidence]
      }
      struct Attempts: Decodable { var deferred: Int }
      var domain: String
      var attempts: Attempts
      var diagnosis: Diagnosis?
    }
    struct Totals: Decodable {
      var deferred: Int
      var tls_failures: Int
    }
    var totals: Totals
    var destinations: [Destination]
  }

  /// An entry of `postqueue -j` (Postfix postqueue(1), "JSON OBJECT FORMAT").
  private static func entry(_ id: String, _ address: String, _ reason: String) -> String {
    #"{"queue_name": "deferred", "queue_id": "\#(id)", "arrival_time": 1795435000, "#
      + #""message_size": 900, "forced_expire": false, "sender": "a@a.example", "recipients": ["#
      + #"{"address": "\#(address)", "delay_reason": "\#(reason)"}]}"# + "\n"
  }

  private func analysis(_ entries: [String]) throws -> Told {
    let place = try Workplace()
    let listing = try place.write("queue.json", entries.joined())
    let outcome = try Workplace.finish(
      place.process(["analyze", listing, "--now", "2026-11-23T12:10:00Z", "--format", "json"])
    )
    try #require(outcome.status == 0, "\(outcome.complaint)")
    return try JSONDecoder().decode(Told.self, from: Data(outcome.output.utf8))
  }

  @Test(arguments: [
    ("Server certificate not verified", "validation-failure", "yes"),
    (
      "TLS is required, but was not offered by host mx.b.example[192.0.2.1]",
      "starttls-not-supported", "yes"
    ),
    ("connect to mx.b.example[192.0.2.1]:25: Connection refused", "connection-refused", "no"),
    (
      "host mx.b.example[192.0.2.1] said: 452 4.2.2 Mailbox full (in reply to RCPT TO command)",
      "mailbox-full", "no"
    ),
  ])
  func `the reasons that a queue keeps are diagnosed`(
    _ reason: String,
    _ failureClass: String,
    _ cause: String
  ) throws {
    let told = try analysis([
      QueueAloneTests.entry("4A1B2C3D4E", "x@b.example", reason),
      QueueAloneTests.entry("4A1B2C3D4F", "y@b.example", reason),
    ])
    let destination = try #require(told.destinations.first { $0.domain == "b.example" })
    let diagnosis = try #require(destination.diagnosis)
    #expect(diagnosis.class == failureClass)
    #expect(diagnosis.tls_is_cause == cause)
    #expect(diagnosis.evidence.map(\.text).contains { $0.hasPrefix("4A1B2C3D4E: ") })
  }

  @Test func `a reason that says nothing leaves the cause unclear`() throws {
    let told = try analysis([QueueAloneTests.entry("4A1B2C3D4E", "x@b.example", "Deferred")])
    #expect(told.destinations.map { $0.diagnosis?.tls_is_cause } == ["unclear"])
  }

  @Test func `what a queue says counts as no attempt`() throws {
    let told = try analysis([
      QueueAloneTests.entry("4A1B2C3D4E", "x@b.example", "Server certificate not verified")
    ])
    #expect(told.totals.deferred == 0)
    #expect(told.totals.tls_failures == 0)
    #expect(told.destinations.map(\.attempts.deferred) == [0])
  }
}
