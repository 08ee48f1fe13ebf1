import MailModel
import MailServers
import TestSupport
import Testing

private func outcome(_ line: String) -> LineOutcome? {
  var log = EventLog { PostfixDialect() }
  _ = log.read(line)
  return log.outcomes.first
}

private func events(_ lines: [String]) -> [String] {
  var log = EventLog { PostfixDialect() }
  return log.read(lines)
}

/// What each program of Postfix says, line by line.
struct PostfixDialectTests {
  @Test(arguments: [
    // smtpd opens a message; a short id that comes again is another message.
    (
      "0 postfix/smtpd[2101]: 1E24040003: client=app.example.com[192.0.2.5]",
      ["arrival 1E24040003 opens"]
    ),
    (
      "0 postfix/pickup[8]: 4fPYCK0sf8z3md: uid=0 from=<root@a.example> orig_id=4fPYCK0aa8z3mc",
      ["arrival 4fPYCK0sf8z3md opens from <root@a.example> was 4fPYCK0aa8z3mc"]
    ),
    (
      "0 postfix/pickup[8]: 1E24040003: uid=1000 from=<ann>",
      ["arrival 1E24040003 opens from <ann>"]
    ),
    (
      "0 postfix/cleanup[2105]: 1E24040003: message-id=<m1@app.example.com>",
      ["arrival 1E24040003 id <m1@app.example.com>"]
    ),
    ("0 postfix/cleanup[2105]: 1E24040003: message-id=", ["arrival 1E24040003 id <>"]),
    (
      "0 postfix/cleanup[2105]: 1E24040003: resent-message-id=<m2@app.example.com>",
      ["arrival 1E24040003 id <m2@app.example.com>"]
    ),
    (
      "0 postfix/qmgr[900]: 1E24040003: from=<ann@example.com>, size=1834, nrcpt=2 (queue active)",
      ["arrival 1E24040003 taken up from <ann@example.com> size 1834"]
    ),
    (
      "0 postfix/qmgr[900]: 1E24040003: from=<>, size=9, nrcpt=1 (queue active)",
      ["arrival 1E24040003 taken up from <> size 9"]
    ),
    (
      "0 postfix/qmgr[900]: 1E24040003: from=<ann@example.com>, status=expired, returned to sender",
      ["expired 1E24040003"]
    ),
    (
      "0 postfix/qmgr[900]: 1E24040003: from=<a@b.example>, status=force-expired, returned to sender",
      ["expired 1E24040003 forced"]
    ),
    ("0 postfix/qmgr[900]: 1E24040003: removed", ["ended 1E24040003"]),
    ("0 postfix/qmgr[900]: 4fPYCK0sf8z3md: removed", ["ended 4fPYCK0sf8z3md"]),
    (
      "0 postfix/qmgr[900]: warning: saving corrupt file \"1E24040003\" from queue \"active\" to "
        + "queue \"corrupt\"",
      ["ended 1E24040003"]
    ),
    // Every delivery agent, every status.
    (
      "0 postfix/smtp[2]: 1E24040003: to=<bob@example.net>, relay=mx.example.net[198.51.100.7]:25, "
        + "delay=1.1, delays=0.05/0.01/0.98/0.06, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 77)",
      [
        "delivered 1E24040003 <bob@example.net> via mx.example.net[198.51.100.7]:25 2.0.0 "
          + "(250 2.0.0 Ok: queued as 77)"
      ]
    ),
    (
      "0 postfix/lmtp[2]: 1E24040003: to=<bob@example.net>, orig_to=<postmaster>, "
        + "relay=mail.example.net[private/dovecot-lmtp], delay=1, delays=0/0/0/1, dsn=5.1.1, "
        + "status=bounced (host said: 550 5.1.1 no such user)",
      [
        "bounced 1E24040003 <bob@example.net> via mail.example.net[private/dovecot-lmtp] 5.1.1 "
          + "(host said: 550 5.1.1 no such user)"
      ]
    ),
    // soft_bounce = yes keeps in the queue what would be returned.
    (
      "0 postfix/smtp[2]: 1E24040003: to=<bob@example.net>, relay=mx.example.net[198.51.100.7]:25, "
        + "delay=1, delays=0/0/0/1, dsn=5.1.1, status=SOFTBOUNCE (host mx.example.net[198.51.100.7] "
        + "said: 550 5.1.1 no such user (in reply to RCPT TO command))",
      [
        "deferred 1E24040003 <bob@example.net> via mx.example.net[198.51.100.7]:25 5.1.1 "
          + "(host mx.example.net[198.51.100.7] said: 550 5.1.1 no such user (in reply to RCPT TO "
          + "command))"
      ]
    ),
    (
      "0 postfix/local[2]: 1E24040003: to=<bob@a.example>, relay=local, delay=0.02, "
        + "delays=0.01/0.01/0/0, dsn=2.0.0, status=sent (delivered to mailbox)",
      ["delivered 1E24040003 <bob@a.example> via local 2.0.0 (delivered to mailbox)"]
    ),
    (
      "0 postfix/pipe[2]: 1E24040003: to=<bob@a.example>, relay=filter, delay=0.02, "
        + "delays=0.01/0.01/0/0, dsn=4.3.0, status=deferred (temporary failure)",
      ["deferred 1E24040003 <bob@a.example> via filter 4.3.0 (temporary failure)"]
    ),
    (
      "0 postfix/error[2]: 1E24040003: to=<bob@example.net>, relay=none, delay=9, delays=9/0/0/0, "
        + "dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to "
        + "mx.example.net[198.51.100.7]:25: Connection refused)",
      [
        "deferred 1E24040003 <bob@example.net> untried 4.4.1 (delivery temporarily suspended: "
          + "connect to mx.example.net[198.51.100.7]:25: Connection refused)"
      ]
    ),
    // An address may hold what looks like the end of the field.
    (
      "0 postfix/smtp[2]: 1E24040003: to=<\"a>, relay=x\"@example.net>, relay=none, delay=9, "
        + "delays=9/0/0/0, dsn=4.4.3, status=deferred (Host or domain name not found)",
      ["deferred 1E24040003 <\"a>, relay=x\"@example.net> 4.4.3 (Host or domain name not found)"]
    ),
    // What Postfix tells of the session in the result itself (3.11).
    (
      "0 postfix/smtp[2]: 1E24040003: to=<b@b.example>, relay=mx.b.example[192.0.2.9]:25, delay=1, "
        + "delays=0/0/1/0, tls=may:none, dsn=2.0.0, status=sent (250 ok)",
      ["delivered 1E24040003 <b@b.example> via mx.b.example[192.0.2.9]:25 2.0.0 clear (250 ok)"]
    ),
    (
      "0 postfix/smtp[2]: 1E24040003: to=<b@b.example>, relay=mx.b.example[192.0.2.9]:25, delay=1, "
        + "delays=0/0/1/0, tls=dane/requiretls, dsn=2.0.0, status=sent (250 ok)",
      [
        "delivered 1E24040003 <b@b.example> via mx.b.example[192.0.2.9]:25 2.0.0 authenticated "
          + "(250 ok)"
      ]
    ),
    (
      "0 postfix/smtp[2]: 1E24040003: to=<b@b.example>, relay=mx.b.example[192.0.2.9]:25, delay=1, "
        + "delays=0/0/1/0, tls=!secure, dsn=4.7.5, status=deferred (Server certificate not verified)",
      [
        "deferred 1E24040003 <b@b.example> via mx.b.example[192.0.2.9]:25 4.7.5 "
          + "(Server certificate not verified)"
      ]
    ),
    // Notices are messages of their own.
    (
      "0 postfix/bounce[2]: 1E24040003: sender non-delivery notification: 2F35151114",
      ["nonDelivery of 1E24040003 is 2F35151114", "arrival 2F35151114 from <> was 1E24040003"]
    ),
    (
      "0 postfix/bounce[2]: 1E24040003: sender delay notification: 2F35151114",
      ["delay of 1E24040003 is 2F35151114", "arrival 2F35151114 from <> was 1E24040003"]
    ),
    (
      "0 postfix/trace[2]: 1E24040003: sender delivery status notification: 2F35151114",
      ["success of 1E24040003 is 2F35151114", "arrival 2F35151114 from <> was 1E24040003"]
    ),
    (
      "0 postfix/bounce[2]: 1E24040003: postmaster non-delivery notification: 2F35151114",
      ["arrival 2F35151114 from <> was 1E24040003"]
    ),
    // What an operator does.
    ("0 postfix/postsuper[2]: 1E24040003: placed on hold", ["held 1E24040003"]),
    ("0 postfix/postsuper[2]: 1E24040003: released from hold", ["released 1E24040003"]),
    ("0 postfix/postsuper[2]: 1E24040003: requeued", ["ended 1E24040003"]),
    ("0 postfix/postsuper[2]: 1E24040003: removed", ["ended 1E24040003"]),
    (
      "0 postfix/cleanup[2]: 1E24040003: hold: header Subject: x from a[192.0.2.5]",
      ["held 1E24040003"]
    ),
    // Mail that is turned away at its end never reaches the queue.
    (
      "0 postfix/cleanup[9]: 1E24040003: milter-reject: END-OF-MESSAGE from a[192.0.2.5]: 4.7.1 "
        + "Service unavailable - try again later; from=<a@b.example> to=<c@d.example> proto=ESMTP",
      ["ended 1E24040003"]
    ),
    (
      "0 postfix/cleanup[9]: 1E24040003: reject: header Subject: x from a[192.0.2.5]; 5.7.1 no",
      ["ended 1E24040003"]
    ),
    ("0 postfix/cleanup[9]: 1E24040003: discard: body x from local", ["ended 1E24040003"]),
    ("0 postfix/cleanup[9]: 1E24040003: warning: header Subject: x from local", []),
    ("0 postfix/master[1]: daemon started -- version 3.7.11", ["marker started"]),
    (
      "0 postfix/master[1]: reload -- version 3.7.11, configuration /etc/postfix",
      ["marker reloaded"]
    ),
    ("0 postfix/postfix-script[1]: refreshing the Postfix mail system", ["marker reloaded"]),
    ("0 postfix/master[1]: terminating on signal 15", ["marker stopped"]),
    // The receiving side names no message.
    (
      "0 postfix/smtpd[2]: SSL_accept error from mx.b.example[192.0.2.9]: -1",
      ["session failure: SSL_accept error from mx.b.example[192.0.2.9]: -1"]
    ),
    // Address probes are no mail.
    (
      "0 postfix/anvil[2]: statistics: max connection rate 1/60s for (smtp:192.0.2.5) at Mar  2",
      []
    ),
  ])
  func `a line says`(_ line: String, _ expected: [String]) {
    #expect(events([line]) == expected)
    #expect(outcome(line) == .understood)
  }

  @Test(arguments: [
    ("relay/smtp", true), ("enforced-tls-smtp/smtp", true), ("postfix-out/smtp", true),
    ("postfix/submission/smtpd", true), ("postfix/nqmgr", true), ("smtp", false),
    ("dovecot", false), ("postfix/unknown", false), ("opendkim", false),
  ])
  func `lines are told by the program behind the last slash, whatever the instance is called`(
    _ tag: String,
    _ isOurs: Bool
  ) {
    let bytes = Array(tag.utf8)
    let isClaimed = PostfixDialect.claims(tag: bytes.span)
    #expect(isClaimed == isOurs)
    let line =
      "0 \(tag)[2]: 1E24040003: to=<b@b.example>, relay=none, delay=9, delays=9/0/0/0, "
      + "dsn=4.4.3, status=deferred (x)"
    if tag.hasSuffix("/smtp") {
      #expect(events([line]) == ["deferred 1E24040003 <b@b.example> 4.4.3 (x)"])
    }
  }

  @Test(arguments: [
    "0 postfix/smtp[2]: the moon is full",
    "0 postfix/qmgr[2]: 1E24040003: something new happened",
    "0 postfix/smtp[2]: 1E24040003: to=<b@b.example>, relay=none, delay=9",
  ])
  func `a line of no known shape is counted as not understood`(_ line: String) {
    #expect(outcome(line) == .notUnderstood)
    #expect(events([line]).isEmpty)
  }

  @Test func `an address probe is no delivery`() {
    let line =
      "0 postfix/smtp[2]: 1E24040003: to=<b@b.example>, relay=mx[192.0.2.9]:25, delay=1, "
      + "delays=0/0/1/0, dsn=2.1.5, status=deliverable (250 2.1.5 Ok)"
    #expect(events([line]).isEmpty)
  }
}
