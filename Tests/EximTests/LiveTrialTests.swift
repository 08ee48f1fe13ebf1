import Foundation
import TestSupport
import Testing

/// Trials beside the server's own attempts: what Exim gets through, the trial gets through, and what
/// Exim holds up, it holds up too. The configuration is the machine's own, found where it lies.
@Suite(.enabled(if: LiveExim.canRun, "Exim is not unpacked, or this is not root"))
struct LiveTrialTests {
  private static let scenarios = [
    "ok-trusted", "ok-plain", "expired", "selfsigned-verify", "hostname-mismatch",
    "sha1-signature", "tls10-only", "rsa1024-accepted", "dh1024-accepted", "no-shared-cipher",
    "no-starttls-encrypt", "starttls-454", "clientcert-alert-tls12", "clientcert-alert-tls13",
    "clientcert-optional", "dane-ok", "missing-intermediate",
  ]

  @Test(
    .timeLimit(.minutes(30)),
    arguments: [
      "  hosts_require_tls = *\n  tls_verify_hosts = *\n  tls_verify_certificates = /etc/exim4/ca.pem\n",
      "  hosts_require_tls = *\n  tls_certificate = /etc/exim4/client.crt\n"
        + "  tls_privatekey = /etc/exim4/client.key\n",
      "  hosts_require_tls = *\n  tls_require_ciphers = NORMAL:-VERS-TLS1.0:-VERS-TLS1.1\n",
    ]
  )
  func `a trial ends as the server's own attempt does`(_ options: String) throws {
    let server = try LiveExim(scenarios: Self.scenarios, transport: { _ in options })
    // Without it glibc keeps from Exim what the resolver vouches for.
    try server.machine.shell(["echo 'options trust-ad' >> /etc/resolv.conf"])
    for scenario in Self.scenarios {
      let domain = try server.machine.receiver(scenario).domain
      try server.send(to: "postmaster@\(domain)")
      let isSent = server.logText.split(separator: "\n").contains {
        $0.contains(" => postmaster@\(domain)")
      }
      let trial = try server.machine.trial(of: domain)
      #expect(trial.isOK == isSent, "\(scenario): \(trial.explanation)")
    }
  }
}
