import Experiment
import MailModel
import TestSupport
import Testing

/// The receivers, and what a retry must say of each.
extension ReceiverTests {
  /// What a retry at a level must say, with a client certificate or none.
  struct Expected: CustomTestStringConvertible {
    var level: TLSLevel
    var client: Bool
    var retry: ExpectedRetry

    init(
      _ name: String,
      _ level: TLSLevel,
      client: Bool = false,
      _ verdict: Verdict,
      _ rung: LadderRung? = nil,
      _ stage: Stage? = nil,
      _ failure: FailureClass? = nil
    ) {
      self.level = level
      self.client = client
      retry = ExpectedRetry(name, verdict, rung, stage, failure)
    }

    var testDescription: String { "\(retry.receiver) at \(level.rawValue)" }
  }

  static let certificates: [Expected] = [
    Expected("good", .verify, .notReproduced), Expected("good", .secure, .notReproduced),
    Expected("six", .verify, .notReproduced), Expected("wildcard", .verify, .notReproduced),
    Expected("common-name", .verify, .notReproduced),
    Expected("self-signed", .encrypt, .notReproduced),
    Expected("wrong-usage", .encrypt, .notReproduced),
    Expected(
      "expired",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateExpired
    ),
    Expected(
      "self-signed",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateSelfSigned
    ),
    Expected(
      "wrong-usage",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .validationFailure
    ),
    Expected(
      "old-middle",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateExpired
    ),
    Expected(
      "no-middle",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateNotTrusted
    ),
    Expected(
      "other-name",
      .verify,
      .tlsIsTheCause,
      .certificateName,
      .verification,
      .certificateHostMismatch
    ),
    // A wildcard names no host in particular.
    Expected(
      "other-wildcard",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateHostMismatch
    ),
  ]

  static let handshakes: [Expected] = [
    Expected(
      "half-handshake",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .handshakeDisconnected
    ),
    Expected(
      "hello-close",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .handshakeDisconnected
    ),
    Expected("hello-close", .may, .tlsIsTheCause, .plaintext, .handshake, .handshakeDisconnected),
    Expected(
      "hello-reset",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .handshakeDisconnected
    ),
    Expected("hello-text", .encrypt, .tlsIsTheCause, .plaintext, .handshake, .plaintextOnTLSPort),
    Expected("hello-noise", .encrypt, .tlsIsTheCause, .plaintext, .handshake, .plaintextOnTLSPort),
    Expected(
      "alert-handshake-failure",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .noSharedCipher
    ),
    Expected(
      "alert-insufficient-security",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .noSharedCipher
    ),
    Expected(
      "alert-protocol-version",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .protocolVersionMismatch
    ),
    Expected("alert-internal-error", .encrypt, .tlsIsTheCause, .plaintext, .handshake, .otherTLS),
    Expected(
      "new-protocol-breaks",
      .encrypt,
      .tlsIsTheCause,
      .tls12AtMost,
      .handshake,
      .handshakeDisconnected
    ),
    Expected(
      "client-required-12",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .clientCertificateRejected
    ),
    Expected(
      "client-required-13",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .clientCertificateRejected
    ),
    Expected(
      "client-required-12",
      .encrypt,
      client: true,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .clientCertificateRejected
    ),
    Expected(
      "client-required-13",
      .encrypt,
      client: true,
      .tlsIsTheCause,
      .plaintext,
      .handshake,
      .clientCertificateRejected
    ),
    Expected("client-untrusted", .verify, .notReproduced),
    Expected(
      "client-untrusted",
      .verify,
      client: true,
      .tlsIsTheCause,
      .noClientCertificate,
      .handshake,
      .clientCertificateRejected
    ),
    Expected("tls-close-ehlo", .encrypt, .tlsIsTheCause, .plaintext, .ehloAgain, .connectionLost),
    Expected("tls-close-mail", .encrypt, .tlsIsTheCause, .plaintext, .mail, .connectionLost),
  ]

  static let conversations: [Expected] = [
    Expected("plain", .may, .notReproduced), Expected("old-words", .encrypt, .notReproduced),
    Expected("plain", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .startTLSNotSupported),
    Expected("ehlo-500", .may, .notReproduced),
    Expected("ehlo-500", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .startTLSNotSupported),
    Expected("ehlo-mangled", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .startTLSStripped),
    Expected("banner-fixup", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .startTLSStripped),
    Expected("starttls-500", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .startTLSStripped),
    Expected("starttls-454", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .startTLSRefused),
    Expected("starttls-454", .may, .notReproduced),
    Expected("starttls-421", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .rateLimited),
    Expected("starttls-two-lines", .verify, .notReproduced),
    Expected("starttls-injection", .verify, .notReproduced),
    Expected("tls-550", .encrypt, .tlsIsTheCause, .plaintext, .rcpt, .policyRejected),
    Expected("tls-451", .encrypt, .tlsIsTheCause, .plaintext, .rcpt, .other),
    Expected("clear-550", .encrypt, .notReproduced),
    Expected("clear-needs-tls", .encrypt, .notReproduced),
    Expected("clear-needs-tls", .none, .receiverDemandsTLS, nil, .mail, .tlsRequiredByReceiver),
    Expected(
      "stripped-needs-tls",
      .may,
      .receiverDemandsTLS,
      nil,
      .mail,
      .tlsRequiredByReceiver
    ),
    Expected(
      "clear-needs-tls-expired",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateExpired
    ),
    Expected(
      "close-and-full",
      .encrypt,
      .secondFaultBehindTLS,
      nil,
      .starttls,
      .handshakeDisconnected
    ),
    Expected("banner-554", .encrypt, .tlsIsNotTheCause, nil, .banner, .policyRejected),
    Expected("banner-421", .encrypt, .tlsIsNotTheCause, nil, .banner, .rateLimited),
    Expected("banner-close", .encrypt, .tlsIsNotTheCause, nil, .banner, .connectionLost),
    Expected("banner-http", .encrypt, .tlsIsNotTheCause, nil, .banner, .other),
    Expected("ehlo-close", .encrypt, .tlsIsNotTheCause, nil, .ehlo, .connectionLost),
    Expected("mail-reset", .encrypt, .tlsIsNotTheCause, nil, .mail, .connectionLost),
    Expected("rcpt-reset", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .connectionLost),
    Expected("rcpt-greylist", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .greylisted),
    Expected("rcpt-full", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .mailboxFull),
    Expected("rcpt-unknown", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .mailboxUnavailable),
    Expected("data-silence", .encrypt, .notReproduced),
  ]

  /// Alerts as RFC 8446 section 6 numbers them, received where the handshake's answer should be: who
  /// complains of a certificate complains of ours.
  static let alerts: [Expected] =
    [10, 20, 22, 47, 50, 51, 90, 109, 110, 112, 115, 120].map {
      Expected("alert-\($0)", .encrypt, .tlsIsTheCause, .plaintext, .handshake, .otherTLS)
    }
    + [42, 43, 44, 45, 46, 48, 49, 116].map {
      Expected(
        "alert-\($0)",
        .encrypt,
        .tlsIsTheCause,
        .plaintext,
        .handshake,
        .clientCertificateRejected
      )
    } + [
      Expected(
        "alert-86",
        .encrypt,
        .tlsIsTheCause,
        .plaintext,
        .handshake,
        .protocolVersionMismatch
      )
    ]

  /// What chains and receivers have beside the usual.
  static let oddities: [Expected] = [
    Expected("sni-demanded", .verify, .notReproduced),
    Expected("sni-certificate", .verify, .notReproduced),
    Expected("tls-1.3", .verify, .notReproduced), Expected("old-cipher", .encrypt, .notReproduced),
    Expected("ehlo2-554", .encrypt, .notReproduced),
    Expected(
      "constrained",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .validationFailure
    ),
    Expected(
      "ca-as-leaf",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .validationFailure
    ),
    Expected(
      "future-middle",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateNotYetValid
    ),
    Expected(
      "expired-self-signed",
      .verify,
      .tlsIsTheCause,
      .pinnedCertificate,
      .verification,
      .certificateSelfSigned
    ),
    Expected(
      "tls-1.1",
      .encrypt,
      .tlsIsTheCause,
      .olderProtocol,
      .handshake,
      .protocolVersionMismatch
    ),
    Expected(
      "anonymous",
      .encrypt,
      .tlsIsTheCause,
      .lowerSecurityLevel,
      .handshake,
      .noSharedCipher
    ),
    Expected("starttls-530", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .startTLSRefused),
    Expected("starttls-502", .encrypt, .tlsIsTheCause, .plaintext, .starttls, .startTLSRefused),
    Expected("starttls-530", .may, .notReproduced),
    Expected(
      "starttls-multiline-454",
      .encrypt,
      .tlsIsTheCause,
      .plaintext,
      .starttls,
      .startTLSRefused
    ),
    Expected(
      "helo-only-tls-later",
      .encrypt,
      .receiverDemandsTLS,
      nil,
      .starttls,
      .startTLSNotSupported
    ),
    Expected("ehlo2-421", .encrypt, .tlsIsTheCause, .plaintext, .ehloAgain, .rateLimited),
    Expected("rcpt-421", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .rateLimited),
    Expected("rcpt-550-policy", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .reputationBlocked),
    Expected("rcpt-554-relay", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .policyRejected),
    Expected("greylist-tls-words", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .greylisted),
    // The same words with and without TLS are not about TLS.
    Expected("tls-words-only", .encrypt, .tlsIsNotTheCause, nil, .rcpt, .other),
  ]
}
