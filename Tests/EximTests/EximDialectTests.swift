import MailModel
import MailServers
import TestSupport
import Testing

private func events(_ lines: [String]) -> [String] {
  var log = EventLog { EximDialect() }
  return log.read(lines)
}

private func outcome(_ line: String) -> LineOutcome? {
  var log = EventLog { EximDialect() }
  _ = log.read(line)
  return log.outcomes.first
}

/// What Exim's mainlog says, flag by flag.
struct EximDialectTests {
  @Test(arguments: [
    (
      "1xVT0L-0000EY-2R <= hr@a.example H=(app3.a.example) [127.0.0.1] P=esmtp S=1222 "
        + "id=17.0015@a.example T=\"a => b\" for chen@b.example",
      ["arrival 1xVT0L-0000EY-2R opens from <hr@a.example> id <17.0015@a.example> size 1222"]
    ),
    (
      "1vwzLp-000000005mQ-0W7E <= ann@example.com H=app.example.com [192.0.2.5] P=esmtps "
        + "X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no S=1834 id=m1@app.example.com",
      [
        "arrival 1vwzLp-000000005mQ-0W7E opens from <ann@example.com> id <m1@app.example.com> size 1834"
      ]
    ),
    (
      "1xVT0L-0000EY-2R => chen@b.example R=dnslookup T=remote_smtp S=6793 H=mx.b.example "
        + "[198.51.100.7]:25 X=TLS1.3:ECDHE__AES_256_GCM:256 CV=yes DN=\"CN=mx.b.example\" "
        + "C=\"250 2.0.0 Ok: queued as 77\" QT=0s DT=0s",
      [
        "delivered 1xVT0L-0000EY-2R <chen@b.example> via mx.b.example [198.51.100.7]:25 "
          + "authenticated (250 2.0.0 Ok: queued as 77)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R -> eve@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.7] "
        + "X=TLS1.2:X:256 CV=no C=\"250 ok\"",
      [
        "delivered 1xVT0L-0000EY-2R <eve@b.example> via mx.b.example [198.51.100.7] encrypted (250 ok)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R => bob <bob@a.example> R=local_user T=mail_spool",
      ["delivered 1xVT0L-0000EY-2R <bob@a.example>"]
    ),
    (
      "1xVT0L-0000EY-2R >> eve@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.7] "
        + "C=\"250 ok\"",
      ["delivered 1xVT0L-0000EY-2R <eve@b.example> via mx.b.example [198.51.100.7] clear (250 ok)"]
    ),
    (
      "1xYBrY-00005g-2m == finn.11a@b.example R=dnslookup T=remote_smtp defer (-37) "
        + "H=mail1.b.example DS [198.18.1.136]:25 I=[198.18.0.0]:58354 DT=0.029s: TLS session: "
        + "(certificate verification failed): certificate invalid",
      [
        "deferred 1xYBrY-00005g-2m <finn.11a@b.example> via mail1.b.example [198.18.1.136]:25 "
          + "(TLS session: (certificate verification failed): certificate invalid)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R == chen@b.example R=dnslookup T=remote_smtp defer (-37) "
        + "H=mx.b.example [198.51.100.7]: TLS session: (certificate verification failed): "
        + "certificate invalid",
      [
        "deferred 1xVT0L-0000EY-2R <chen@b.example> via mx.b.example [198.51.100.7] "
          + "(TLS session: (certificate verification failed): certificate invalid)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R == chen@b.example R=dnslookup T=remote_smtp defer (-54): retry time not "
        + "reached for any host for 'b.example'",
      [
        "deferred 1xVT0L-0000EY-2R <chen@b.example> untried (retry time not reached for any host "
          + "for 'b.example')"
      ]
    ),
    // From 4.99 on the message of a failure follows " : ".
    (
      "1xVT0L-0000EY-2R ** chen@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.7] : "
        + "SMTP error from remote mail server after RCPT TO:<chen@b.example>: 550 5.1.1 no such user",
      [
        "bounced 1xVT0L-0000EY-2R <chen@b.example> via mx.b.example [198.51.100.7] 5.1.1 (SMTP error "
          + "from remote mail server after RCPT TO:<chen@b.example>: 550 5.1.1 no such user)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R ** chen@b.example: retry timeout exceeded",
      ["expired 1xVT0L-0000EY-2R <chen@b.example> untried (retry timeout exceeded)"]
    ),
    (
      "1xVT0W-0000LD-0H ** gita@c.example F=<o@a.example>: Unrouteable address DT=0s",
      ["bounced 1xVT0W-0000LD-0H <gita@c.example> untried (Unrouteable address)"]
    ),
    // Programs and mailboxes here: nobody is connected to, and yet they were asked.
    (
      "1xVT0L-0000EY-2R == |/usr/bin/vacation -a bob <bob@a.example> R=userforward T=address_pipe "
        + "defer (0): Child process of address_pipe transport returned 75 (could mean temporary "
        + "error) from command: /usr/bin/vacation",
      [
        "deferred 1xVT0L-0000EY-2R <bob@a.example> (Child process of address_pipe transport returned "
          + "75 (could mean temporary error) from command: /usr/bin/vacation)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R ** |/usr/bin/filter \"-x y\" <bob@a.example> F=<o@c.example> R=pipe "
        + "T=address_pipe: Child process of address_pipe transport returned 69 (could mean service "
        + "or program unavailable) from command: /usr/bin/filter",
      [
        "bounced 1xVT0L-0000EY-2R <bob@a.example> (Child process of address_pipe transport returned "
          + "69 (could mean service or program unavailable) from command: /usr/bin/filter)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R => /home/bob/my mail/in <bob@a.example> R=userforward T=address_file",
      ["delivered 1xVT0L-0000EY-2R <bob@a.example>"]
    ),
    (
      "1xVT0L-0000EY-2R == bob@a.example R=virtual T=dovecot_lmtp defer (-18) : Failed to connect to "
        + "socket /run/dovecot/lmtp for dovecot_lmtp transport: Connection refused",
      [
        "deferred 1xVT0L-0000EY-2R <bob@a.example> (Failed to connect to socket /run/dovecot/lmtp for "
          + "dovecot_lmtp transport: Connection refused)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R == bob@a.example R=virtual T=dovecot_lmtp defer (-44): LMTP error from "
        + "dovecot_lmtp after RCPT TO:<bob@a.example>: 452 4.2.2 Quota exceeded",
      [
        "deferred 1xVT0L-0000EY-2R <bob@a.example> 4.2.2 (LMTP error from dovecot_lmtp after RCPT "
          + "TO:<bob@a.example>: 452 4.2.2 Quota exceeded)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R == bob <bob@a.example> R=local_user T=local_delivery defer (-52): Retry time "
        + "not yet reached",
      ["deferred 1xVT0L-0000EY-2R <bob@a.example> untried (Retry time not yet reached)"]
    ),
    (
      "1xVT0L-0000EY-2R ** bob@a.example R=virtual T=dovecot_lmtp: LMTP error from dovecot_lmtp after "
        + "RCPT TO:<bob@a.example>: 550 5.1.1 no such user",
      [
        "bounced 1xVT0L-0000EY-2R <bob@a.example> 5.1.1 (LMTP error from dovecot_lmtp after RCPT "
          + "TO:<bob@a.example>: 550 5.1.1 no such user)"
      ]
    ),
    (
      "1xVT0L-0000EY-2R == bob@a.example R=virtual defer (-1): failed to expand router data",
      ["deferred 1xVT0L-0000EY-2R <bob@a.example> (failed to expand router data)"]
    ),
    ("1xVT0L-0000EY-2R Completed", ["ended 1xVT0L-0000EY-2R"]),
    ("1xVT0L-0000EY-2R Completed QT=15m3s", ["ended 1xVT0L-0000EY-2R"]),
    ("Start queue run: pid=77", ["marker queueRun"]), ("End queue run: pid=77", []),
    (
      "exim 4.96 daemon started: pid=1, -q30m, listening for SMTP on port 25 (IPv4)",
      ["marker started"]
    ),
    ("SIGHUP received: re-exec daemon", ["marker reloaded"]),
    (
      "TLS error on connection from mx.b.example [198.51.100.7] (gnutls_handshake): A TLS fatal "
        + "alert has been received.",
      [
        "session failure: TLS error on connection from mx.b.example [198.51.100.7] "
          + "(gnutls_handshake): A TLS fatal alert has been received."
      ]
    ),
    ("1xVT0L-0000EY-2R H=mx.b.example [198.51.100.7] Connection refused", []),
  ])
  func `a line says`(_ text: String, _ expected: [String]) {
    #expect(events(["0 -: \(text)"]) == expected)
    #expect(outcome("0 -: \(text)") == .understood)
  }

  @Test(arguments: [
    "Frozen (delivery error message)", "Frozen", "Frozen (message created with -f <>)",
    "Frozen by the system filter", "Frozen by the system filter: too many recipients",
    "Message is frozen", "frozen by root", "frozen by ACL", "frozen by local_scan()",
  ])
  func `a message that is frozen is held`(_ words: String) {
    #expect(events(["0 -: 1xVT0L-0000EY-2R \(words)"]) == ["held 1xVT0L-0000EY-2R"])
    #expect(outcome("0 -: 1xVT0L-0000EY-2R \(words)") == .understood)
  }

  @Test(arguments: [
    "Unfrozen by forced delivery", "Unfrozen by auto-thaw", "Unfrozen by errmsg timer",
    "unfrozen by root", "unfrozen by Debian-exim", "cancelled by timeout_frozen_after",
    "cancelled by root", "removed by root",
  ])
  func `a message that is thawed or given up is held no longer`(_ words: String) {
    #expect(events(["0 -: 1xVT0L-0000EY-2R \(words)"]) == ["released 1xVT0L-0000EY-2R"])
    #expect(outcome("0 -: 1xVT0L-0000EY-2R \(words)") == .understood)
  }

  @Test func `a frozen message that is given up for its age has expired`() {
    let said = events([
      "1 -: 1xVT0L-0000EY-2R cancelled by timeout_frozen_after",
      "1 -: 1xVT0L-0000EY-2R ** chen@b.example: delivery cancelled; message timed out",
      "1 -: 1xVT0M-0000EY-2R ** chen@b.example: delivery cancelled by administrator",
    ])
    #expect(
      said.dropFirst() == [
        "expired 1xVT0L-0000EY-2R <chen@b.example> untried (delivery cancelled; message timed out)",
        "bounced 1xVT0M-0000EY-2R <chen@b.example> untried (delivery cancelled by administrator)",
      ]
    )
  }

  @Test(arguments: [
    "2026-03-02 09:14:05 ", "2026-03-02 09:14:05.123 ", "2026-03-02 09:14:05.123 +0100 ",
    "2026-03-02 09:14:05 +0100 [1234] ", "",
  ])
  func `through syslog a line brings its own stamp, or none`(_ stamp: String) {
    #expect(
      events(["0 exim[4]: \(stamp)1xVT0L-0000EY-2R Completed"]) == ["ended 1xVT0L-0000EY-2R"]
    )
  }

  @Test func `a failure that is told before its result joins it`() {
    let said = events([
      "1 -: 1xVT0H-0000D3-11 H=mx.b.example [198.51.100.7]: a TLS session is required, but an "
        + "attempt to start TLS failed",
      "1 -: 1xVT0H-0000D3-11 == gita@b.example R=dnslookup T=remote_smtp defer (-38) "
        + "H=mx.b.example [198.51.100.7]: a TLS session is required, but an attempt to start TLS "
        + "failed",
    ])
    #expect(said.count == 1)
    #expect(
      said.first?.hasSuffix(
        "because H=mx.b.example [198.51.100.7]: a TLS session is required, "
          + "but an attempt to start TLS failed"
      ) == true
    )
  }

  @Test func `a handshake that fails before a delivery in clear is recorded as that`() {
    let cause =
      "TLS session: (gnutls_handshake): Handshake failed: delivering unencrypted to "
      + "H=mx.b.example [198.51.100.7] (not in hosts_require_tls)"
    let said = events([
      "1 -: 1xVT8E-0000D3-0h \(cause)",
      "1 -: 1xVT8E-0000D3-0h => dora@b.example R=dnslookup T=remote_smtp H=mx.b.example "
        + "[198.51.100.7] C=\"250 ok\"",
    ])
    #expect(
      said == [
        "delivered 1xVT8E-0000D3-0h <dora@b.example> via mx.b.example [198.51.100.7] clear (250 ok) "
          + "because \(cause)"
      ]
    )
  }

  @Test func `a peer that closes without a goodbye after a delivery is no failure`() {
    let said = events([
      "1 -: 1xVT8E-0000D3-0h H=mx.b.example [198.51.100.7] TLS error on connection (recv): The TLS "
        + "connection was non-properly terminated.",
      "1 -: 1xVT8E-0000D3-0h == dora@b.example R=dnslookup T=remote_smtp defer (-44) "
        + "H=mx.b.example [198.51.100.7]: SMTP error from remote mail server after RCPT "
        + "TO:<dora@b.example>: 450 4.7.1 greylisted",
    ])
    #expect(said.first?.contains("because") == false)
    #expect(said.first?.contains(" 4.7.1 ") == true)
  }

  @Test func `a notice is an NDR after a failure and a delay warning without one`() {
    let failed = events([
      "1 -: 1xVT0W-0000LD-0H ** gita@c.example: retry timeout exceeded",
      "1 -: 1xVT0W-0000LR-0h <= <> R=1xVT0W-0000LD-0H U=Debian-exim P=local S=2137 for o@a.example",
    ])
    #expect(failed.last == "nonDelivery of 1xVT0W-0000LD-0H is 1xVT0W-0000LR-0h")
    let waiting = events([
      "1 -: 1xVT0W-0000LR-0h <= <> R=1xVT0W-0000LD-0H U=Debian-exim P=local S=2137 for o@a.example"
    ])
    #expect(waiting.last == "delay of 1xVT0W-0000LD-0H is 1xVT0W-0000LR-0h")
  }

  @Test(arguments: ["1xVT0L-0000EY-2R ~~ the moon is full", "~~ the moon is full"])
  func `a line of no known shape is counted as not understood`(_ text: String) {
    #expect(outcome("0 exim[4]: \(text)") == .notUnderstood)
  }
}
