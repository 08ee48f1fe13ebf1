import MailModel
import Testing

@testable import MailServers

/// What smtpd.conf asks of TLS towards a destination.
struct OpenSMTPDConfigurationTests {
  private func policy(_ text: String, domain: String = "b.example") -> TLSPolicy? {
    let file = ConfigurationFile(path: "/etc/smtpd.conf", bytes: Array(text.utf8))
    guard OpenSMTPD().isConfiguration(file) else { return nil }
    return OpenSMTPD().readConfiguration([file]).tlsPolicy(domain: domain, nextHop: "mx.b.example")
  }

  private func action(_ options: String, for destination: String = "any") -> String {
    "listen on lo\naction \"out\" relay \(options)\nmatch from any for \(destination) action \"out\"\n"
  }

  @Test(arguments: [
    ("", TLSLevel.may, TLSPolicy.Origin.serverDefault), ("tls", .verify, .everyone),
    ("tls no-verify", .encrypt, .everyone), ("host smtp://mx.example", .may, .serverDefault),
    ("host smtp+tls://mx.example", .verify, .everyone),
    ("host \"smtp+tls://us@mx.example:587\" auth <secrets> tls no-verify", .encrypt, .everyone),
    ("host smtps://mx.example", .verify, .everyone),
    ("host smtp+notls://mx.example", .none, .everyone),
  ])
  func `the action makes the level`(
    _ options: String,
    _ level: TLSLevel,
    _ origin: TLSPolicy.Origin
  ) {
    #expect(policy(action(options))?.level == level)
    #expect(policy(action(options))?.origin == origin)
  }

  @Test(arguments: [
    ("domain \"b.example\"", TLSPolicy.Origin.destination),
    ("domain { \"a.example\", \"b.example\" }", .destination),
    ("domain <partners>", .destination), ("domain \"*.example\"", .destination),
    ("domain $partner", .destination), ("any", .everyone), ("! domain \"a.example\"", .everyone),
  ])
  func `a rule for the domain is a demand for it`(
    _ destination: String,
    _ origin: TLSPolicy.Origin
  ) {
    let text =
      "partner = \"b.example\"\ntable partners { \"b.example\", \"c.example\" }\n"
      + action("tls", for: destination)
    #expect(policy(text)?.level == .verify)
    #expect(policy(text)?.origin == origin)
  }

  @Test func `the first rule that takes the domain counts`() {
    let text = """
      table aliases file:/etc/aliases
      listen on lo # and nothing else
      action "local" maildir alias <aliases>
      action "strict" relay tls
      action "out" relay
      match for local action "local"
      match from any for domain "b.example" \\
        action "strict"
      match from any for any action "out"

      """
    #expect(policy(text)?.level == .verify)
    #expect(policy(text, domain: "c.example")?.level == .may)
  }

  @Test func `files, ciphers and versions are those that it names`() {
    let text =
      """
      pki us cert "/etc/ssl/us.pem"
      pki us key "/etc/ssl/us.key"
      ca partner cert "/etc/ssl/partner.pem"
      smtp ciphers "HIGH:!aNULL"

      """ + action("tls ca partner pki us protocols \"tlsv1.1,tlsv1.2\"")
    let found = policy(text)
    #expect(found?.clientCertificate == "/etc/ssl/us.pem")
    #expect(found?.clientKey == "/etc/ssl/us.key")
    #expect(found?.caFile == "/etc/ssl/partner.pem")
    #expect(found?.authorities == .never)
    #expect(found?.ciphers == "HIGH:!aNULL")
    #expect(found?.minimumProtocol == "TLSv1.1")
    #expect(found?.maximumProtocol == "TLSv1.2")
  }

  @Test(arguments: [
    "match", "action \"x\" maildir", "smtpd_banner = x", "listen on lo\naction \"x\" relay\n",
  ])
  func `other files are none of it`(_ text: String) { #expect(policy(text) == nil) }
}
