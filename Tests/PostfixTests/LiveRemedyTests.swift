import Foundation
import MailModel
import TestSupport
import Testing

@testable import MailServers

/// Every snippet for Postfix, fed to Postfix: mail waits, the printed commands are run, it flows, the
/// printed way back is taken, and it waits again.
@Suite(
  .serialized,
  .enabled(if: WalledPostfix.canRun, "Postfix or the namespaces are missing, or this is not root")
) struct LiveRemedyTests {
  /// A receiver, what is wrong with it, and which of the remedies is tried.
  struct Case: Sendable {
    var scenario: String
    var failureClass: FailureClass
    var rung: LadderRung
    /// The remedy's title begins so, where several are on one rung.
    var title = ""
    /// The receiver that takes the mail, and whether over TLS.
    var isEncrypted = true
    /// Settings that the remedy is told of besides those in force.
    var settings = ""
    var isRouted: Bool { scenario == "routed" }
  }

  private static let cases = [
    Case(
      scenario: "selfsigned-verify",
      failureClass: .certificateSelfSigned,
      rung: .pinnedCertificate
    ),
    Case(
      scenario: "expired",
      failureClass: .certificateExpired,
      rung: .pinnedCertificate,
      settings: "smtp_tls_fingerprint_digest = md5\n"
    ),
    Case(scenario: "notyet", failureClass: .certificateExpired, rung: .noVerification),
    Case(
      scenario: "untrusted-chain",
      failureClass: .certificateNotTrusted,
      rung: .pinnedCertificate,
      title: "Trust the authority"
    ),
    Case(
      scenario: "hostname-mismatch",
      failureClass: .certificateHostMismatch,
      rung: .certificateName
    ),
    Case(
      scenario: "clientcert-optional",
      failureClass: .clientCertificateRejected,
      rung: .noClientCertificate
    ),
    Case(scenario: "tls10-only", failureClass: .protocolVersionMismatch, rung: .olderProtocol),
    Case(scenario: "one-cipher", failureClass: .noSharedCipher, rung: .lowerSecurityLevel),
    Case(scenario: "tls13-broken", failureClass: .handshakeDisconnected, rung: .tls12AtMost),
    Case(
      scenario: "starttls-garbage",
      failureClass: .plaintextOnTLSPort,
      rung: .plaintext,
      isEncrypted: false
    ),
    Case(
      scenario: "no-starttls-encrypt",
      failureClass: .startTLSNotSupported,
      rung: .plaintext,
      isEncrypted: false
    ),
    Case(
      scenario: "starttls-454",
      failureClass: .startTLSRefused,
      rung: .plaintext,
      isEncrypted: false
    ),
    Case(scenario: "tls-required-451", failureClass: .tlsRequiredByReceiver, rung: .asConfigured),
    // Its mail goes over a relay host, which is what the policy is looked up for.
    Case(scenario: "routed", failureClass: .certificateSelfSigned, rung: .noVerification),
  ]

  private static func domain(_ one: Case, on server: WalledPostfix) throws -> String {
    one.isRouted ? "routed.example" : try server.domain(one.scenario)
  }

  private static func remedy(_ one: Case, on server: WalledPostfix) throws -> Remedy {
    let files = try ["main.cf", "master.cf"].map { name in
      let text = try String(
        contentsOfFile: "\(server.machine.path)/etc/postfix/\(name)",
        encoding: .utf8
      )
      return ConfigurationFile(
        path: "\(server.machine.path)/etc/postfix/\(name)",
        bytes: Array((text + (name == "main.cf" ? one.settings : "")).utf8)
      )
    }
    let configuration = PostfixConfiguration(files)
    // Its mail is relayed by another receiver's host.
    let receiver = try server.machine.receiver(one.isRouted ? "selfsigned-may" : one.scenario)
    let name = try domain(one, on: server)
    let seen = try server.machine.certificate(of: receiver)
    let host = try #require(receiver.hosts.first?.name)
    let waiting = server.queue.filter { $0.recipients[0].address.hasSuffix("@" + name) }
    let remedies = Postfix().remedies(
      for: RemedyRequest(
        domain: try #require(HostName(name)),
        nextHops: [try #require(HostName(host))],
        failureClass: one.failureClass,
        responsible: .remote,
        policy: configuration.tlsPolicy(domain: name, nextHop: host),
        configuration: configuration,
        certificateNames: one.rung == .certificateName ? seen.names : [],
        publicKeyFingerprint: seen.publicKey,
        waitingQueueIDs: waiting.map(\.queueID),
        validUntil: Timestamp(seconds: 1_790_000_000),
        now: Timestamp(seconds: 1_789_000_000)
      )
    )
    return try #require(
      remedies.first { $0.rung == one.rung && $0.title.hasPrefix(one.title) },
      "\(one.scenario): no such remedy among \(remedies.map(\.title))"
    )
  }

  @Test(.timeLimit(.minutes(30)))
  func `each snippet lets the mail flow, breaks nothing, and its undo holds it up again`() throws {
    let cases = LiveRemedyTests.cases
    let server = try WalledPostfix(scenarios: cases.filter { !$0.isRouted }.map(\.scenario))
    let domains = try cases.map { try LiveRemedyTests.domain($0, on: server) }
    let kept = try server.domain("selfsigned-encrypt")
    try server.submit(
      to: domains.flatMap { ["ann@\($0)", "bob@\($0)"] } + ["joe@\(kept)"]
    )
    try server.wait("every message to fail") {
      let deferred = server.results("deferred")
      return domains.allSatisfy { deferred[$0] == 2 }
        && server.results("sent") == [kept: 1]
    }
    var undo: [String] = []
    for (number, (one, domain)) in zip(cases, domains).enumerated() {
      let remedy = try LiveRemedyTests.remedy(one, on: server)
      // Twice: who is not sure whether it was done does it again.
      for _ in 0..<2 { try server.shell(remedy.apply.joined(separator: "\n")) }
      for command in remedy.verify {
        #expect(try !server.shell(command).isEmpty, "\(domain): \(command)")
      }
      #expect(remedy.flush.count == 2)
      try server.shell(remedy.flush.joined(separator: "\n"))
      undo += remedy.undo
      guard number == 0 else { continue }
      try server.wait("the first destination's mail") { server.results("sent")[domain] == 2 }
      // Nothing else was tried.
      #expect(server.results("sent") == [kept: 1, domain: 2])
      #expect(domains.dropFirst().allSatisfy { server.results("deferred")[$0] == 2 })
    }
    do {
      try server.wait("all mail to flow", seconds: 20) {
        let sent = server.results("sent")
        return domains.allSatisfy { sent[$0] == 2 }
      }
    } catch {
      let sent = server.results("sent")
      for domain in domains where sent[domain] != 2 {
        let lines = server.logText.split(separator: "\n").filter {
          $0.contains(domain) || $0.contains("TLS library problem")
        }
        Issue.record("\(domain) does not flow: \(lines.suffix(9).joined(separator: "\n"))")
      }
      throw error
    }
    // They tell of a session when it has ended.
    try server.wait("the receivers' word") { server.accepted.count == domains.count * 2 + 1 }
    for (one, domain) in zip(cases, domains) {
      let taken = server.accepted.filter { $0.domain == domain }
      #expect(taken.count == 2, "\(domain)")
      #expect(taken.allSatisfy { ($0.tls != nil) == one.isEncrypted }, "\(domain): \(taken)")
    }
    let middlebox = try server.domain("tls13-broken")
    #expect(
      server.accepted.filter { $0.domain == middlebox }.allSatisfy { $0.tls == "TLSv1.2" }
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
    try server.submit(to: domains.map { "eve@\($0)" } + ["joe@\(kept)"])
    try server.wait("every message to fail again") {
      server.queue.filter { $0.recipients[0].reason != nil }.count == domains.count
        && server.results("sent")[kept] == 2
    }
    try server.wait("the receivers' word") { server.accepted.count >= domains.count * 2 + 2 }
    #expect(server.accepted.count == domains.count * 2 + 2)
    #expect(try server.shell("grep -v '^#' /etc/postfix/mailtriage_tls_policy || true").isEmpty)
    let complaints = server.logText.split(separator: "\n").filter {
      $0.contains(": fatal: ") || $0.contains(": error: ") || $0.contains("warning: dict")
        || $0.contains("duplicate entry") || $0.contains("unused parameter")
    }
    #expect(complaints.isEmpty, "\(complaints.prefix(3))")
  }
}
