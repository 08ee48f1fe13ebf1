import MailModel
import Testing

@testable import MailServers

/// What to do, in Postfix's own language: one destination, least weakening first, and the way back.
struct PostfixRemedyTests {
  private static let now = Timestamp(seconds: 1_772_442_845)
  private static let fingerprint = String(repeating: "ab12", count: 16)

  private func remedies(
    _ failureClass: FailureClass,
    level: TLSLevel = .encrypt,
    pinned: Bool = true,
    queueIDs: [String] = ["4fPYCK0sf8z3md"],
    settings: String = "compatibility_level = 3.6\n"
  ) throws -> [Remedy] {
    let domain = try #require(HostName("b-1.example"))
    let main = ConfigurationFile(
      path: "/etc/postfix/main.cf",
      bytes: Array((settings + "smtp_tls_policy_maps = hash:/etc/postfix/tls_policy\n").utf8)
    )
    return Postfix().remedies(
      for: RemedyRequest(
        domain: domain,
        nextHops: [try #require(HostName("mx.b-1.example"))],
        failureClass: failureClass,
        responsible: .remote,
        policy: TLSPolicy(level: level, origin: .everyone),
        configuration: PostfixConfiguration([main]),
        certificateNames: [try #require(HostName("mail.hoster.example"))],
        certificateFingerprint: pinned ? PostfixRemedyTests.fingerprint : nil,
        waitingQueueIDs: queueIDs,
        validUntil: PostfixRemedyTests.now.advanced(bySeconds: 14 * 86_400),
        now: PostfixRemedyTests.now
      )
    )
  }

  private static let failures = FailureClass.allCases.filter(\.isTLS)

  @Test(arguments: failures)
  func `each remedy is for one destination, whole, and can be taken back`(
    _ failureClass: FailureClass
  ) throws {
    let remedies = try remedies(failureClass)
    #expect(remedies.map(\.weakens) == remedies.map(\.weakens).sorted())
    for remedy in remedies {
      #expect(remedy.title.contains("b-1.example"))
      #expect(remedy.configuration.contains("\nb-1.example "), "\(remedy.configuration)")
      for steps in [remedy.apply, remedy.verify, remedy.flush, remedy.undo] {
        #expect(!steps.isEmpty)
        #expect(steps.allSatisfy { !$0.contains("\n") })
      }
      // Just that destination's mail is tried again, never the whole queue.
      #expect(remedy.flush.allSatisfy { !$0.contains("postqueue -f") && !$0.contains("flush ") })
      #expect(remedy.flush.contains { $0.contains("@b-1\\.example") })
      #expect(remedy.undo.joined().contains("b-1\\.example"))
      #expect(remedy.apply.contains { $0.contains("postfix reload") })
      #expect(!remedy.risk.isEmpty)
      // What weakens is dated.
      #expect((remedy.validUntil != nil) == (remedy.weakens > .nothing))
      // The maps in use stay.
      if remedy.configuration.contains("smtp_tls_policy_maps") {
        #expect(remedy.configuration.contains("hash:/etc/postfix/tls_policy"))
      }
    }
  }

  @Test(arguments: [
    (FailureClass.certificateExpired, [LadderRung.pinnedCertificate, .noVerification]),
    (.certificateSelfSigned, [.pinnedCertificate, .noVerification]),
    (.certificateHostMismatch, [.certificateName, .pinnedCertificate, .noVerification]),
    (.clientCertificateRejected, [.noClientCertificate]),
    (.protocolVersionMismatch, [.olderProtocol, .plaintext]),
    (.noSharedCipher, [.lowerSecurityLevel, .plaintext]),
    (.handshakeDisconnected, [.tls12AtMost, .plaintext]),
    (.startTLSNotSupported, [.plaintext]), (.tlsRequiredByReceiver, [.asConfigured]),
    (.certificateRevoked, []), (.localTLSMisconfiguration, []),
  ])
  func `a class has its remedies, least weakening first`(
    _ failureClass: FailureClass,
    _ rungs: [LadderRung]
  ) throws {
    #expect(try remedies(failureClass).compactMap(\.rung) == rungs)
  }

  @Test func `nothing is pinned that was not seen`() throws {
    let remedies = try remedies(.certificateExpired, pinned: false)
    #expect(remedies.allSatisfy { $0.rung != .pinnedCertificate })
  }

  @Test func `the pin is written as Postfix reads it`() throws {
    let pin = try #require(
      try remedies(.certificateExpired).first { $0.rung == .pinnedCertificate }
    )
    #expect(pin.configuration.contains("b-1.example fingerprint match=AB:12:AB:12:"))
  }

  @Test(arguments: ["", "compatibility_level = 3.5\n", "smtp_tls_fingerprint_digest = sha1\n"])
  func `a pin in another digest than the one in use gets a transport of its own`(
    _ settings: String
  ) throws {
    let pin = try #require(
      try remedies(.certificateExpired, settings: settings).first { $0.rung == .pinnedCertificate }
    )
    #expect(pin.configuration.contains("-o smtp_tls_fingerprint_digest=sha256"))
    #expect(pin.apply.allSatisfy { !$0.contains("-e smtp_tls_fingerprint_digest") })
    #expect(pin.configuration.contains("\nb-1.example mailtriage-pin-ab12ab12:\n"))
  }

  @Test func `what a destination was demanded besides stays in force`() throws {
    let main = ConfigurationFile(
      path: "/etc/postfix/main.cf",
      bytes: Array(
        "smtp_tls_policy_maps = inline:{ { b-1.example = secure match=mail.b-1.example } }".utf8
      )
    )
    let configuration = PostfixConfiguration([main])
    let remedies = Postfix().remedies(
      for: RemedyRequest(
        domain: try #require(HostName("b-1.example")),
        nextHops: [],
        failureClass: .handshakeTimeout,
        responsible: .path,
        policy: configuration.tlsPolicy(domain: "b-1.example", nextHop: nil),
        configuration: configuration,
        validUntil: PostfixRemedyTests.now,
        now: PostfixRemedyTests.now
      )
    )
    #expect(
      remedies.first?.configuration.contains(
        "\nb-1.example secure match=mail.b-1.example protocols="
      ) == true
    )
  }

  @Test(arguments: [
    (TLSPolicy.Origin.everyone, TLSLevel.verify, "encrypt", false),
    (.destination, .verify, "encrypt", true), (.destination, .encrypt, "encrypt", false),
    (.everyone, .may, "may", false),
  ])
  func `older versions work only where nothing is verified`(
    _ origin: TLSPolicy.Origin,
    _ level: TLSLevel,
    _ written: String,
    _ isRefused: Bool
  ) throws {
    let remedies = Postfix().remedies(
      for: RemedyRequest(
        domain: try #require(HostName("b-1.example")),
        nextHops: [],
        failureClass: .protocolVersionMismatch,
        responsible: .remote,
        policy: TLSPolicy(level: level, origin: origin),
        validUntil: PostfixRemedyTests.now,
        now: PostfixRemedyTests.now
      )
    )
    let older = try #require(remedies.first { $0.rung == .olderProtocol })
    #expect(older.configuration.contains("\nb-1.example \(written) protocols=!SSLv2:!SSLv3\n"))
    #expect((older.refused != nil) == isRefused)
  }

  @Test func `a map that was not read is not lost either`() throws {
    let remedies = Postfix().remedies(
      for: RemedyRequest(
        domain: try #require(HostName("b-1.example")),
        nextHops: [],
        failureClass: .certificateExpired,
        responsible: .remote,
        validUntil: PostfixRemedyTests.now,
        now: PostfixRemedyTests.now
      )
    )
    let apply = try #require(remedies.first).apply
    #expect(apply.contains { $0.contains("$(postconf -h smtp_tls_policy_maps") })
    #expect(apply.contains("postconf -m | grep -qx texthash"))
  }

  @Test func `an instance of its own gets its own commands`() throws {
    let main = ConfigurationFile(
      path: "/etc/postfix-out/main.cf",
      bytes: Array(
        "queue_directory = /var/spool/postfix-out\nrelayhost = [Smart.Example]:587\n".utf8
      )
    )
    let remedies = Postfix().remedies(
      for: RemedyRequest(
        domain: try #require(HostName("b-1.example")),
        nextHops: [],
        failureClass: .certificateExpired,
        responsible: .remote,
        configuration: PostfixConfiguration([main]),
        waitingQueueIDs: ["4fPYCK0sf8z3md"],
        validUntil: PostfixRemedyTests.now,
        now: PostfixRemedyTests.now
      )
    )
    let remedy = try #require(remedies.first)
    #expect(remedy.apply.last == "postfix -c /etc/postfix-out reload")
    #expect(
      remedy.flush.first?.hasPrefix("postqueue -c /etc/postfix-out -i 4fPYCK0sf8z3md") == true
    )
    // The relay host is what the policy is looked up for.
    #expect(remedy.configuration.contains("\n[smart.example]:587 encrypt\n"))
    #expect(remedy.risk.contains("all mail over [smart.example]:587"))
  }

  @Test func `a queue id from outside is no shell word`() throws {
    let remedies = try remedies(.certificateExpired, queueIDs: ["$(touch x)", "4fPY'; rm -rf /"])
    for remedy in remedies {
      let words = remedy.flush.joined(separator: "\n")
      #expect(!words.contains("touch") && !words.contains("rm -rf"))
    }
  }

  @Test func `what is not TLS has no TLS remedy`() throws {
    for failureClass in FailureClass.allCases where !failureClass.isTLS {
      #expect(try remedies(failureClass).isEmpty, "\(failureClass)")
    }
  }
}
