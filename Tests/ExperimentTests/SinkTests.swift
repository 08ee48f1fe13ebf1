import Experiment
import Foundation
import MailModel
import TestSupport
import Testing

/// One receiver and what a retry must say of it.
private struct Expected {
  var id: String
  var verdict: Verdict
  var rung: LadderRung?
  var stage: Stage?
  var failure: FailureClass?

  init(
    _ id: String,
    _ verdict: Verdict,
    _ rung: LadderRung? = nil,
    _ stage: Stage? = nil,
    _ failure: FailureClass? = nil
  ) {
    self.id = id
    self.verdict = verdict
    self.rung = rung
    self.stage = stage
    self.failure = failure
  }
}

@Suite(.enabled(if: Sinks.canRun, "python3-cryptography is missing"))
struct SinkTests {
  private static let table: [Expected] = [
    Expected("ok-trusted", .notReproduced),
    Expected("ok-plain", .notReproduced),
    Expected("selfsigned-encrypt", .notReproduced),
    Expected(
      "selfsigned-verify",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateSelfSigned
    ),
    Expected(
      "untrusted-chain",
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateNotTrusted
    ),
    Expected("expired", .tlsIsTheCause, .pinnedCertificate, .verification, .certificateExpired),
    Expected("notyet", .tlsIsTheCause, .pinnedCertificate, .verification, .certificateNotYetValid),
    Expected(
      "hostname-mismatch",
      .tlsIsTheCause,
      .certificateName,
      .verification,
      .certificateHostMismatch
    ),
    Expected("tls10-only", .tlsIsTheCause, .olderProtocol, .handshake, .protocolVersionMismatch),
    Expected("no-shared-cipher", .tlsIsTheCause, .plaintext, .handshake, .noSharedCipher),
    Expected("starttls-454", .tlsIsTheCause, .plaintext, .starttls, .startTLSRefused),
    Expected("starttls-454-may", .notReproduced),
    Expected("starttls-close", .tlsIsTheCause, .plaintext, .handshake, .handshakeDisconnected),
    Expected("starttls-garbage", .tlsIsTheCause, .plaintext, .handshake, .plaintextOnTLSPort),
    Expected("no-starttls-encrypt", .tlsIsTheCause, .plaintext, .starttls, .startTLSNotSupported),
    Expected("mangled-starttls", .tlsIsTheCause, .plaintext, .starttls, .startTLSStripped),
    Expected(
      "clientcert-alert-tls12",
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .clientCertificateRejected
    ),
    Expected(
      "clientcert-alert-tls13",
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .clientCertificateRejected
    ),
    Expected(
      "clientcert-smtp-4xx",
      .tlsIsTheCause,
      .plaintext,
      .rcpt,
      .clientCertificateRejected
    ),
    Expected("must-starttls-530", .receiverDemandsTLS, nil, .mail, .tlsRequiredByReceiver),
    Expected("tls-required-451", .receiverDemandsTLS, nil, .mail, .tlsRequiredByReceiver),
    Expected("greylist-forever", .tlsIsNotTheCause, nil, .rcpt, .greylisted),
    Expected("mailbox-full", .tlsIsNotTheCause, nil, .rcpt, .mailboxFull),
    Expected("tls-noise-greylist", .tlsIsNotTheCause, nil, .rcpt, .greylisted),
    Expected("user-unknown", .tlsIsNotTheCause, nil, .rcpt, .mailboxUnavailable),
    Expected("busy-421", .tlsIsNotTheCause, nil, .banner, .rateLimited),
    Expected("slow-banner", .tlsIsNotTheCause, nil, .banner, .connectionTimeout),
    Expected("refused-encrypt", .tlsIsNotTheCause, nil, .connect, .connectionRefused),
    Expected("ratelimit-mail", .tlsIsNotTheCause, nil, .mail, .rateLimited),
    Expected(
      "double-selfsigned-unknown",
      .secondFaultBehindTLS,
      nil,
      .verification,
      .certificateSelfSigned
    ),
    Expected(
      "double-tls10-full",
      .secondFaultBehindTLS,
      nil,
      .handshake,
      .protocolVersionMismatch
    ),
  ]

  @Test(.timeLimit(.minutes(30)))
  func `each fault gets its stage, class, verdict and weakest change`() throws {
    let sinks = try Sinks(SinkTests.table.map(\.id))
    defer { sinks.stop() }
    for expected in SinkTests.table {
      let row = try sinks.row(expected.id)
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
      let first = result.trials.first { $0.rung == .asConfigured && !$0.isOK }
      #expect(result.verdict == expected.verdict, "\(row.id): \(result.explanation)")
      #expect(result.weakestChange == expected.rung, "\(row.id)")
      #expect(first?.failedStage == expected.stage, "\(row.id)")
      #expect(first?.failureClass == expected.failure, "\(row.id)")
    }
  }
}
