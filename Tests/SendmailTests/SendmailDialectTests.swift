import MailModel
import MailServers
import TestSupport
import Testing

private func events(_ lines: [String]) -> [String] {
  var log = EventLog { SendmailDialect() }
  return log.read(lines)
}

private func outcome(_ line: String) -> LineOutcome? {
  var log = EventLog { SendmailDialect() }
  _ = log.read(line)
  return log.outcomes.first
}

/// What Sendmail logs.
struct SendmailDialectTests {
  private static let relay = "relay=mx.b.example. [198.51.100.7]"

  @Test(arguments: [
    (
      "6229E5kR004711: from=<ann@example.com>, size=1834, class=0, nrcpts=1, "
        + "msgid=<m1@app.example.com>, proto=ESMTP, daemon=MTA, relay=app.example.com [192.0.2.5]",
      ["arrival 6229E5kR004711 opens from <ann@example.com> id <m1@app.example.com> size 1834"]
    ),
    (
      "6229E5kR004711: from=root, size=9, class=0, nrcpts=1, msgid=<m2@a.example>, relay=root@localhost",
      ["arrival 6229E5kR004711 opens from <root> id <m2@a.example> size 9"]
    ),
    (
      "6229E5kR004711: to=<bob@b.example>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, "
        + "pri=121834, \(relay), dsn=2.0.0, stat=Sent (Ok: queued as 77)",
      [
        "delivered 6229E5kR004711 <bob@b.example> via mx.b.example. [198.51.100.7] 2.0.0 "
          + "(Sent (Ok: queued as 77))"
      ]
    ),
    (
      "6229E5kR004711: to=<bob@b.example>,<eve@b.example>, delay=1+02:00:01, xdelay=00:00:01, "
        + "mailer=esmtp, pri=121834, \(relay), dsn=5.1.1, reply=550 5.1.1 no such user, "
        + "stat=User unknown",
      [
        "bounced 6229E5kR004711 <bob@b.example> via mx.b.example. [198.51.100.7] 5.1.1 "
          + "(550 5.1.1 no such user)",
        "bounced 6229E5kR004711 <eve@b.example> via mx.b.example. [198.51.100.7] 5.1.1 "
          + "(550 5.1.1 no such user)",
      ]
    ),
    // A relay without an address was not asked again.
    (
      "6229E5kR004711: to=<bob@b.example>, delay=00:00:09, xdelay=00:00:00, mailer=esmtp, "
        + "pri=1, relay=mx.b.example., dsn=4.0.0, stat=Deferred",
      ["deferred 6229E5kR004711 <bob@b.example> untried via mx.b.example. 4.0.0"]
    ),
    (
      "6229E5kR004711: 6229E5kS004712: sender notify: Warning: could not send message for past 4 hours",
      [
        "arrival 6229E5kS004712 from <> was 6229E5kR004711",
        "delay of 6229E5kR004711 is 6229E5kS004712", "marker statedWarning",
      ]
    ),
    (
      "6229E5kR004711: 6229E5kS004712: DSN: Cannot send message for 5 days",
      [
        "arrival 6229E5kS004712 from <> was 6229E5kR004711",
        "nonDelivery of 6229E5kR004711 is 6229E5kS004712", "expired 6229E5kR004711",
        "marker statedLifetime",
      ]
    ),
    (
      "6229E5kR004711: 6229E5kS004712: DSN: User unknown",
      [
        "arrival 6229E5kS004712 from <> was 6229E5kR004711",
        "nonDelivery of 6229E5kR004711 is 6229E5kS004712",
      ]
    ),
    ("6229E5kR004711: done; delay=00:00:01, ntries=2", ["ended 6229E5kR004711"]),
    ("starting daemon (8.17.1.9): SMTP+queueing@00:10:00", ["marker started"]),
    ("restarting /usr/sbin/sendmail-mta due to signal", ["marker reloaded"]),
    (
      "STARTTLS=server, error: accept failed=-1, reason=tlsv1 alert unknown ca, SSL_error=1, "
        + "errno=0, retry=-1, relay=mx.b.example [198.51.100.7]",
      [
        "session failure: STARTTLS=server, error: accept failed=-1, reason=tlsv1 alert unknown ca, "
          + "SSL_error=1, errno=0, retry=-1, relay=mx.b.example [198.51.100.7]"
      ]
    ),
    ("NOQUEUE: connect from localhost [127.0.0.1]", []),
    ("6229E5kR004711: SMTP outgoing connect on mx.b.example", []),
  ])
  func `a line says`(_ text: String, _ expected: [String]) {
    #expect(events(["0 sm-mta[4711]: \(text)"]) == expected)
    #expect(outcome("0 sm-mta[4711]: \(text)") == .understood)
  }

  @Test func `TLS lines of the process join the result that follows`() {
    let said = events([
      "1 sm-mta[9]: STARTTLS=client, error: connect failed=-1, reason=dh key too small, "
        + "SSL_error=1, errno=0, retry=-1",
      "1 sm-mta[9]: ruleset=tls_server, arg1=SOFTWARE, relay=mx.b.example, reject=403 4.7.0 TLS "
        + "handshake failed.",
      "1 sm-mta[9]: 6229E5kR004711: to=<bob@b.example>, delay=00:00:01, xdelay=00:00:01, "
        + "mailer=esmtp, pri=1, \(SendmailDialectTests.relay), dsn=4.0.0, stat=Deferred: 403 4.7.0 "
        + "TLS handshake failed.",
    ])
    #expect(said.count == 1)
    #expect(
      said.first?.contains(
        "because STARTTLS=client, error: connect failed=-1, reason=dh key "
          + "too small"
      ) == true
    )
  }

  @Test func `TLS lines of another process explain nothing`() {
    let said = events([
      "1 sm-mta[8]: STARTTLS=client, error: connect failed=-1, reason=dh key too small, "
        + "SSL_error=1, errno=0, retry=-1",
      "1 sm-mta[9]: 6229E5kR004711: to=<bob@b.example>, delay=00:00:01, xdelay=00:00:01, "
        + "mailer=esmtp, pri=1, \(SendmailDialectTests.relay), dsn=4.0.0, stat=Deferred: "
        + "Connection refused by mx.b.example.",
    ])
    #expect(said.first?.contains("because") == false)
  }

  @Test func `a certificate that is not verified and not demanded is no failure`() {
    let said = events([
      "1 sm-mta[9]: STARTTLS=client, relay=mx.b.example., version=TLSv1.3, verify=FAIL, "
        + "cipher=TLS_AES_256_GCM_SHA384, bits=256/256",
      "1 sm-mta[9]: 6229E5kR004711: to=<bob@b.example>, delay=00:00:01, xdelay=00:00:01, "
        + "mailer=esmtp, pri=1, \(SendmailDialectTests.relay), dsn=2.0.0, stat=Sent (ok)",
    ])
    #expect(said.first?.contains(" encrypted ") == true)
    #expect(said.first?.contains("because") == false)
  }

  @Test(arguments: ["6229E5kR004711: the moon is full", "the moon is full"])
  func `a line of no known shape is counted as not understood`(_ text: String) {
    #expect(outcome("0 sm-mta[9]: \(text)") == .notUnderstood)
  }
}
