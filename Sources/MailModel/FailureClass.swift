/// Why a delivery attempt failed: the vocabulary of the product.
///
/// TLS classes follow the result types of RFC 8460 section 4.3 where one fits and are finer where
/// RFC 8460 is too coarse to act on.
package enum FailureClass: String, CaseIterable, Hashable, Sendable {
  case startTLSNotSupported = "starttls-not-supported"
  case certificateHostMismatch = "certificate-host-mismatch"
  case certificateExpired = "certificate-expired"
  case certificateNotTrusted = "certificate-not-trusted"
  case validationFailure = "validation-failure"
  case tlsaInvalid = "tlsa-invalid"
  case dnssecInvalid = "dnssec-invalid"
  case daneRequired = "dane-required"
  case stsPolicyFetchError = "sts-policy-fetch-error"
  case stsPolicyInvalid = "sts-policy-invalid"
  case stsWebPKIInvalid = "sts-webpki-invalid"

  case certificateSelfSigned = "certificate-self-signed"
  case certificateNotYetValid = "certificate-not-yet-valid"
  case certificateRevoked = "certificate-revoked"
  case clientCertificateRejected = "client-certificate-rejected"
  case protocolVersionMismatch = "protocol-version-mismatch"
  case noSharedCipher = "no-shared-cipher"
  case weakKey = "weak-key"
  case weakSignature = "weak-signature"
  case startTLSRefused = "starttls-refused"
  case startTLSStripped = "starttls-stripped"
  case plaintextOnTLSPort = "plaintext-on-tls-port"
  case handshakeTimeout = "handshake-timeout"
  case handshakeDisconnected = "handshake-disconnected"
  case tlsRequiredByReceiver = "tls-required-by-receiver"
  case localTLSMisconfiguration = "local-tls-misconfiguration"
  case otherTLS = "other-tls"

  case greylisted
  case mailboxFull = "mailbox-full"
  case mailboxUnavailable = "mailbox-unavailable"
  case connectionRefused = "connection-refused"
  case connectionTimeout = "connection-timeout"
  case connectionLost = "connection-lost"
  case dnsFailure = "dns-failure"
  case rateLimited = "rate-limited"
  case policyRejected = "policy-rejected"
  case reputationBlocked = "reputation-blocked"
  case authenticationFailure = "authentication-failure"
  case messageTooLarge = "message-too-large"
  case contentRejected = "content-rejected"
  case localFailure = "local-failure"
  case other

  /// Whether the failure is one of TLS.
  package var isTLS: Bool {
    switch self {
    case .greylisted, .mailboxFull, .mailboxUnavailable, .connectionRefused, .connectionTimeout,
      .connectionLost, .dnsFailure, .rateLimited, .policyRejected, .reputationBlocked,
      .authenticationFailure, .messageTooLarge, .contentRejected, .localFailure, .other:
      false
    default: true
    }
  }

  /// The RFC 8460 section 4.3 result type for TLS-RPT output; nil for a failure that is not TLS.
  package var rfc8460: String? {
    switch self {
    case .startTLSNotSupported, .startTLSStripped, .startTLSRefused: "starttls-not-supported"
    case .certificateHostMismatch, .certificateExpired, .certificateNotTrusted, .tlsaInvalid,
      .dnssecInvalid, .daneRequired, .stsPolicyFetchError, .stsPolicyInvalid, .stsWebPKIInvalid:
      rawValue
    case .certificateSelfSigned: "certificate-not-trusted"
    default: isTLS ? "validation-failure" : nil
    }
  }

  /// A family that says less than its members: a server that logs one text for every certificate
  /// fault gives only this.
  package var isCoarse: Bool {
    switch self {
    case .validationFailure, .otherTLS, .other: true
    default: false
    }
  }
}

/// Who has to act on a failure.
package enum Responsible: String, CaseIterable, Hashable, Sendable {
  /// The receiving side's operator.
  case remote
  /// Us.
  case local
  /// Something between the two: a firewall, a proxy, path MTU.
  case path
  case unknown
}

/// The side of the SMTP session on which a line was written.
package enum Side: String, CaseIterable, Hashable, Sendable {
  case sending
  case receiving
}

/// Whether TLS is why mail is or was held up or returned.
package enum TLSCause: String, CaseIterable, Hashable, Sendable {
  case yes
  case no
  case unclear
}
