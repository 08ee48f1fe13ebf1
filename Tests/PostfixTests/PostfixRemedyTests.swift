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
    queueIDs: [String] = ["4fPYCK0sf8z3md"]
  ) throws -> [Remedy] {
    let domain = try #require(HostName("b-1.example"))
    let main = ConfigurationFile(
      path: "/etc/postfix/main.cf",
      bytes: Array("smtp_tls_policy_maps = hash:/etc/postfix/tls_policy\n".utf8)
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
      #expect(remedy.flush.contains { $0.contains("@b-1.example") })
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
    #expect(pin.configuration.contains("smtp_tls_fingerprint_digest = sha256"))
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
