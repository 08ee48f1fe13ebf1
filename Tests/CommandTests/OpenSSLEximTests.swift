import Foundation
import Testing

/// The log of an Exim 4.96 that was built with OpenSSL, of which Debian ships none: it says more than
/// one with GnuTLS, and says it in other words and lines.
@Suite struct OpenSSLEximTests {
  private struct Answer: Decodable {
    struct Destination: Decodable {
      struct Diagnosis: Decodable {
        var `class`: String?
        var tls_is_cause: String
      }
      var domain: String
      var diagnosis: Diagnosis?
    }
    var destinations: [Destination]
  }

  /// What the receiver of each domain does, as it was set up, and what the log tells of it.
  private static let told = [
    "onyxhomes.example": "certificate-self-signed",
    "amberpress.example": "weak-signature",
    "pineprint.example": "certificate-host-mismatch",
    // TLS 1.0 alone, which OpenSSL takes for its signatures' fault.
    "yarrowpaper.example": "weak-signature",
    // A prime of 1024 bits, and one of 512.
    "northsupply.example": "weak-key",
    "quartzmetals.example": "weak-key",
    "deltaschool.example": "no-shared-cipher",
    // It ends the connection at a TLS 1.3 hello.
    "onyxports.example": "handshake-disconnected",
    "indigometals.example": "client-certificate-rejected",
    "jadefarms.example": "starttls-not-supported",
    "birchtools.example": "starttls-refused",
    "oceansupply.example": "tls-required-by-receiver",
  ]

  @Test func `each destination's cause is told`() throws {
    let log = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("EximTests/Fixtures/openssl-mainlog").path
    let place = try Workplace()
    let run = try place.run(
      "analyze",
      log,
      "--timezone",
      "UTC",
      "--now",
      "2026-12-01T01:30:00Z",
      "--format",
      "json"
    )
    try #require(run.status == 0, "\(run.complaint)")
    let answer = try JSONDecoder().decode(Answer.self, from: Data(run.output.utf8))
    let found = Dictionary(
      answer.destinations.map { ($0.domain, $0.diagnosis) },
      uniquingKeysWith: { first, _ in first }
    )
    for (domain, failureClass) in OpenSSLEximTests.told {
      #expect(found[domain]??.class == failureClass, "\(domain)")
      #expect(found[domain]??.tls_is_cause == "yes", "\(domain)")
    }
  }
}
