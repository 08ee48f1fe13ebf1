import MailModel
import MailServers
import Testing

@testable import Diagnosis

/// Since when, after what, and whose fault.
@Suite struct AttributionTests {
  private typealias Sample = IncidentFinderTests

  private func finder(
    waiting: [String: Int] = [:],
    moments: [ServerMoment] = [],
    nowHour: Double? = nil
  ) -> IncidentFinder {
    IncidentFinder(
      moments: moments,
      waiting: waiting,
      now: nowHour.map { Sample.start.advanced(bySeconds: $0 * 3600) }
    )
  }

  // MARK: Confounders

  @Test(arguments: [
    (
      "host mx.b.example[192.0.2.1] said: 450 4.2.0 <u@b.example>: Greylisted",
      FailureClass.greylisted
    ),
    ("host mx.b.example[192.0.2.1] said: 452 4.2.2 The email account is over quota", .mailboxFull),
    (
      "Host or domain name not found. Name service error for name=b.example type=MX: Host not found",
      .dnsFailure
    ), ("connect to mx.b.example[192.0.2.1]:25: Connection refused", .connectionRefused),
    ("connect to mx.b.example[192.0.2.1]:25: Connection timed out", .connectionTimeout),
    (
      "host mx.b.example[192.0.2.1] said: 421 4.7.28 Our system has detected an unusual rate of mail",
      .rateLimited
    ),
    (
      "delivery temporarily suspended: connect to mx.b.example[192.0.2.1]:25: Connection refused",
      .connectionRefused
    ),
  ])
  func `what is not TLS is named as what it is`(_ reply: String, _ expected: FailureClass) {
    let incident = Sample.history(
      [Sample.attempts("b.example", .deferred, hour: 0, reply: reply)],
      waiting: ["b.example": 1]
    )?.incident
    #expect(incident?.failureClass == expected)
    #expect(incident?.tlsIsCause == .no)
  }

  @Test func `greylisting behind a session whose certificate nobody demanded is greylisting`() {
    let incident = Sample.history([
      Sample.attempts(
        "b.example",
        .deferred,
        hour: 0,
        reply: "host mx.b.example[192.0.2.1] said: 450 4.7.1 Greylisted, try again later",
        cause: "certificate verification failed for mx.b.example[192.0.2.1]:25: "
          + "self-signed certificate",
        security: .encrypted
      )
    ])?.incident
    #expect(incident?.failureClass == .greylisted)
    #expect(incident?.tlsIsCause == .no)
  }

  @Test func `half and half is unclear`() {
    let incident = Sample.history([
      Sample.attempts("b.example", .deferred, hour: 0, reply: Sample.refusal),
      Sample.attempts("b.example", .deferred, hour: 1, reply: "452 4.2.2 mailbox full"),
    ])?.incident
    #expect(incident?.tlsIsCause == .unclear)
  }

  // MARK: Trigger

  private var afterClear: [ClassifiedTally] {
    (0..<5).map { Sample.attempts("b.example", .delivered, hour: $0, security: .clear) }
      + (5..<9).map { Sample.attempts("b.example", .deferred, hour: $0, reply: Sample.refusal) }
  }

  @Test func `where mail went out in clear before, the first TLS is the trigger`() {
    let trigger = Sample.history(afterClear)?.incident?.trigger
    #expect(trigger?.hasPrefix("TLS was tried with this destination for the first time") == true)
  }

  @Test func `where TLS worked before, it is not`() {
    let encrypted =
      [Sample.attempts("b.example", .delivered, hour: 0, security: .encrypted)] + afterClear
    #expect(Sample.history(encrypted)?.incident?.trigger == nil)
  }

  @Test(arguments: [
    (ServerMarker.Kind.reloaded, -60.0, "the server's configuration was reloaded"),
    (.started, -800, "the server started"), (.reloaded, -1000, "TLS was tried"),
    (.reloaded, 60, "TLS was tried"), (.stopped, -60, "TLS was tried"),
    (.localTLSTrouble, -10, "the server complained about its own TLS set-up"),
  ])
  func `a start or reload within a quarter of an hour before is nearer`(
    _ kind: ServerMarker.Kind,
    _ seconds: Double,
    _ expected: String
  ) {
    let moment = ServerMoment(
      at: Sample.start.advanced(bySeconds: 5 * 3600 + seconds),
      kind: kind
    )
    let trigger = Sample.history(afterClear, moments: [moment])?.incident?.trigger
    #expect(trigger?.hasPrefix(expected) == true, "\(trigger ?? "none")")
  }

  @Test func `a reload makes no mailbox full`() {
    let reload = ServerMoment(at: Sample.start, kind: .reloaded)
    let incident = Sample.history(
      [Sample.attempts("b.example", .deferred, hour: 0, reply: "452 4.2.2 mailbox full")],
      moments: [reload]
    )?.incident
    #expect(incident != nil)
    #expect(incident?.trigger == nil)
  }

  // MARK: Us, them, the path

  private func failing(_ count: Int, of all: Int, hour: (Int) -> Int) -> [DestinationHistory] {
    let names = (0..<all).map { "d\($0).example" }
    let tallies = names.enumerated().map { number, name in
      number < count
        ? Sample.attempts(name, .deferred, hour: hour(number), reply: Sample.refusal)
        : Sample.attempts(name, .delivered, hour: 0)
    }
    let waiting = Dictionary(uniqueKeysWithValues: names.prefix(count).map { ($0, 1) })
    return finder(waiting: waiting).histories(tallies)
  }

  @Test func `most destinations at once with one cause: it is us`() {
    let found = failing(8, of: 10) { _ in 3 }.compactMap(\.incident)
    #expect(found.count == 8)
    #expect(found.allSatisfy { $0.responsible == .local })
  }

  @Test func `one after the other over days, or a few of many: it is them`() {
    let slow = failing(8, of: 10) { $0 * 6 }.compactMap(\.incident)
    #expect(slow.allSatisfy { $0.responsible != .local })
    let few = failing(5, of: 50) { _ in 3 }.compactMap(\.incident)
    #expect(few.allSatisfy { $0.responsible != .local })
  }

  @Test func `many domains on one provider are one incident, and it is theirs`() throws {
    // All at once, and nothing else was tried.
    let tallies = (0..<9).map { number in
      var one = Sample.attempts(
        "d\(number).example",
        .deferred,
        hour: 0,
        reply: Sample.refusal
      )
      one.tally.relay = "mx.provider.example[192.0.2.\(number)]:25"
      return one
    }
    let waiting = Dictionary(uniqueKeysWithValues: (0..<9).map { ("d\($0).example", 2) })
    let finder = finder(waiting: waiting)
    let incidents = finder.incidents(of: finder.histories(tallies))
    #expect(incidents.count == 1)
    let incident = try #require(incidents.first)
    #expect(incident.domains.sorted() == (0..<9).map { "d\($0).example" })
    #expect(incident.waiting == 18)
    #expect(incident.responsible == .remote)
  }

  @Test func `an incident keeps its name as its domains' mail comes and goes`() {
    func name(_ waiting: [String: Int], domains: Int) -> String? {
      let tallies = (0..<domains).map { number in
        var one = Sample.attempts(
          "d\(number).example",
          .deferred,
          hour: number,
          reply: Sample.refusal
        )
        one.tally.relay = "mx.provider.example[192.0.2.1]:25"
        return one
      }
      let finder = finder(waiting: waiting)
      let incidents = finder.incidents(of: finder.histories(tallies))
      return incidents.count == 1 ? incidents.first?.id : nil
    }
    let first = name(["d0.example": 1], domains: 1)
    #expect(first != nil)
    #expect(name(["d0.example": 1, "d1.example": 9], domains: 2) == first)
    #expect(name(["d1.example": 5, "d2.example": 7], domains: 3) == first)
  }

  // MARK: State

  @Test func `what failed and was neither returned nor sent is not called recovered`() {
    let tallies = [Sample.attempts("b.example", .deferred, hour: 0, reply: Sample.refusal)]
    func state(_ nowHour: Double) -> IncidentState? {
      finder(nowHour: nowHour).histories(tallies).first?.incident?.state
    }
    #expect(state(1) == .active)
    #expect(state(20) == .active)
    // A day later there is nothing left to save.
    #expect(state(30) == .recovered)
  }

  @Test(arguments: FailureClass.allCases)
  func `a class and what to do about it fit a narrow table`(_ failureClass: FailureClass) {
    #expect((1...17).contains(Advice.label(for: failureClass).count))
    #expect((1...18).contains(Advice.brief(for: failureClass).count))
    let labels = Set(FailureClass.allCases.map { Advice.label(for: $0) })
    #expect(labels.count == FailureClass.allCases.count)
  }
}
