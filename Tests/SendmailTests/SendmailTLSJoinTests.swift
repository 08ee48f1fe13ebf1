import MailModel
import MailServers
import TestSupport
import Testing

/// TLS lines carry no queue id: they belong to the result that the same process logs next.
struct SendmailTLSJoinTests {
  private func events(_ lines: [String]) -> [String] {
    var log = EventLog { SendmailDialect() }
    return log.read(lines)
  }

  private static let failed =
    "1 sm-mta[9]: STARTTLS=client, relay=mx1.b.example., version=TLSv1.3, verify=FAIL, cipher=x, "
    + "bits=256/256"
  private static let refused =
    "1 sm-mta[9]: ruleset=tls_server, arg1=FAIL, relay=mx1.b.example, reject=454 4.7.0 "
    + "authentication failed"

  private func result(
    _ status: String,
    id: String = "6229E5kR004711",
    relay: String = "mx1.b.example. [198.51.100.7]",
    dsn: String = "4.7.0",
    to recipient: String = "bob@b.example"
  ) -> String {
    "1 sm-mta[9]: \(id): to=<\(recipient)>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=1, "
      + "relay=\(relay), dsn=\(dsn), stat=\(status)"
  }

  @Test func `what a host's failure earlier in the run repeats was not tried, yet has its cause`() {
    let said = events([
      SendmailTLSJoinTests.failed, SendmailTLSJoinTests.refused,
      result("Deferred: 454 4.7.0 authentication failed"),
      result("Deferred", id: "6229E5kS004712", relay: "mx1.b.example.", dsn: "4.0.0"),
    ])
    #expect(said.count == 2)
    #expect(said[0].contains("verify=FAIL") && !said[0].contains("untried"))
    #expect(said[1].contains("verify=FAIL") && said[1].contains("untried"))
  }

  @Test func `a later connection to the host that fails otherwise does not inherit the cause`() {
    let said = events([
      SendmailTLSJoinTests.failed, SendmailTLSJoinTests.refused,
      result("Deferred: 454 4.7.0 authentication failed"),
      result("Deferred: Connection refused by mx1.b.example.", id: "6229E5kS004712", dsn: "4.4.1"),
    ])
    #expect(!said[1].contains("because"))
  }

  @Test func `a connection that is kept stays encrypted for the next message`() {
    let said = events([
      "1 sm-mta[9]: STARTTLS=client, relay=mx1.b.example., version=TLSv1.3, verify=OK, cipher=x, "
        + "bits=256/256", result("Sent (ok)", dsn: "2.0.0"),
      result("Sent (ok)", id: "6229E5kS004712", dsn: "2.0.0"),
    ])
    #expect(said.count { $0.contains(" authenticated ") } == 2)
  }

  @Test func `the first host's TLS failure is why the second one was asked`() {
    let said = events([
      SendmailTLSJoinTests.failed, SendmailTLSJoinTests.refused,
      result(
        "Deferred: Connection refused by mx2.b.example.",
        relay: "mx2.b.example. [198.51.100.8]",
        dsn: "4.4.1"
      ),
      // The next destination of the same message has a trouble of its own.
      result(
        "Deferred: Connection refused by mx.c.example.",
        relay: "mx.c.example. [198.51.100.9]",
        dsn: "4.4.1",
        to: "eve@c.example"
      ),
    ])
    #expect(said[0].contains("authentication failed"))
    #expect(!said[1].contains("because"))
  }

  @Test func `what the second host takes was not held up by the first`() {
    let said = events([
      SendmailTLSJoinTests.failed, SendmailTLSJoinTests.refused,
      result("Sent (ok)", relay: "mx2.b.example. [198.51.100.8]", dsn: "2.0.0"),
      result(
        "Deferred: Connection refused by mx.c.example.",
        id: "6229E5kS004712",
        relay: "mx.c.example. [198.51.100.9]",
        dsn: "4.4.1",
        to: "eve@c.example"
      ),
    ])
    #expect(said.allSatisfy { !$0.contains("because") })
  }

  @Test func `a rule for recipients rejects one of two in the same session`() {
    let said = events([
      "1 sm-mta[9]: STARTTLS=client, relay=mx1.b.example., version=TLSv1.3, verify=FAIL, cipher=x, "
        + "bits=256/256",
      "1 sm-mta[9]: 6229E5kR004711: ruleset=tls_rcpt, arg1=<bob@b.example>, relay=mx1.b.example, "
        + "reject=454 4.7.0 authentication failed",
      result("Deferred", relay: "mx1.b.example.", dsn: "4.0.0"),
      result("Sent (ok)", dsn: "2.0.0", to: "eve@b.example"),
    ])
    #expect(said[0].contains("ruleset=tls_rcpt") && !said[0].contains("untried"))
    #expect(said[1].contains("encrypted") && !said[1].contains("because"))
  }

  @Test func `the handshake failed and the mail went out in clear`() {
    let said = events([
      "1 sm-mta[9]: STARTTLS=client, error: connect failed=-1, reason=unexpected eof while reading, "
        + "SSL_error=1, errno=32, retry=-1",
      "1 sm-mta[9]: ruleset=tls_server, arg1=SOFTWARE, relay=mx1.b.example, reject=454 4.7.0 TLS "
        + "handshake failed.", result("Sent (ok)", dsn: "2.0.0"),
    ])
    #expect(said[0].contains(" clear ") && said[0].contains("unexpected eof"))
  }

  @Test(arguments: 1...2)
  func `a restart in between forgets nothing`(_ cut: Int) {
    let lines = [
      SendmailTLSJoinTests.failed, SendmailTLSJoinTests.refused,
      result("Deferred: 454 4.7.0 authentication failed"),
      result("Deferred", id: "6229E5kS004712", relay: "mx1.b.example.", dsn: "4.0.0"),
    ]
    let expected = events(lines)
    var log = EventLog { SendmailDialect() }
    var said = log.read(Array(lines.prefix(cut)))
    log.restart()
    said += log.read(Array(lines.dropFirst(cut).prefix(1)))
    log.restart()
    said += log.read(Array(lines.dropFirst(cut + 1)))
    #expect(said == expected)
  }
}
