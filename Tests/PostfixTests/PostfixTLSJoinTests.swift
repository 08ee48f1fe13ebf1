import MailServers
import TestSupport
import Testing

private func events(_ lines: [String]) -> [String] {
  var log = EventLog { PostfixDialect() }
  return log.read(lines)
}

/// TLS lines name no message: they are joined to the result that they explain.
struct PostfixTLSJoinTests {
  private static let peer = "mx.example.net[198.51.100.7]:25"

  private func result(
    _ pid: Int,
    id: String = "1E24040003",
    at seconds: Int = 2,
    peer: String = PostfixTLSJoinTests.peer,
    uses: String = "",
    _ end: String = "dsn=4.7.5, status=deferred (Server certificate not verified)"
  ) -> String {
    "\(seconds) postfix/smtp[\(pid)]: \(id): to=<bob@example.net>, relay=\(peer),\(uses) delay=1, "
      + "delays=0/0/1/0, \(end)"
  }

  private let failure = "certificate verification failed for \(peer): self-signed certificate"

  @Test func `by process, peer and time`() {
    let said = events(["1 postfix/smtp[2211]: \(failure)", result(2211)])
    #expect(
      said == [
        "deferred 1E24040003 <bob@example.net> via \(PostfixTLSJoinTests.peer) 4.7.5 clear "
          + "(Server certificate not verified) because \(failure)"
      ]
    )
  }

  @Test(arguments: [
    // Another process.
    (2212, PostfixTLSJoinTests.peer, 2),
    // Another peer.
    (2211, "mx2.example.net[198.51.100.8]:25", 2),
    // Later than Postfix waits for a handshake.
    (2211, PostfixTLSJoinTests.peer, 302),
  ])
  func `what another session said explains nothing`(_ pid: Int, _ peer: String, _ seconds: Int) {
    let said = events([
      "1 postfix/smtp[2211]: \(failure)", result(pid, at: seconds, peer: peer),
    ])
    #expect(said.count == 1)
    #expect(!(said.first?.contains("because") ?? true))
  }

  @Test func `once: a second message over a new session starts anew`() {
    let said = events([
      "1 postfix/smtp[2211]: \(failure)", result(2211),
      result(2211, id: "2F35151114", at: 9, "dsn=4.4.2, status=deferred (lost connection)"),
    ])
    #expect(said.count == 2)
    #expect(said.last?.contains("because") == false)
  }

  @Test func `all recipients of one message share the session`() {
    let said = events([
      "1 postfix/smtp[2211]: \(failure)", result(2211),
      result(2211).replacing("bob@", with: "eve@"),
    ])
    #expect(said.count == 2)
    #expect(said.allSatisfy { $0.hasSuffix("because \(failure)") })
  }

  @Test func `a reused connection keeps its protection`() {
    let sent = "dsn=2.0.0, status=sent (250 ok)"
    let said = events([
      "1 postfix/smtp[9]: Untrusted TLS connection established to \(PostfixTLSJoinTests.peer): "
        + "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
      result(9, sent), result(9, id: "2F35151114", at: 3, uses: " conn_use=2,", sent),
    ])
    #expect(said.count == 2)
    #expect(said.allSatisfy { $0.contains(" encrypted ") })
  }

  @Test func `a verified session is authenticated`() {
    let said = events([
      "1 postfix/smtp[9]: Verified TLS connection established to \(PostfixTLSJoinTests.peer): "
        + "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
      result(9, "dsn=2.0.0, status=sent (250 ok)"),
    ])
    #expect(said.first?.contains(" authenticated ") == true)
  }

  @Test(
    arguments: [
      "mail.a.example[private/dovecot-lmtp]", "127.0.0.1[127.0.0.1]:10024", "localhost[::1]:10025",
    ]
  ) func `what stays on this machine did not go out in clear`(relay: String) {
    let said = events([
      "1 postfix/smtp[9]: Untrusted TLS connection established to \(PostfixTLSJoinTests.peer): "
        + "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
      result(12, "dsn=2.0.0, status=sent (250 ok)")
        .replacing(PostfixTLSJoinTests.peer, with: relay),
    ])
    #expect(said.count == 1)
    #expect(said.first?.contains(" via \(relay) ") == true)
    #expect(said.first?.contains(" clear ") == false)
  }

  @Test func `a smarthost's tunnel on a loopback address is a next hop as any other`() {
    let said = events([
      "1 postfix/smtp[9]: Untrusted TLS connection established to \(PostfixTLSJoinTests.peer): "
        + "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
      result(12, "dsn=2.0.0, status=sent (250 ok)")
        .replacing(PostfixTLSJoinTests.peer, with: "relay.example[127.0.0.1]:25"),
    ])
    #expect(said.first?.contains(" clear ") == true)
  }

  @Test func `a handshake that fails before a delivery in clear is recorded as that`() {
    let error = "SSL_connect error to \(PostfixTLSJoinTests.peer): -1"
    let library =
      "warning: TLS library problem: error:0A000410:SSL routines::sslv3 alert handshake failure:"
      + "ssl/record/rec_layer_s3.c:1602:SSL alert number 40:"
    let said = events([
      "1 postfix/smtp[9]: \(error)", "1 postfix/smtp[9]: \(library)",
      "1 postfix/smtp[9]: 1E24040003: Cannot start TLS: handshake failure",
      result(9, "dsn=2.0.0, status=sent (250 ok)"),
    ])
    #expect(said.count == 1)
    #expect(said.first?.hasPrefix("delivered 1E24040003") == true)
    #expect(said.first?.contains(" clear ") == true)
    #expect(said.first?.contains("SSL alert number 40") == true)
    #expect(said.first?.contains("Cannot start TLS: handshake failure") == true)
  }

  @Test func `what failed at one recipient's host says nothing of the message's other recipients`()
  {
    let said = events([
      "1 postfix/smtp[9]: SSL_connect error to \(PostfixTLSJoinTests.peer): -1",
      "1 postfix/smtp[9]: 1E24040003: Cannot start TLS: handshake failure",
      "2 postfix/smtp[8]: certificate verification failed for mx.b.example[192.0.2.1]:25: not yet valid",
      result(8, peer: "mx.b.example[192.0.2.1]:25"), result(9, "dsn=2.0.0, status=sent (250 ok)"),
    ])
    #expect(said.count == 2)
    #expect(said.first?.contains("because certificate verification failed") == true, "\(said)")
    #expect(said.first?.contains("SSL_connect") == false)
    #expect(said.last?.contains("because SSL_connect error") == true)
  }

  @Test func `tlsproxy is another process: by peer and time`() {
    let said = events([
      "1 postfix/tlsproxy[77]: CONNECT to [198.51.100.7]:25",
      "1 postfix/tlsproxy[77]: \(failure)",
      "1 postfix/tlsproxy[77]: DISCONNECT [198.51.100.7]:25", result(2211),
    ])
    #expect(said.first?.hasSuffix("because \(failure)") == true)
  }

  /// Lines as a Postfix 3.7 with smtp_tls_connection_reuse = yes logs them.
  @Test func `tlsproxy's lines without a peer belong to the peer that it names next`() {
    let library =
      "warning: TLS library problem: error:0A00042E:SSL routines::tlsv1 alert protocol version:"
      + "../ssl/record/rec_layer_s3.c:1601:SSL alert number 70:"
    let said = events([
      "1 postfix/tlsproxy[77]: CONNECT to [198.51.100.7]:25",
      "1 postfix/tlsproxy[77]: CONNECT to [198.51.100.9]:25",
      "2 postfix/tlsproxy[77]: server certificate verification failed for "
        + "mx9.example.net[198.51.100.9]:25: certificate has expired",
      "2 postfix/tlsproxy[77]: Untrusted TLS connection established to "
        + "mx9.example.net[198.51.100.9]:25: TLSv1.3 with cipher X (256/256 bits)",
      "2 postfix/tlsproxy[77]: \(library)",
      "2 postfix/tlsproxy[77]: TLS handshake failed for service=smtp peer=[198.51.100.7]:25",
      "2 postfix/tlsproxy[77]: DISCONNECT [198.51.100.7]:25",
      "2 postfix/smtp[5]: Untrusted TLS connection established to "
        + "mx9.example.net[198.51.100.9]:25: TLSv1.3 with cipher X (256/256 bits)",
      result(2211),
      "2 postfix/smtp[5]: 1E24040004: to=<bob@example.net>, "
        + "relay=mx9.example.net[198.51.100.9]:25, delay=1, delays=0/0/1/0, dsn=4.7.5, "
        + "status=deferred (Server certificate not verified)",
    ])
    #expect(said.count == 2)
    #expect(said.first?.hasSuffix("because \(library)") == true)
    #expect(said.last?.contains("certificate has expired") == true)
    #expect(said.last?.contains("protocol version") == false)
  }

  @Test func `an alert after tlsproxy's handshake is the cause of the lost connection`() {
    let library =
      "warning: TLS library problem: error:0A000418:SSL routines::tlsv1 alert unknown ca:"
      + "../ssl/record/rec_layer_s3.c:1601:SSL alert number 48:"
    let said = events([
      "1 postfix/tlsproxy[77]: Trusted TLS connection established to "
        + "mx.example.net[198.51.100.7]:25: TLSv1.3 with cipher X (256/256 bits)",
      "1 postfix/smtp[2211]: Trusted TLS connection established to "
        + "mx.example.net[198.51.100.7]:25: TLSv1.3 with cipher X (256/256 bits)",
      "1 postfix/tlsproxy[77]: \(library)",
      "1 postfix/tlsproxy[77]: DISCONNECT [198.51.100.7]:25",
      result(
        2211,
        "dsn=4.4.2, status=deferred (lost connection with mx.example.net[198.51.100.7] while "
          + "performing the EHLO handshake)"
      ),
    ])
    #expect(said.first?.hasSuffix("because \(library)") == true)
  }

  @Test func `a failure that tlsproxy told of does not stick to mail delivered later`() {
    let said = events([
      "1 postfix/tlsproxy[77]: TLS handshake failed for service=smtp peer=[198.51.100.7]:25",
      "1 postfix/tlsproxy[77]: DISCONNECT [198.51.100.7]:25", result(2211),
      // Its twin, tried at the same time.
      result(2212, id: "1E24040004"),
      result(2213, id: "1E24040005", "dsn=2.0.0, status=sent (250 ok)"),
      result(2214, at: 40, "dsn=2.0.0, status=sent (250 ok)"),
    ])
    #expect(said.count == 4)
    #expect(said.last?.contains("because") == false)
    #expect(said[0].contains("because TLS handshake failed for service=smtp"))
    #expect(said[1].contains("because TLS handshake failed for service=smtp"))
    #expect(!said[2].contains("because"))
  }

  @Test func `a host that failed before the next was tried is part of the cause`() {
    let said = events([
      "1 postfix/smtp[9]: certificate verification failed for mx1.example.net[198.51.100.6]:25: "
        + "certificate has expired",
      "1 postfix/smtp[9]: 1E24040003: Server certificate not verified",
      "2 postfix/smtp[9]: connect to mx2.example.net[198.51.100.8]:25: Connection refused",
      "2 postfix/smtp[9]: 1E24040003: to=<bob@example.net>, relay=none, delay=1, delays=0/0/1/0, "
        + "dsn=4.4.1, status=deferred (connect to mx2.example.net[198.51.100.8]:25: "
        + "Connection refused)",
    ])
    #expect(said.first?.contains("certificate has expired") == true)
    #expect(said.first?.contains("Server certificate not verified") == true)
  }

  @Test func `what is repeated for a suspended destination takes no session`() {
    let said = events([
      "1 postfix/smtp[9]: \(failure)",
      "2 postfix/error[9]: 1E24040003: to=<bob@example.net>, relay=none, delay=1, delays=1/0/0/0, "
        + "dsn=4.7.5, status=deferred (delivery temporarily suspended: Server certificate not "
        + "verified)",
    ])
    #expect(said.first?.contains("untried") == true)
    #expect(said.first?.contains("because") == false)
  }

  @Test func `the join survives a restart of ours`() {
    var log = EventLog { PostfixDialect() }
    _ = log.read("1 postfix/smtp[2211]: \(failure)")
    log.restart()
    #expect(log.read(result(2211)).first?.hasSuffix("because \(failure)") == true)
  }

  @Test func `memory stays bounded whatever the log says`() {
    var log = EventLog { PostfixDialect() }
    for pid in 0..<20_000 {
      _ = log.read("1 postfix/smtp[\(pid)]: certificate verification failed for h[192.0.2.1]:25: x")
      _ = log.read("1 postfix/smtp[\(pid)]: \(String(pid + 0x10_0000, radix: 16).uppercased()): y")
    }
    let end = log.read(
      "2 postfix/smtp[19999]: 11FFFFF: to=<b@b.example>, relay=h[192.0.2.1]:25, "
        + "delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)"
    )
    #expect(end.count == 1)
  }
}
