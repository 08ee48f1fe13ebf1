import Experiment
import Foundation
import MailModel
import TestSupport
import Testing

/// `retry` and `probe` as the built program runs them, against receivers that the DNS leads to on port
/// 25 as any sender finds them. Each answer is held against its schema as well.
@Suite(
  .serialized,
  .enabled(
    if: Sinks.canRun && getuid() == 0,
    "python3-cryptography is missing, or this is not root"
  )
) struct SinkCommandTests {
  private static let table: [ExpectedRetry] = [
    // Not only the first host counts.
    ExpectedRetry(
      "mx-first-broken",
      .notReproduced,
      nil,
      .handshake,
      .protocolVersionMismatch
    ),
    ExpectedRetry(
      "mx-mixed",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateSelfSigned
    ),
    ExpectedRetry(
      "mx-both-broken",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateExpired
    ),
    // Where no host is to be had, TLS is not why.
    ExpectedRetry("null-mx", .tlsIsNotTheCause, nil, .connect, .dnsFailure),
    ExpectedRetry("dns-nxdomain", .tlsIsNotTheCause, nil, .connect, .dnsFailure),
    ExpectedRetry("dns-servfail", .tlsIsNotTheCause, nil, .connect, .dnsFailure),
    ExpectedRetry("dns-mx-nohost", .tlsIsNotTheCause, nil, .connect, .dnsFailure),
    ExpectedRetry("dane-ok", .notReproduced),
    ExpectedRetry(
      "dane-tlsa-mismatch",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .tlsaInvalid
    ),
    ExpectedRetry(
      "dane-servfail",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .dnssecInvalid
    ),
    ExpectedRetry(
      "dane-required",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .daneRequired
    ),
    // Weak, and yet good enough for Postfix; a weak signature is not.
    ExpectedRetry("rsa1024-accepted", .notReproduced),
    ExpectedRetry("dh1024-accepted", .notReproduced),
    ExpectedRetry(
      "sha1-signature",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .weakSignature
    ),
    ExpectedRetry(
      "md5-signature",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .weakSignature
    ),
    ExpectedRetry(
      "tls10-only",
      .tlsIsTheCause,
      .olderProtocol,
      .handshake,
      .protocolVersionMismatch
    ),
  ]

  /// The policy of each receiver's row is in Postfix's own files.
  @Test(.timeLimit(.minutes(30)))
  func `a retry through the DNS tells what Postfix would meet`() throws {
    let sinks = try Sinks(SinkCommandTests.table.map(\.receiver), port: 25)
    defer { sinks.stop() }
    let place = try Workplace()
    try place.write(
      "main.cf",
      """
      myhostname = sender.example
      smtp_tls_security_level = may
      smtp_tls_policy_maps = hash:/etc/postfix/tls_policy
      smtp_tls_CAfile = \(sinks.directory)/pki/trusted-ca.pem
      smtp_tls_fingerprint_digest = sha256
      smtp_tls_protocols = >=TLSv1.2
      smtp_tls_mandatory_protocols = >=TLSv1.2

      """
    )
    try FileManager.default.copyItem(
      atPath: sinks.directory + "/tls_policy",
      toPath: place.path + "/tls_policy"
    )
    let schema = try JSONSchema(contentsOf: Workplace.schema("retry"), allowsMore: true)
    for expected in SinkCommandTests.table {
      let row = try sinks.row(expected.receiver)
      let outcome = try Workplace.finish(
        place.process([
          "retry", row.domain, "--test-path", "mx", "--mta-config", place.path + "/main.cf",
          "--mta-config", place.path + "/tls_policy", "--resolver", sinks.resolver, "--timeout",
          "3", "--format", "json", "--quiet",
        ])
      )
      #expect(outcome.status == 0, "\(expected.receiver): \(outcome.complaint)")
      let data = Data(outcome.output.utf8)
      #expect(try schema.faults(in: data) == [], "\(expected.receiver)")
      let told = try JSONDecoder().decode(ToldRetry.self, from: data)
      #expect(expected.differences(from: told) == [])
    }
  }

  @Test(.timeLimit(.minutes(30)))
  func `a probe of many is one document, in each format`() throws {
    let ids = ["ok-trusted", "expired", "ok-plain", "null-mx", "dane-ok", "starttls-silence"]
    let sinks = try Sinks(ids, port: 25)
    defer { sinks.stop() }
    let place = try Workplace()
    func probe(_ format: String) throws -> Workplace.Outcome {
      try Workplace.finish(
        place.process(
          ["probe"] + ids.map { try sinks.row($0).domain } + [
            "--ca-file", sinks.directory + "/pki/trusted-ca.pem", "--resolver", sinks.resolver,
            "--timeout", "2", "--parallel", "8", "--no-versions", "--format", format,
          ]
        )
      )
    }
    let json = try probe("json")
    let schema = try JSONSchema(contentsOf: Workplace.schema("probe"), allowsMore: true)
    #expect(try schema.faults(in: Data(json.output.utf8)) == [])
    for id in ids { #expect(json.output.contains(try sinks.row(id).domain)) }
    let html = try probe("html").output
    #expect(html.hasPrefix("<!"))
    #expect(html.components(separatedBy: "</html>").count == 2)
    #expect(html.contains("certificate-expired"))
    let markdown = try probe("markdown").output
    #expect(markdown.components(separatedBy: "# Probe of ").count == ids.count + 1)
    let text = try probe("text").output
    #expect(text.contains("null MX"))
    #expect(text.contains("DANE: the certificate matches"))
  }

  @Test(arguments: ["text", "markdown", "html"])
  func `a retry is told in each format, with the way to a test path where there is none`(
    _ format: String
  ) throws {
    let sinks = try Sinks(["no-starttls-encrypt"], port: 25)
    defer { sinks.stop() }
    let place = try Workplace()
    let row = try sinks.row("no-starttls-encrypt")
    func retry(_ more: [String]) throws -> String {
      try Workplace.finish(
        place.process(
          [
            "retry", row.domain, "--tls-level", "encrypt", "--resolver", sinks.resolver,
            "--timeout", "3", "--quiet", "--format", format,
          ] + more
        )
      ).output
    }
    let without = try retry([])
    #expect(without.contains("inconclusive"))
    for word in ["--test-path", "postconf -M", "exim4 -C", "sendmail -bd", "New-SendConnector"] {
      #expect(without.contains(word), "\(word)")
    }
    let with = try retry(["--test-path", "mx"])
    #expect(with.contains("tls-is-the-cause"))
    #expect(!with.contains("New-SendConnector"))
    if format == "html" { #expect(with.hasPrefix("<!") && with.contains("</html>")) }
  }
}
