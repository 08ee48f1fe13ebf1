import Foundation
import TestSupport
import Testing

/// Trials beside the server's own attempts: what Sendmail gets through, the trial gets through, and
/// what Sendmail holds up, it holds up too. The configuration is the machine's own, found where it lies.
@Suite(.enabled(if: LiveSendmail.canRun, "Sendmail is not unpacked, or this is not root"))
struct LiveTrialTests {
  private static let scenarios = [
    "ok-trusted", "ok-plain", "expired", "selfsigned-verify", "hostname-mismatch",
    "sha1-signature", "tls10-only", "rsa1024-accepted", "dh1024-accepted", "no-shared-cipher",
    "no-starttls-encrypt", "starttls-454", "clientcert-alert-tls12", "clientcert-alert-tls13",
    "clientcert-optional", "missing-intermediate",
  ]

  @Test(
    .timeLimit(.minutes(30)),
    arguments: ["TLS_Srv: VERIFY", "TLS_Srv: VERIFY+CN", "TLS_Srv: ENCR:112", "Try_TLS: NO"]
  )
  func `a trial ends as the server's own attempt does`(_ demand: String) throws {
    let server = try LiveSendmail(scenarios: Self.scenarios) { _ in
      "Connect:127 RELAY\n\(demand)\n"
    }
    for scenario in Self.scenarios {
      let domain = try server.machine.receiver(scenario).domain
      let recipient = "postmaster@\(domain)"
      try server.machine.shell([
        "printf 'Subject: x\\n\\nhi\\n' | sendmail -Am -odi -f ann@sender.example \(recipient)",
        "true",
      ])
      func outcome() -> Substring? {
        server.logText.split(separator: "\n").last {
          $0.contains("to=\(recipient)") && $0.contains("stat=")
        }
      }
      try server.wait("an outcome of \(scenario)") { outcome() != nil }
      let isSent = outcome()?.contains("stat=Sent") == true
      let trial = try server.machine.trial(of: domain)
      #expect(trial.isOK == isSent, "\(scenario): \(trial.explanation)")
    }
  }
}
