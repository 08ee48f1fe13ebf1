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
    (
      "6229E5kR004711: 6229E5kS004712: return to sender: Cannot send message for 5 days",
      [
        "arrival 6229E5kS004712 from <> was 6229E5kR004711",
        "nonDelivery of 6229E5kR004711 is 6229E5kS004712", "expired 6229E5kR004711",
        "marker statedLifetime",
      ]
    ),
    (
      "6229E5kR004711: 6229E5kS004712: postmaster notify: User unknown",
      [
        "arrival 6229E5kS004712 from <> was 6229E5kR004711",
        "nonDelivery of 6229E5kR004711 is 6229E5kS004712",
      ]
    ),
    (
      "6229E5kR004711: 6229E5kS004712: DSN: Return receipt",
      [
        "arrival 6229E5kS004712 from <> was 6229E5kR004711",
        "success of 6229E5kR004711 is 6229E5kS004712",
      ]
    ),
    (
      "starting daemon (8.17.1.9): SMTP+queueing@00:10:00",
      ["marker started", "marker statedQueueInterval"]
    ),
    ("starting daemon (8.15.2): SMTP", ["marker started"]),
    // Over-long lists are cut; each part is a line of its own.
    (
      "6229E5kR004711: to=<bob@b.example>,<eve@b.example>, [more], delay=00:00:01, xdelay=00:00:01, "
        + "mailer=esmtp, pri=1, \(relay), dsn=2.0.0, stat=Sent (ok)",
      [
        "delivered 6229E5kR004711 <bob@b.example> via mx.b.example. [198.51.100.7] 2.0.0 (Sent (ok))",
        "delivered 6229E5kR004711 <eve@b.example> via mx.b.example. [198.51.100.7] 2.0.0 (Sent (ok))",
      ]
    ),
    // Mailboxes of this machine, through an alias.
    (
      "6229E5kR004711: to=bob, ctladdr=<office@a.example> (1000/1000), delay=00:00:01, "
        + "xdelay=00:00:00, mailer=local, pri=30507, dsn=2.0.0, stat=Sent",
      ["delivered 6229E5kR004711 <bob> 2.0.0 (Sent)"]
    ),
    (
      "6229E5kR004711: to=\"|/usr/bin/filter -a, -b\", delay=00:00:00, xdelay=00:00:00, "
        + "mailer=prog, pri=30507, dsn=5.3.0, stat=unknown mailer error 1",
      ["bounced 6229E5kR004711 <\"|/usr/bin/filter -a, -b\"> 5.3.0 (unknown mailer error 1)"]
    ),
    // Queued without an attempt: by the delivery mode, or because its name servers do not answer.
    (
      "6229E5kR004711: to=<bob@b.example>, delay=00:00:00, mailer=esmtp, pri=31132, dsn=4.4.3, "
        + "stat=queued",
      ["deferred 6229E5kR004711 <bob@b.example> untried 4.4.3 (queued)"]
    ),
    (
      "6229E5kR004711: to=<bob@b.example>, delay=00:00:00, mailer=esmtp, pri=31132, "
        + "quarantine=looks odd, stat=quarantined",
      [
        "deferred 6229E5kR004711 <bob@b.example> untried (quarantined)", "held 6229E5kR004711",
      ]
    ),
    ("6229E5kR004711: quarantine=looks odd", ["held 6229E5kR004711"]),
    (
      "6229E5kR004711: to=<bob@b.example>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, "
        + "relay=b.example, dsn=5.1.2, stat=Host unknown (Name server: b.example: host not found)",
      [
        "bounced 6229E5kR004711 <bob@b.example> untried via b.example 5.1.2 "
          + "(Host unknown (Name server: b.example: host not found))"
      ]
    ),
    // What the submission program gives to the daemon of its own machine was not tried there.
    (
      "6229E5AB004700: to=bob@b.example, ctladdr=root (0/0), delay=00:00:00, xdelay=00:00:00, "
        + "mailer=relay, pri=30093, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, "
        + "stat=Sent (6229E5kR004711 Message accepted for delivery)",
      [
        "delivered 6229E5AB004700 <bob@b.example> untried via [127.0.0.1] [127.0.0.1] 2.0.0 "
          + "(Sent (6229E5kR004711 Message accepted for delivery))"
      ]
    ),
    // An older message is tried again: a queue run is under way. A slow first attempt is none.
    (
      "6229E5kR004711: to=<bob@b.example>, delay=00:02:20, xdelay=00:00:00, mailer=esmtp, pri=1, "
        + "\(relay), dsn=4.4.1, stat=Deferred: Connection refused by mx.b.example.",
      [
        "deferred 6229E5kR004711 <bob@b.example> via mx.b.example. [198.51.100.7] 4.4.1 "
          + "(Deferred: Connection refused by mx.b.example.)", "marker queueRun",
      ]
    ),
    (
      "6229E5kR004711: to=<bob@b.example>, delay=00:02:20, xdelay=00:02:20, mailer=esmtp, pri=1, "
        + "\(relay), dsn=4.4.1, stat=Deferred: Connection timed out with mx.b.example.",
      [
        "deferred 6229E5kR004711 <bob@b.example> via mx.b.example. [198.51.100.7] 4.4.1 "
          + "(Deferred: Connection timed out with mx.b.example.)"
      ]
    ),
    (
      "6229E5kR004711: to=<bob@b.example>, delay=00:00:20, xdelay=00:00:01, mailer=esmtp, pri=1, "
        + "ntries=2, \(relay), dsn=4.4.1, stat=Deferred: Connection refused by mx.b.example.",
      [
        "deferred 6229E5kR004711 <bob@b.example> via mx.b.example. [198.51.100.7] 4.4.1 "
          + "(Deferred: Connection refused by mx.b.example.)", "marker queueRun",
      ]
    ),
    // Ids of 8.11 and of 8.9.
    ("f0VNcCd02163: done; delay=00:00:01, ntries=2", ["ended f0VNcCd02163"]),
    (
      "JAA12345: from=<ann@example.com>, size=9, class=0, nrcpts=1, relay=root@localhost",
      ["arrival JAA12345 opens from <ann@example.com> size 9"]
    ),
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

  /// Lines of 8.12 to 8.18 that change nothing, at LogLevel 9 to 15.
  @Test(arguments: [
    "6229E5kR004711: <bob@b.example>... User unknown",
    "6229E5kR004711: lost input channel from app.a.example [192.0.2.5] to MTA-v4 after data",
    "6229E5kR004711: SYSERR(root): timeout writing message to mx.b.example.",
    "6229E5kR004711: timeout waiting for input from mx.b.example. during client greeting",
    "6229E5kR004711: Authentication-Warning: mx1: ann set sender to x@a.example using -f",
    "6229E5kR004711: makeconnection (mx.b.example. [198.51.100.7].25 (2)) failed: refused",
    "6229E5kR004711: Milter: no active filter", "6229E5kR004711: milter=av, action=data, continue",
    "6229E5kR004711: clone 6229E5kT004713, owner=owner-list@a.example",
    "6229E5kR004711: split: count=2, ids=6229E5kU004714,6229E5kV004715",
    "6229E5kR004711: alias <list@a.example> => bob@b.example",
    "6229E5kR004711: collect: premature EOM: Connection reset by app.a.example",
    "6229E5kR004711: discarded", "6229E5kR004711: Losing ./qf6229E5kR004711: savemail panic",
    "6229E5kR004711: ruleset=check_rcpt, arg1=<b@b.example>, relay=x [192.0.2.9], "
      + "reject=550 5.7.1 <b@b.example>... Relaying denied",
    "ruleset=try_tls, arg1=mx.b.example, relay=mx.b.example, reject=550 5.7.1 do not try TLS",
    "ruleset=check_relay, arg1=[192.0.2.9], arg2=192.0.2.9, relay=x [192.0.2.9], reject=421 4.3.2",
    "STARTTLS: read error=generic SSL error (-1), errno=9, retry=99, ssl_err=1",
    "STARTTLS=client, start=ok", "STARTTLS=client, init=1", "STARTTLS: CRLFile missing",
    "STARTTLS: TLS cert verify: depth=0 /CN=x, state=0, reason=self-signed certificate",
    "STARTTLS=server, relay=x [192.0.2.9], version=TLSv1.3, verify=NOT, cipher=x, bits=256/256",
    "tls_clt_features=empty, stat=0, relay=mx.b.example [198.51.100.7]",
    "engine=(null), path=(null), ispre=0, pre=0, initialized=0",
    "AUTH: available mech=PLAIN, allowed mech=PLAIN",
    "NOQUEUE: connect from app.a.example [192.0.2.5]",
    "alias database /etc/mail/aliases rebuilt by root",
    "/etc/mail/aliases: 13 aliases, longest 10 bytes, 145 bytes total",
    "My unqualified host name (mx1) unknown; sleeping for retry",
    "unable to qualify my own domain name (mx1) -- using short name",
    "grew WorkList for /var/spool/mqueue to 2000",
    "rejecting connections on daemon MTA: load average: 20",
    "error: safesasl(/usr/lib/sasl2/Sendmail.conf) failed: No such file or directory",
    "poststats: /var/lib/sendmail/sendmail.st: No such file or directory",
    "daemon invoked without full pathname; kill -1 won't work",
  ])
  func `a line that changes nothing is understood`(_ text: String) {
    #expect(outcome("0 sm-mta[9]: \(text)") == .understood)
    let said = events(["0 sm-mta[9]: \(text)"])
    #expect(said.isEmpty, "\(said)")
  }

  @Test(arguments: ["sm-mta", "sendmail", "sm-msp-queue", "sm-que", "sm-acceptingconnections"])
  func `Sendmail's tags are its own`(_ tag: String) {
    let bytes = Array(tag.utf8)
    let isClaimed = SendmailDialect.claims(tag: bytes.span)
    #expect(isClaimed)
  }

  @Test(arguments: ["postfix/smtp", "exim4", "smtpd", "sm-mtax", "dovecot"])
  func `other programs' tags are not`(_ tag: String) {
    let bytes = Array(tag.utf8)
    let isClaimed = SendmailDialect.claims(tag: bytes.span)
    #expect(!isClaimed)
  }

  @Test func `the submission program's queue runs are not the daemon's`() {
    let said = events(["0 sm-msp-queue[9]: starting daemon (8.17.1.9): queueing@00:20:00"])
    #expect(said == ["marker started"])
  }

  @Test(arguments: ["6229E5kR004711: the moon is full", "the moon is full"])
  func `a line of no known shape is counted as not understood`(_ text: String) {
    #expect(outcome("0 sm-mta[9]: \(text)") == .notUnderstood)
  }
}
