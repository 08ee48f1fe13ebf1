import MailModel
import TestSupport
import Testing

@testable import MailServers

/// The recipe for a test path, run as it is printed.
@Suite(.enabled(if: LiveSendmail.canRun, "Sendmail is not unpacked, or this is not root"))
struct LiveTestPathTests {
  @Test(.timeLimit(.minutes(30)))
  func `the path hands mail on in clear`() throws {
    let server = try LiveSendmail(scenarios: ["starttls-garbage"]) { _ in
      "Connect:127 RELAY\nGreetPause:127 0\nClientRate:127 0\nClientConn:127 0\n"
    }
    let domain = try server.machine.receiver("starttls-garbage").domain
    let recipe = Sendmail().testPathRecipe(domain: try #require(HostName(domain)))
    try server.machine.shell([recipe])
    defer {
      _ = try? server.machine.shell(["kill $(head -1 /var/spool/mqueue-testpath/pid)", "true"])
    }
    try server.wait("the path") {
      try server.machine.shell(["ss -ltn | grep -c 127.0.0.1:10026", "true"]).hasPrefix("1")
    }
    try server.machine.send(to: "postmaster@\(domain)", port: 10026)
    try server.wait("the message") { server.machine.tookInClear("starttls-garbage") != nil }
    #expect(server.machine.tookInClear("starttls-garbage") == true)
  }
}
