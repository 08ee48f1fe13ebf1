import Foundation
import MailModel
import MailServers
import TestSupport
import Testing

/// The machine's Postfix in a machine of its own: its mail goes by DNS to receivers that each have one
/// TLS fault.
final class WalledPostfix: LiveServer {
  let machine: WalledMachine

  /// Root, the namespaces, and the programs.
  static let canRun =
    LivePostfix.canRun && WalledMachine.canRun([]) && access("/usr/sbin/posttls-finger", X_OK) == 0
    && access("/usr/bin/openssl", X_OK) == 0

  /// Mail to `routed.example` is relayed by the host of a receiver of its own, `relay`.
  init(scenarios: [String], relay: String = "selfsigned-may") throws {
    machine = try WalledMachine(
      programs: "",
      setup: try #require(Bundle.module.resourcePath) + "/Fixtures/world.sh",
      scenarios: scenarios + ["selfsigned-encrypt", relay]
    ) { receivers in
      // What the operator had before.
      let kept = receivers["selfsigned-encrypt"]?.domain ?? ""
      let demanding = receivers["tls-required-451"]?.domain ?? ""
      let host = receivers[relay]?.hosts.first?.name ?? ""
      return [
        "main.cf": WalledPostfix.main, "master.cf": WalledPostfix.master,
        "tls_policy": "\(kept) encrypt\n\(demanding) none\n",
        "transport": "routed.example smtp:[\(host)]:25\n",
      ]
    }
    try shell("postfix start")
  }

  deinit { _ = try? shell("postfix abort") }

  /// Nothing is tried again by itself: what moves was flushed.
  private static let main = PostfixFiles.main(
    root: "@ROOT@",
    """
    smtp_host_lookup = dns
    queue_run_delay = 1h
    minimal_backoff_time = 1h
    maximal_backoff_time = 2h
    smtp_tls_security_level = verify
    smtp_tls_CAfile = @ROOT@/lab/pki/trusted-ca.pem
    smtp_tls_cert_file = @ROOT@/lab/pki/client-selfsigned.crt
    smtp_tls_key_file = @ROOT@/lab/pki/client-selfsigned.key
    smtp_tls_mandatory_protocols = >=TLSv1.2
    smtp_tls_mandatory_ciphers = high
    tls_high_cipherlist = HIGH:!aNULL:!AES128-SHA256
    smtp_tls_policy_maps = texthash:/etc/postfix/tls_policy
    transport_maps = texthash:/etc/postfix/transport
    """
  )

  private static let master = PostfixFiles.master(
    "smtp unix - - n - - smtp -o smtp_helo_timeout=20s -o { smtp_mail_timeout = 30s }"
  )

  func domain(_ scenario: String) throws -> String { try machine.receiver(scenario).domain }

  /// Runs commands as a shell would that an operator typed them into; what fails ends it.
  @discardableResult
  func shell(_ commands: String) throws -> String { try machine.shell([commands]) }

  /// Hands one message per recipient over.
  func submit(to recipients: [String]) throws {
    try shell(
      recipients.map { "echo hello | sendmail -f ann@sender.example \($0)" }.joined(separator: "\n")
    )
  }

  var log: String { machine.path + "/log/mail.log" }

  /// Result lines per domain.
  func results(_ status: String) -> [String: Int] {
    var counts: [String: Int] = [:]
    for line in logText.split(separator: "\n") where line.contains(" status=\(status) ") {
      guard let domain = line.firstMatch(of: /to=<[^@>]*@([^>]*)>/)?.1 else { continue }
      counts[String(domain), default: 0] += 1
    }
    return counts
  }

  /// What the receivers took, in their own words: the TLS version, or nil for mail in clear.
  var accepted: [(domain: String, tls: String?)] {
    machine.sessions.flatMap { session in
      session.accepted.map { (String($0.drop { $0 != "@" }.dropFirst()), session.tls?.version) }
    }
  }

  var queue: [QueuedMessage] {
    Postfix().readQueue(directory: machine.path + "/spool", now: Timestamp(seconds: 0)).messages
  }
}
