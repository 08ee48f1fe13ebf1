import MailModel
import MailServers
import Testing

@testable import Diagnosis

@Suite struct TallyClassifierTests {
  /// Sendmail asks nobody where a host failed earlier in its run, and says no more than
  /// `dsn=5.1.10, stat=Service unavailable` of one and `dsn=4.0.0, stat=Deferred` of another.
  @Test(arguments: [["5.1.10", "4.0.0", "4.4.3"], ["4.4.3", "4.0.0", "5.1.10"]])
  func `results without a text have the class of their own status`(_ codes: [String]) {
    var classifier = TallyClassifier(classifier: IncidentFinderTests.texts)
    let expected: [String: FailureClass] = [
      "5.1.10": .mailboxUnavailable, "4.0.0": .other, "4.4.3": .dnsFailure,
    ]
    for code in codes {
      let found = classifier.classify(
        reply: "",
        cause: "",
        server: MailServerID("sendmail"),
        enhancedStatus: Self.status(code)
      )
      #expect(found?.failureClass == expected[code], "\(code)")
    }
  }

  private static func status(_ code: String) -> EnhancedStatusCode? {
    let bytes = Array(code.utf8)
    return EnhancedStatusCode.parse(bytes.span, from: 0, to: bytes.count)?.0
  }
}
