import MailModel
import TestSupport
import Testing

@testable import MailServers

/// The recipe for a test path, run as it is printed.
@Suite(.enabled(if: LiveExim.canRun, "Exim is not unpacked, or this is not root"))
struct LiveTestPathTests {
  @Test(.timeLimit(.minutes(30)))
  func `the path takes one domain's mail and hands it on in clear`() throws {
    let server = try LiveExim(scenarios: ["starttls-garbage", "ok-plain"])
    let domain = try server.machine.receiver("starttls-garbage").domain
    let recipe = Exim().testPathRecipe(domain: try #require(HostName(domain)))
    try server.machine.shell([recipe])
    defer {
      _ = try? server.machine.shell(["kill $(cat /var/spool/exim4-testpath/exim.pid)", "true"])
    }
    try server.wait("the path") {
      try server.machine.shell(["ss -ltn | grep -c 127.0.0.1:10026", "true"]).hasPrefix("1")
    }
    try server.machine.send(to: "postmaster@\(domain)", port: 10026)
    try server.wait("the message") { server.machine.tookInClear("starttls-garbage") != nil }
    #expect(server.machine.tookInClear("starttls-garbage") == true)
    // It is a path to this domain, no relay for the world.
    let other = try server.machine.receiver("ok-plain").domain
    #expect(throws: LiveFailure.self) {
      try server.machine.send(to: "postmaster@\(other)", port: 10026)
    }
  }
}
