import Foundation
import MailModel
import Testing

@testable import MailServers

/// Every snippet for Postfix, fed to Postfix: mail waits, the printed commands are run, it flows, the
/// printed way back is taken, and it waits again.
@Suite(
  .serialized,
  .enabled(if: WalledPostfix.canRun, "Postfix or the namespaces are missing, or this is not root")
) struct LiveRemedyTests {
  /// A destination, what is wrong with it, and which of the remedies is tried.
  struct Case: Sendable {
    var domain: String
    var failureClass: FailureClass
    var rung: LadderRung
    /// The remedy's title begins so, where several are on one rung.
    var title = ""
    /// The receiver that takes the mail, and whether over TLS.
    var isEncrypted = true
    /// Settings that the remedy is told of besides those in force.
    var settings = ""
  }

  private static let cases = [
    Case(domain: "pin.example", failureClass: .certificateSelfSigned, rung: .pinnedCertificate),
    Case(
      domain: "digest.example",
      failureClass: .certificateExpired,
      rung: .pinnedCertificate,
      settings: "smtp_tls_fingerprint_digest = md5\n"
    ),
    Case(domain: "bare.example", failureClass: .certificateExpired, rung: .noVerification),
    Case(
      domain: "authority.example",
      failureClass: .certificateNotTrusted,
      rung: .pinnedCertificate,
      title: "Trust the authority"
    ),
    Case(domain: "name.example", failureClass: .certificateHostMismatch, rung: .certificateName),
    Case(
      domain: "client.example",
      failureClass: .clientCertificateRejected,
      rung: .noClientCertificate
    ),
    Case(domain: "old.example", failureClass: .protocolVersionMismatch, rung: .olderProtocol),
    Case(domain: "cipher.example", failureClass: .noSharedCipher, rung: .lowerSecurityLevel),
    Case(domain: "middlebox.example", failureClass: .handshakeDisconnected, rung: .tls12AtMost),
    Case(
      domain: "garbage.example",
      failureClass: .plaintextOnTLSPort,
      rung: .plaintext,
      isEncrypted: false
    ),
    Case(
      domain: "bald.example",
      failureClass: .startTLSNotSupported,
      rung: .plaintext,
      isEncrypted: false
    ),
    Case(
      domain: "refusing.example",
      failureClass: .startTLSRefused,
      rung: .plaintext,
      isEncrypted: false
    ),
    Case(domain: "demanding.example", failureClass: .tlsRequiredByReceiver, rung: .asConfigured),
    // Its mail goes over a relay host, which is what the policy is looked up for.
    Case(domain: "routed.example", failureClass: .certificateSelfSigned, rung: .noVerification),
  ]

  private static func remedy(_ one: Case, on server: WalledPostfix) throws -> Remedy {
    let files = try ["main.cf", "master.cf"].map { name in
      let text = try String(contentsOfFile: "\(server.path)/etc/\(name)", encoding: .utf8)
      return ConfigurationFile(
        path: "\(server.path)/etc/\(name)",
        bytes: Array((text + (name == "main.cf" ? one.settings : "")).utf8)
      )
    }
    let configuration = PostfixConfiguration(files)
    let domain = try #require(HostName(one.domain))
    let hoster = try #require(HostName("mail.hoster.example"))
    let key = try server.shell(
      "openssl x509 -in \(server.path)/pki/self.crt -pubkey -noout"
        + " | openssl pkey -pubin -outform der | sha256sum"
    )
    let waiting = server.queue.filter { $0.recipients[0].address.hasSuffix("@" + one.domain) }
    let remedies = Postfix().remedies(
      for: RemedyRequest(
        domain: domain,
        nextHops: [try #require(HostName("mx." + one.domain))],
        failureClass: one.failureClass,
        responsible: .remote,
        policy: configuration.tlsPolicy(domain: one.domain, nextHop: "mx." + one.domain),
        configuration: configuration,
        certificateNames: one.domain == "name.example" ? [hoster] : [],
        publicKeyFingerprint: String(key.prefix(64)),
        waitingQueueIDs: waiting.map(\.queueID),
        validUntil: Timestamp(seconds: 1_790_000_000),
        now: Timestamp(seconds: 1_789_000_000)
      )
    )
    return try #require(
      remedies.first { $0.rung == one.rung && $0.title.hasPrefix(one.title) },
      "\(one.domain): no such remedy among \(remedies.map(\.title))"
    )
  }

  @Test(.timeLimit(.minutes(5)))
  func `each snippet lets the mail flow, breaks nothing, and its undo holds it up again`() throws {
    let server = try WalledPostfix()
    let cases = LiveRemedyTests.cases
    let domains = cases.map(\.domain)
    try server.submit(
      to: domains.flatMap { ["ann@\($0)", "bob@\($0)"] } + ["joe@kept.example"]
    )
    try server.wait("every message to fail") {
      let deferred = server.results("deferred")
      return domains.allSatisfy { deferred[$0] == 2 }
        && server.results("sent") == ["kept.example": 1]
    }
    var undo: [String] = []
    for (number, one) in cases.enumerated() {
      let remedy = try LiveRemedyTests.remedy(one, on: server)
      // Twice: who is not sure whether it was done does it again.
      for _ in 0..<2 { try server.shell(remedy.apply.joined(separator: "\n")) }
      for command in remedy.verify {
        #expect(try !server.shell(command).isEmpty, "\(one.domain): \(command)")
      }
      #expect(remedy.flush.count == 2)
      try server.shell(remedy.flush.joined(separator: "\n"))
      undo += remedy.undo
      guard number == 0 else { continue }
      try server.wait("the first destination's mail") { server.results("sent")[one.domain] == 2 }
      // Nothing else was tried.
      #expect(server.results("sent") == ["kept.example": 1, one.domain: 2])
      #expect(domains.dropFirst().allSatisfy { server.results("deferred")[$0] == 2 })
    }
    do {
      try server.wait("all mail to flow", seconds: 20) {
        let sent = server.results("sent")
        return domains.allSatisfy { sent[$0] == 2 }
      }
    } catch {
      let sent = server.results("sent")
      for one in cases where sent[one.domain] != 2 {
        let lines = server.log.split(separator: "\n").filter {
          $0.contains(one.domain) || $0.contains("TLS library problem")
        }
        Issue.record("\(one.domain) does not flow: \(lines.suffix(9).joined(separator: "\n"))")
      }
      throw error
    }
    for one in cases {
      let taken = server.accepted.filter { $0.domain == one.domain }
      #expect(taken.count == 2, "\(one.domain)")
      #expect(taken.allSatisfy { ($0.tls != nil) == one.isEncrypted }, "\(one.domain): \(taken)")
    }
    #expect(
      server.accepted.filter { $0.domain == "middlebox.example" }.allSatisfy { $0.tls == "TLSv1.2" }
    )
    // The tables that were there are in use behind ours, each once.
    #expect(
      try server.shell("postconf -h smtp_tls_policy_maps transport_maps") == """
        texthash:/etc/postfix/mailtriage_tls_policy, texthash:/etc/postfix/tls_policy
        texthash:/etc/postfix/mailtriage_transport, texthash:/etc/postfix/transport

        """
    )
    let written = try server.shell("cat /etc/postfix/mailtriage_*[^m]").split(separator: "\n")
    #expect(Set(written).count == written.count)
    #expect(
      try server.shell("postconf -M mailtriage-nocert/unix").contains("smtp_helo_timeout=20s")
    )

    try server.shell(undo.joined(separator: "\n"))
    try server.submit(to: domains.map { "eve@\($0)" } + ["joe@kept.example"])
    try server.wait("every message to fail again") {
      server.queue.filter { $0.recipients[0].reason != nil }.count == domains.count
        && server.results("sent")["kept.example"] == 2
    }
    #expect(server.accepted.count == domains.count * 2 + 2)
    #expect(try server.shell("grep -v '^#' /etc/postfix/mailtriage_tls_policy || true").isEmpty)
    let complaints = server.log.split(separator: "\n").filter {
      $0.contains(": fatal: ") || $0.contains(": error: ") || $0.contains("warning: dict")
        || $0.contains("duplicate entry") || $0.contains("unused parameter")
    }
    #expect(complaints.isEmpty, "\(complaints.prefix(3))")
  }
}
