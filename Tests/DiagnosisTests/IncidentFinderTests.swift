import MailModel
import MailServers
import Testing

@testable import Diagnosis

@Suite struct IncidentFinderTests {
  static let start = Timestamp(seconds: 1_790_000_000)

  static let texts = FailureClassifier(serverRules: registeredMailServers.flatMap(\.failureRules))

  static func attempts(
    _ domain: String,
    _ outcome: DeliveryOutcome,
    hour: Int,
    count: Int = 10,
    reply: String = "",
    cause: String = "",
    security: TransportSecurity = .unknown,
    tried: Bool = true
  ) -> ClassifiedTally {
    var classifier = TallyClassifier(classifier: texts)
    return classifier.classify(
      AttemptTally(
        server: MailServerID("postfix"),
        host: "mail",
        domain: domain,
        relay: "mx.\(domain)[192.0.2.1]:25",
        outcome: outcome,
        tried: tried,
        security: security,
        enhancedStatus: nil,
        reply: reply,
        cause: cause,
        count: count,
        first: start.advanced(bySeconds: Double(hour) * 3600),
        last: start.advanced(bySeconds: Double(hour) * 3600 + 1800),
        sample: LinePosition(source: 1, offset: Int64(hour)),
        causeSample: nil
      )
    )
  }

  static let refusal = "TLS is required, but was not offered by host mx.b.example[192.0.2.1]"

  static func history(
    _ tallies: [ClassifiedTally],
    waiting: [String: Int] = [:],
    moments: [ServerMoment] = []
  ) -> DestinationHistory? {
    IncidentFinder(moments: moments, waiting: waiting).histories(tallies).first
  }

  @Test func `the onset is the first failure after the good days, with the reload before it`() {
    let tallies =
      (0..<5).map { Self.attempts("b.example", .delivered, hour: $0) }
      + (5..<9).map { Self.attempts("b.example", .deferred, hour: $0, reply: Self.refusal) }
    let reload = ServerMoment(at: Self.start.advanced(bySeconds: 5 * 3600 - 60), kind: .reloaded)
    let incident = Self.history(tallies, waiting: ["b.example": 3], moments: [reload])?.incident
    #expect(incident?.onset == Self.start.advanced(bySeconds: 5 * 3600))
    #expect(incident?.trigger == "the server's configuration was reloaded")
    #expect(incident?.state == .active)
    #expect(incident?.tlsIsCause == .yes)
  }

  @Test func `one failure long before, among much that went, is no onset`() {
    let tallies =
      [Self.attempts("b.example", .deferred, hour: 0, count: 1, reply: Self.refusal)]
      + (1..<20).map { Self.attempts("b.example", .delivered, hour: $0) }
      + (20..<24).map { Self.attempts("b.example", .deferred, hour: $0, reply: Self.refusal) }
    let incident = Self.history(tallies, waiting: ["b.example": 3])?.incident
    #expect(incident?.onset == Self.start.advanced(bySeconds: 20 * 3600))
  }

  @Test func `a TLS failure followed at once by clear delivery holds nothing up`() {
    let history = Self.history([
      Self.attempts(
        "b.example",
        .delivered,
        hour: 0,
        cause: "SSL_connect error to mx.b.example[192.0.2.1]:25: lost connection",
        security: .clear
      )
    ])
    #expect(history?.incident == nil)
    #expect(history?.deliveredInClear == 10)
    #expect(history?.counts[.handshakeDisconnected] == 10)
  }

  @Test func `of mixed causes the one that held up most mail leads`() {
    let incident = Self.history([
      Self.attempts("b.example", .deferred, hour: 0, count: 3, reply: Self.refusal),
      Self.attempts("b.example", .deferred, hour: 1, count: 30, reply: "452 4.2.2 mailbox full"),
    ])?.incident
    #expect(incident?.failureClass == .mailboxFull)
    #expect(incident?.tlsIsCause == .no)
  }

  @Test func `mail that flows again is recovered, mail that was returned ended in bounces`() {
    let failed = Self.attempts("b.example", .deferred, hour: 0, reply: Self.refusal)
    let delivered = Self.attempts("b.example", .delivered, hour: 2)
    let expired = Self.attempts("b.example", .expired, hour: 2, reply: Self.refusal)
    #expect(Self.history([failed, delivered])?.incident?.state == .recovered)
    #expect(Self.history([failed, expired])?.incident?.state == .endedInBounces)
  }

  @Test func `mail handed on within the machine does not say that the destination takes mail`() {
    let failed = Self.attempts("b.example", .deferred, hour: 0, reply: Self.refusal)
    let handedOn = Self.attempts("b.example", .delivered, hour: 2, tried: false)
    let history = Self.history([failed, handedOn], waiting: ["b.example": 1])
    #expect(history?.incident?.state == .active)
    #expect(history?.delivered == 10)
  }

  @Test(arguments: 0..<20)
  func `incidents do not depend on the order of what was counted`(_ seed: UInt64) {
    var tallies = (0..<6).flatMap { hour in
      ["b.example", "c.example"].map {
        Self.attempts($0, hour < 3 ? .delivered : .deferred, hour: hour, reply: Self.refusal)
      }
    }
    let finder = IncidentFinder(moments: [], waiting: [:])
    let expected = finder.incidents(of: finder.histories(tallies))
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    for index in tallies.indices.reversed() {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      tallies.swapAt(index, Int(state >> 33) % (index + 1))
    }
    #expect(finder.incidents(of: finder.histories(tallies)) == expected)
  }

  @Test func `confidence grows with evidence that agrees and stays below one`() {
    let few = Self.history([
      Self.attempts("b.example", .deferred, hour: 0, count: 1, reply: Self.refusal)
    ])
    let many = Self.history([
      Self.attempts("b.example", .deferred, hour: 0, count: 500, reply: Self.refusal)
    ])
    let low = few?.incident?.confidence ?? 1
    let high = many?.incident?.confidence ?? 0
    #expect(low < high)
    #expect(high < 1)
  }
}
