import MailModel
import MailServers
import Testing

@testable import Diagnosis

@Suite struct CatalogueTests {
  static let rules = registeredMailServers.flatMap(\.failureRules) + Catalogue.general
  static let classifier = FailureClassifier(
    serverRules: registeredMailServers.flatMap(\.failureRules)
  )

  @Test func `every rule has an id of its own`() {
    let ids = Self.rules.map(\.id)
    #expect(Set(ids).count == ids.count)
  }

  @Test(arguments: rules.map(\.id))
  func `a rule's example fires it and gets its class`(_ id: String) throws {
    let rule = try #require(Self.rules.first { $0.id == id })
    #expect(FailureClassifier(rules: [rule]).classify(rule.example, side: rule.side) != nil)
    let found = Self.classifier.classify(
      rule.example,
      side: rule.side ?? .sending,
      server: rule.server
    )
    #expect(found?.failureClass == rule.failureClass, "\(found?.ruleID ?? "none") won")
  }

  @Test func `a rule explains itself`() {
    for rule in Self.rules {
      #expect(!rule.meaning.isEmpty, "\(rule.id)")
      #expect(!rule.example.isEmpty, "\(rule.id)")
    }
  }

  @Test func `the same alert means our certificate on either side, and another thing`() {
    let line =
      "TLS library problem: error:14094415:SSL routines:ssl3_read_bytes:"
      + "sslv3 alert certificate expired:SSL alert number 45:"
    #expect(
      Self.classifier.classify(line, side: .sending)?.failureClass == .clientCertificateRejected
    )
    #expect(Self.classifier.classify(line, side: .receiving)?.failureClass == .certificateExpired)
  }

  @Test func `hostile text is read in bounded time`() {
    let text = String(repeating: "4.7.4.7.", count: 500_000)
    let clock = ContinuousClock()
    #expect(clock.measure { _ = Self.classifier.classify(text) } < .seconds(5))
  }
}
