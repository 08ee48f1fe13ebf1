import MailModel
import Testing

/// Which domain an envelope address belongs to.
struct MailDomainTests {
  @Test(arguments: [
    ("a@b.example", "b.example"), ("a@B.Example.", "b.example"), ("a@b.example...", "b.example"),
    ("\"x@y\"@b.example", "b.example"),
    ("root", ""), ("", ""), ("a@", ""),
  ])
  func `the domain stands behind the last at sign`(_ address: String, _ domain: String) {
    #expect(address.mailDomain == domain)
  }
}
