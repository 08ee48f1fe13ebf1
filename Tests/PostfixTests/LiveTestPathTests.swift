import Foundation
import MailModel
import TestSupport
import Testing

@testable import MailServers

/// The recipe for a test path, run as it is printed.
@Suite(.enabled(if: WalledPostfix.canRun, "Postfix or the namespaces are missing"))
struct LiveTestPathTests {
  @Test(.timeLimit(.minutes(30)))
  func `the path takes one domain's mail and hands it on in clear, and is taken away again`() throws
  {
    let server = try WalledPostfix(scenarios: ["starttls-garbage"])
    let domain = try server.domain("starttls-garbage")
    let recipe = Postfix().testPathRecipe(domain: try #require(HostName(domain)))
    let before = try server.shell("postconf -M")
    try server.shell(recipe)
    try server.wait("the path to listen") {
      try server.shell("(exec 3<>/dev/tcp/127.0.0.1/10026) 2> /dev/null && echo yes || true")
        == "yes\n"
    }
    try server.machine.send(to: "postmaster@\(domain)", port: 10026)
    try server.wait("the message") { server.accepted.contains { $0.domain == domain } }
    #expect(server.accepted.allSatisfy { $0.domain != domain || $0.tls == nil })
    #expect(server.logText.contains("postfix/testpath"))
    // It is a path to this domain, no relay for the world.
    #expect(throws: (any Error).self) {
      try server.machine.send(
        to: "postmaster@\(server.domain("selfsigned-encrypt"))",
        port: 10026
      )
    }
    let undo = try #require(recipe.firstRange(of: "Afterwards: ")).upperBound
    try server.shell(String(recipe[undo...]))
    #expect(try server.shell("postconf -M") == before)
  }
}
