import Experiment
import Foundation
import MailModel
import TestSupport
import Testing

@Suite(.enabled(if: Sinks.canRun, "python3-cryptography is missing"))
struct SinkTests {
  private static let table: [ExpectedRetry] = [
    ExpectedRetry("ok-trusted", .notReproduced),
    ExpectedRetry("ok-plain", .notReproduced),
    ExpectedRetry("selfsigned-encrypt", .notReproduced),
    ExpectedRetry(
      "selfsigned-verify",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateSelfSigned
    ),
    ExpectedRetry(
      "untrusted-chain",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateNotTrusted
    ),
    ExpectedRetry(
      "expired",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateExpired
    ),
    ExpectedRetry(
      "notyet",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateNotYetValid
    ),
    ExpectedRetry(
      "hostname-mismatch",
      .tlsIsTheCause,
      .certificateName,
      .verification,
      .certificateHostMismatch
    ),
    ExpectedRetry(
      "tls10-only",
      .tlsIsTheCause,
      .olderProtocol,
      .handshake,
      .protocolVersionMismatch
    ),
    ExpectedRetry("no-shared-cipher", .tlsIsTheCause, .plaintext, .handshake, .noSharedCipher),
    ExpectedRetry("starttls-454", .tlsIsTheCause, .plaintext, .starttls, .startTLSRefused),
    ExpectedRetry("starttls-454-may", .notReproduced),
    ExpectedRetry("starttls-close", .tlsIsTheCause, .plaintext, .handshake, .handshakeDisconnected),
    ExpectedRetry("starttls-garbage", .tlsIsTheCause, .plaintext, .handshake, .plaintextOnTLSPort),
    ExpectedRetry(
      "no-starttls-encrypt",
      .tlsIsTheCause,
      .plaintext,
      .starttls,
      .startTLSNotSupported
    ),
    ExpectedRetry("mangled-starttls", .tlsIsTheCause, .plaintext, .starttls, .startTLSStripped),
    ExpectedRetry(
      "clientcert-alert-tls12",
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .clientCertificateRejected
    ),
    ExpectedRetry(
      "clientcert-alert-tls13",
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .clientCertificateRejected
    ),
    ExpectedRetry(
      "clientcert-smtp-4xx",
      .tlsIsTheCause,
      .plaintext,
      .rcpt,
      .clientCertificateRejected
    ),
    ExpectedRetry("must-starttls-530", .receiverDemandsTLS, nil, .mail, .tlsRequiredByReceiver),
    ExpectedRetry("tls-required-451", .receiverDemandsTLS, nil, .mail, .tlsRequiredByReceiver),
    ExpectedRetry("greylist-forever", .tlsIsNotTheCause, nil, .rcpt, .greylisted),
    ExpectedRetry("mailbox-full", .tlsIsNotTheCause, nil, .rcpt, .mailboxFull),
    ExpectedRetry("tls-noise-greylist", .tlsIsNotTheCause, nil, .rcpt, .greylisted),
    ExpectedRetry("user-unknown", .tlsIsNotTheCause, nil, .rcpt, .mailboxUnavailable),
    ExpectedRetry("busy-421", .tlsIsNotTheCause, nil, .banner, .rateLimited),
    ExpectedRetry("slow-banner", .tlsIsNotTheCause, nil, .banner, .connectionTimeout),
    ExpectedRetry("refused-encrypt", .tlsIsNotTheCause, nil, .connect, .connectionRefused),
    ExpectedRetry("ratelimit-mail", .tlsIsNotTheCause, nil, .mail, .rateLimited),
    ExpectedRetry(
      "double-selfsigned-unknown",
      .secondFaultBehindTLS,
      nil,
      .verification,
      .certificateSelfSigned
    ),
    ExpectedRetry(
      "double-tls10-full",
      .secondFaultBehindTLS,
      nil,
      .handshake,
      .protocolVersionMismatch
    ),
  ]

  @Test(.timeLimit(.minutes(30)))
  func `each fault gets its stage, class, verdict and weakest change`() throws {
    let sinks = try Sinks(SinkTests.table.map(\.receiver))
    defer { sinks.stop() }
    for expected in SinkTests.table {
      let row = try sinks.row(expected.receiver)
      let host = try #require(row.hosts.first)
      var policy = TLSPolicy(
        level: try #require(TLSLevel(rawValue: row.policy)),
        origin: .destination,
        caFile: sinks.directory + "/pki/trusted-ca.pem"
      )
      if row.id.hasPrefix("clientcert") {
        policy.clientCertificate = sinks.directory + "/pki/client-selfsigned.crt"
        policy.clientKey = sinks.directory + "/pki/client-selfsigned.key"
      }
      var base = TrialSettings(
        rung: .asConfigured,
        address: host.ip,
        port: sinks.port,
        demand: TLSDemand(
          policy: policy,
          domain: row.domain,
          host: host.name,
          tlsa: { .nothing(isSecure: false) }
        ),
        heloName: "sender.example"
      )
      base.recipient = "postmaster@\(row.domain)"
      base.timeout = 2
      var dice = Dice(state: 3)
      let result = RetryExperiment(
        base: base,
        mayTryInClear: true,
        isDestination: true,
        repeats: 1
      ).run(attempt: TrialRun.run, pause: {}, random: &dice)
      #expect(expected.differences(from: ToldRetry(result)) == [])
    }
  }
}
