import Experiment
import Testing

/// MTA-STS policies, as RFC 8461 section 3.2 and 4.1 have them.
struct STSPolicyTests {
  private static let good = """
    version: STSv1\r
    mode: enforce\r
    mx: mail.example.com\r
    mx: *.example.net\r
    max_age: 604800\r

    """

  @Test(arguments: [
    ("mail.example.com", true), ("MAIL.example.com", true), ("mx1.example.net", true),
    ("a.b.example.net", false), ("example.net", false), ("mail.example.org", false),
  ])
  func `a pattern stands for one label`(_ host: String, _ isAllowed: Bool) throws {
    let policy = try #require(STSPolicy(STSPolicyTests.good))
    #expect(policy.mode == .enforce)
    #expect(policy.maxAge == 604_800)
    #expect(policy.allows(host) == isAllowed)
  }

  @Test(arguments: [
    "", "version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 1",
    "version: STSv1\nmode: enforce\nmax_age: 1", "version: STSv1\nmx: a.example\nmax_age: 1",
    "version: STSv1\nmode: strict\nmx: a.example\nmax_age: 1",
    "version: STSv1\nmode: enforce\nmx: a.example", "<html>mode: enforce</html>",
    "version: STSv1\nmode: testing\nmx: a.example\nmax_age: -5",
  ])
  func `what is no policy is not taken for one`(_ text: String) {
    #expect(STSPolicy(text) == nil)
  }

  @Test func `a policy of mode none needs no hosts`() {
    #expect(STSPolicy("version: STSv1\nmode: none\nmax_age: 86400")?.mode == STSPolicy.Mode.none)
  }
}
