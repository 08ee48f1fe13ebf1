import Foundation
import MailModel
import TestSupport
import Testing

@testable import MailServers

/// A running Sendmail: its queue is read while it delivers, and each remedy is tried on it.
@Suite(
  .serialized,
  .enabled(if: LiveSendmail.canRun, "Sendmail is not unpacked, or this is not root")
) struct LiveSendmailTests {
  private static var now: Timestamp { Timestamp(seconds: Int64(Date().timeIntervalSince1970)) }

  @Test(.timeLimit(.minutes(30)))
  func `the queue is read while mail arrives, is delivered and waits`() throws {
    let server = try LiveSendmail(scenarios: ["ok-plain", "mailbox-full-plain", "home"]) { _ in
      "Connect:127 RELAY\nGreetPause:127 0\nClientRate:127 0\nClientConn:127 0\n"
    }
    let good = try server.machine.receiver("ok-plain").domain
    let full = try server.machine.receiver("mailbox-full-plain").domain
    // Keeps the queue busy: mail comes in all the time, and each run tries all of it.
    try server.startDaemon(every: 1)
    try server.machine.shell([
      "(for n in $(seq 60); do to=$n@\(good); [ $((n % 3)) = 0 ] && to=$n@\(full); "
        + "echo hi | sendmail -Am -odq -f ann@sender.example $to; done) > /dev/null 2>&1 &"
    ])
    var witness = QueueWitness(sender: "ann@sender.example")
    let end = Date().addingTimeInterval(12)
    while Date() < end {
      let before = server.whole
      let read = Sendmail().readQueue(directory: server.queue, now: LiveSendmailTests.now)
      #expect(witness.faults(before: before, read, after: server.listed) == [])
      usleep(50_000)
    }
    #expect(witness.checked > 100)
    #expect(witness.seen.count > 10)
    // Nothing of ours held it up: what can be delivered is, and no job was found locked.
    try server.wait("the queue to drain, but for the full mailbox", seconds: 60) {
      let waiting = Sendmail().readQueue(directory: server.queue, now: LiveSendmailTests.now)
      return waiting.messages.count >= 5
        && waiting.messages.allSatisfy { $0.recipients.first?.address.hasSuffix(full) ?? false }
    }
    let log = server.logText
    #expect(log.contains("stat=Sent"))
    #expect(!log.contains("locked") && !log.contains("SYSERR"))
    // What is read is what the server lists, addresses and reasons included.
    try server.machine.shell(["kill $(head -1 \(server.machine.path)/state/pid)"])
    try server.wait("the last run to end") {
      try !server.machine.shell(["sendmail -Am -bp -v"]).contains("*")
    }
    let listing = Sendmail().readQueueListing(
      Array(try server.machine.shell(["sendmail -Am -bp -v"]).utf8),
      path: "mailq -v",
      now: LiveSendmailTests.now
    )
    func told(_ queue: QueueSnapshot) -> Set<String> {
      Set(
        queue.messages.map { message in
          "\(message.queueID) <\(message.sender)> \(message.size ?? -1) "
            + message.recipients.map { "<\($0.address)> \($0.reason ?? "-")" }
            .joined(separator: " ")
        }
      )
    }
    let read = Sendmail().readQueue(directory: server.queue, now: LiveSendmailTests.now)
    #expect(told(read) == told(listing))
    #expect(read.messages.allSatisfy { $0.recipients.first?.reason?.contains("452") ?? false })
  }

  /// A fault, the class that is found, and the rungs in the order in which they are offered; those
  /// that are `true` let the mail flow with this receiver.
  struct Case: Sendable, CustomStringConvertible {
    var scenario: String
    var failureClass: FailureClass
    var demand: String
    var rungs: [(LadderRung, Bool)]
    var description: String { scenario }
  }

  private static let cases = [
    Case(
      scenario: "selfsigned-verify",
      failureClass: .certificateSelfSigned,
      demand: "TLS_Srv: VERIFY",
      rungs: [(.noVerification, true)]
    ),
    Case(
      scenario: "untrusted-chain",
      failureClass: .certificateNotTrusted,
      demand: "TLS_Rcpt: VERIFY",
      rungs: [(.noVerification, true)]
    ),
    Case(
      scenario: "hostname-mismatch",
      failureClass: .certificateHostMismatch,
      demand: "TLS_Srv: VERIFY+CN",
      rungs: [(.certificateName, true), (.noVerification, true)]
    ),
    Case(
      scenario: "rsa1024-accepted",
      failureClass: .weakKey,
      demand: "TLS_Srv: VERIFY",
      rungs: [(.noVerification, true), (.lowerSecurityLevel, true), (.plaintext, true)]
    ),
    Case(
      scenario: "tls10-only",
      failureClass: .protocolVersionMismatch,
      demand: "TLS_Srv: ENCR:112",
      rungs: [(.olderProtocol, true), (.plaintext, true)]
    ),
    Case(
      scenario: "no-shared-cipher",
      failureClass: .noSharedCipher,
      demand: "TLS_Srv: ENCR:112",
      rungs: [(.plaintext, true)]
    ),
    Case(
      scenario: "dh1024-accepted",
      failureClass: .weakKey,
      demand: "TLS_Srv: ENCR:112",
      rungs: [(.lowerSecurityLevel, true), (.plaintext, true)]
    ),
    Case(
      scenario: "tls13-broken",
      failureClass: .handshakeDisconnected,
      demand: "TLS_Srv: ENCR:112",
      rungs: [(.tls12AtMost, true), (.plaintext, true)]
    ),
    Case(
      scenario: "starttls-close",
      failureClass: .handshakeDisconnected,
      demand: "TLS_Srv: ENCR:112",
      rungs: [(.tls12AtMost, false), (.plaintext, true)]
    ),
    Case(
      scenario: "clientcert-alert-tls12",
      failureClass: .clientCertificateRejected,
      demand: "TLS_Srv: ENCR:112",
      rungs: [(.plaintext, true)]
    ),
    Case(
      scenario: "no-starttls-encrypt",
      failureClass: .startTLSNotSupported,
      demand: "TLS_Srv: ENCR:112",
      rungs: [(.plaintext, true)]
    ),
    Case(
      scenario: "starttls-454",
      failureClass: .startTLSRefused,
      demand: "TLS_Srv: ENCR:112",
      rungs: [(.plaintext, true)]
    ),
    Case(
      scenario: "tls-required-451",
      failureClass: .tlsRequiredByReceiver,
      demand: "Try_TLS: NO",
      rungs: [(.asConfigured, true)]
    ),
  ]

  @Test(.timeLimit(.minutes(30)))
  func `each remedy lets the mail flow, and its undo restores the failure`() throws {
    let server = try LiveSendmail(scenarios: LiveSendmailTests.cases.map(\.scenario)) { _ in "" }
    for one in LiveSendmailTests.cases { try run(one, on: server) }
  }

  private func run(_ one: Case, on server: LiveSendmail) throws {
    let row = try server.machine.receiver(one.scenario)
    // A remark and somebody else's rule have to outlive all of it.
    let access =
      "# our rules\n\(one.demand)\nTLS_Srv:other.example ENCR:112\n#mailtriage# TLS_Srv:x.example OK\n"
    try access.write(toFile: server.accessFile, atomically: true, encoding: .utf8)
    try server.machine.shell(["makemap hash /etc/mail/access < /etc/mail/access"])
    let configuration = SendmailConfiguration([
      ConfigurationFile(
        path: "/etc/mail/sendmail.cf",
        bytes: Array(try Data(contentsOf: URL(fileURLWithPath: server.configuration)))
      ),
      ConfigurationFile(path: "/etc/mail/access", bytes: Array(access.utf8)),
    ])
    func remedies(_ waiting: [String]) throws -> [Remedy] {
      Sendmail().remedies(
        for: RemedyRequest(
          domain: try #require(HostName(row.domain)),
          nextHops: try row.hosts.map { try #require(HostName($0.name)) },
          failureClass: one.failureClass,
          responsible: .remote,
          policy: configuration.tlsPolicy(domain: row.domain, nextHop: row.hosts.first?.name),
          configuration: configuration,
          certificateNames: try certificateNames(one, on: server),
          waitingQueueIDs: waiting,
          validUntil: LiveSendmailTests.now.advanced(bySeconds: 14 * 86_400),
          now: LiveSendmailTests.now
        )
      )
    }
    #expect(try remedies([]).compactMap(\.rung) == one.rungs.map(\.0), "\(one)")
    for (index, (rung, flows)) in one.rungs.enumerated() {
      let canary = try server.submit(to: ["bob@\(row.domain)"])
      try server.submit(to: ["eve@\(row.domain)"])
      try server.machine.shell(["sendmail -v -q", "true"])
      #expect(server.listed.count == 2, "\(one): it fails before")
      let remedy = try #require(try remedies([canary]).dropFirst(index).first)
      try server.machine.shell(remedy.apply)
      let verified = try server.machine.shell(remedy.verify)
      #expect(
        verified.split(separator: " returns ").count - 1 == remedy.verify.count,
        "\(verified)"
      )
      // Its exit status is that of whatever it tried last.
      try server.machine.shell([try #require(remedy.flush.first), "true"])
      #expect(!server.listed.contains(canary) == flows, "\(one) \(rung): the canary")
      try server.machine.shell(remedy.flush.dropFirst() + ["true"])
      #expect(server.listed.isEmpty == flows, "\(one) \(rung): \(server.logText.suffix(600))")
      try server.machine.shell(remedy.undo)
      #expect(try String(contentsOfFile: server.accessFile, encoding: .utf8) == access)
      try server.machine.shell(["rm -f \(server.queue)/*"])
      try server.submit(to: ["bob@\(row.domain)"])
      try server.machine.shell(["sendmail -v -q", "true"])
      #expect(server.listed.count == 1, "\(one) \(rung): it fails again")
      try server.machine.shell(["rm -f \(server.queue)/*"])
    }
  }

  /// As a probe finds it.
  private func certificateNames(_ one: Case, on server: LiveSendmail) throws -> [HostName] {
    guard one.failureClass == .certificateHostMismatch else { return [] }
    // `CN web7.hosting.example does not match mx.b.example`
    let told = server.logText.matches(of: /CN (\S+) does not match/).last?.output.1
    let unknown = try #require(HostName("unknown.example"))
    return [told.flatMap { HostName(String($0)) } ?? unknown]
  }
}
