import Foundation
import MailModel
import Store
import Testing

/// What experiments found changes what is said and what may be done.
@Suite struct ProofTests {
  private struct Told: Decodable {
    struct Destination: Decodable {
      struct Diagnosis: Decodable {
        var tls_is_cause: String
        var confirmed_by: String?
      }
      struct Remedy: Decodable {
        var weakens: String
        var refused: String?
        var title: String
      }
      var domain: String
      var diagnosis: Diagnosis?
      var remedies: [Remedy]
    }
    var destinations: [Destination]
  }

  private static let now = "2026-03-02T12:00:00Z"
  private static let moment = Timestamp(seconds: 1_772_452_800)

  private func place() throws -> Workplace {
    let place = try Workplace()
    let start = Date(timeIntervalSince1970: 1_772_449_200)
    try place.write(
      "mail.log",
      PostfixLines.message(1, at: start, "b.example", PostfixLines.expired)
    )
    try place.write("main.cf", "smtp_tls_security_level = verify\nmyhostname = a.example\n")
    return place
  }

  private func told(_ place: Workplace, now: String = ProofTests.now) throws -> Told.Destination {
    let outcome = try place.run(
      "analyze",
      place.path + "/mail.log",
      "--mta-config",
      place.path + "/main.cf",
      "--now",
      now,
      "--format",
      "json",
      "--quiet"
    )
    let told = try JSONDecoder().decode(Told.self, from: Data(outcome.output.utf8))
    return try #require(told.destinations.first { $0.domain == "b.example" })
  }

  private func probe(
    _ dane: RecordedProbe.DANE,
    _ sts: RecordedProbe.MTASTS,
    secondsBefore: Double = 60
  ) -> RecordedProbe {
    RecordedProbe(
      destination: "b.example",
      at: ProofTests.moment.advanced(bySeconds: -secondsBefore),
      dane: dane,
      mtaSTS: sts,
      certificateNames: ["mx.b.example"],
      certificateFingerprint: String(repeating: "ab", count: 32),
      publicKeyFingerprint: String(repeating: "cd", count: 32),
      body: "{}"
    )
  }

  private func retry(
    _ verdict: String,
    secondsBefore: Double = 60,
    rung: LadderRung? = nil,
    body: String = "{}"
  ) -> RecordedRetry {
    RecordedRetry(
      destination: "b.example",
      at: ProofTests.moment.advanced(bySeconds: -secondsBefore),
      path: "mx.b.example:25",
      verdict: verdict,
      weakestChange: rung,
      body: body
    )
  }

  @Test func `without a probe a weakening remedy is refused, with the probe to run`() throws {
    let destination = try told(try place())
    let weakening = destination.remedies.filter { $0.weakens != "nothing" }
    #expect(!weakening.isEmpty)
    #expect(weakening.allSatisfy { $0.refused?.contains("mailtriage probe b.example") == true })
  }

  @Test(arguments: [
    (RecordedProbe.DANE.none, RecordedProbe.MTASTS.none, 60.0, nil as String?),
    (.none, .testing, 60, nil), (.published, .none, 60, "DANE"), (.none, .enforce, 60, "MTA-STS"),
    (.unknown, .none, 60, "mailtriage probe"), (.none, .unknown, 60, "mailtriage probe"),
    // A day later it is not known any more.
    (.none, .none, 86_401, "mailtriage probe"),
  ])
  func `what a probe found decides whether weakening is refused`(
    _ dane: RecordedProbe.DANE,
    _ sts: RecordedProbe.MTASTS,
    _ age: Double,
    _ refusal: String?
  ) throws {
    let place = try place()
    _ = try told(place)
    try TriageStore(path: place.database).record(probe(dane, sts, secondsBefore: age))
    let destination = try told(place)
    let weakening = destination.remedies.filter { $0.weakens != "nothing" }
    #expect(!weakening.isEmpty)
    for remedy in weakening {
      if let refusal {
        #expect(remedy.refused?.contains(refusal) == true)
      } else {
        #expect(remedy.refused == nil)
      }
    }
    // The certificate that was seen can be pinned, which weakens nothing.
    #expect(destination.remedies.first?.title.hasPrefix("Pin") == true)
    #expect(destination.remedies.first?.refused == nil)
  }

  @Test(arguments: [
    ("tls-is-the-cause", "yes", "retry" as String?), ("second-fault-behind-tls", "yes", "retry"),
    ("tls-is-not-the-cause", "no", "retry"), ("inconclusive", "yes", nil),
    ("not-reproduced", "yes", nil),
  ])
  func `a retry confirms or overturns what the log says`(
    _ verdict: String,
    _ cause: String,
    _ confirmedBy: String?
  ) throws {
    let place = try place()
    _ = try told(place)
    try TriageStore(path: place.database).record(retry(verdict))
    let destination = try told(place)
    #expect(destination.diagnosis?.tls_is_cause == cause)
    #expect(destination.diagnosis?.confirmed_by == confirmedBy)
  }

  @Test(arguments: [
    (#"{"trials":[{"stages":[{"ok":false,"stage":"connect"}]}]}"#, "yes", nil as String?),
    (
      #"{"trials":[{"stages":[{"ok":true,"stage":"ehlo"},{"ok":false,"stage":"mail"}]}]}"#, "no",
      "retry"
    ),
  ])
  func `a retry that never came to the envelope does not clear TLS`(
    _ body: String,
    _ cause: String,
    _ confirmedBy: String?
  ) throws {
    let place = try place()
    _ = try told(place)
    try TriageStore(path: place.database).record(retry("tls-is-not-the-cause", body: body))
    let destination = try told(place)
    #expect(destination.diagnosis?.tls_is_cause == cause)
    #expect(destination.diagnosis?.confirmed_by == confirmedBy)
  }

  @Test func `a retry from before the incident says nothing about it`() throws {
    let place = try place()
    _ = try told(place)
    try TriageStore(path: place.database).record(
      retry("tls-is-not-the-cause", secondsBefore: 86_400)
    )
    let destination = try told(place)
    #expect(destination.diagnosis?.tls_is_cause == "yes")
    #expect(destination.diagnosis?.confirmed_by == nil)
  }

  @Test func `the step of the ladder that worked is the remedy`() throws {
    let place = try place()
    _ = try told(place)
    let store = try TriageStore(path: place.database)
    try store.record(probe(.none, .none))
    try store.record(retry("tls-is-the-cause", secondsBefore: 30, rung: .noVerification))
    let destination = try told(place)
    #expect(destination.remedies.map(\.weakens) == ["authentication"])
  }
}
