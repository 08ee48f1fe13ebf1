import COpenSSL
package import MailModel

/// From OpenSSL's own numbers and from failures of the wire to our classes.
enum FailureNumbers {
  /// A verify result (`X509_V_ERR_…`).
  static func verification(_ code: Int) -> FailureClass {
    switch Int32(code) {
    case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CRL_HAS_EXPIRED,
      X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
      .certificateExpired
    case X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CRL_NOT_YET_VALID,
      X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
      .certificateNotYetValid
    case X509_V_ERR_CERT_REVOKED: .certificateRevoked
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: .certificateSelfSigned
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_CERT_UNTRUSTED,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      .certificateNotTrusted
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_EMAIL_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      .certificateHostMismatch
    case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL: .weakKey
    case X509_V_ERR_CA_MD_TOO_WEAK: .weakSignature
    case X509_V_ERR_DANE_NO_MATCH: .tlsaInvalid
    default: .validationFailure
    }
  }

  /// A failure during the handshake, or at the first reading after it. `facts` are those of the
  /// broken session.
  static func handshake(_ failure: WireFailure, _ facts: TLSFacts?) -> FailureClass {
    let asksForCertificate = facts?.isClientCertificateRequested ?? false
    switch failure.kind {
    case .timeout: return .handshakeTimeout
    case .closed, .reset: return .handshakeDisconnected
    case .local: return .localTLSMisconfiguration
    case .refused, .unreachable, .ourselves: return .handshakeDisconnected
    case .tooMuch, .nonsense: return .otherTLS
    case .tls: break
    }
    switch Int32(failure.reason) {
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG,
      SSL_R_RECORD_LENGTH_MISMATCH:
      return .plaintextOnTLSPort
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_UNKNOWN_PROTOCOL,
      SSL_R_WRONG_SSL_VERSION, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_VERSION_TOO_LOW,
      SSL_R_VERSION_TOO_HIGH, SSL_R_TLSV1_ALERT_INAPPROPRIATE_FALLBACK,
      SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
      return .protocolVersionMismatch
    case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
      // TLS 1.0 and 1.1 sign with nothing else: there, the version is at fault.
      return facts?.version == "TLSv1.2" ? .weakSignature : .protocolVersionMismatch
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return asksForCertificate ? .clientCertificateRejected : .noSharedCipher
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, SSL_R_NO_SHARED_CIPHER,
      SSL_R_WRONG_CIPHER_RETURNED, SSL_R_UNKNOWN_CIPHER_RETURNED, SSL_R_NO_CIPHERS_AVAILABLE:
      return .noSharedCipher
    case SSL_R_DH_KEY_TOO_SMALL, SSL_R_EE_KEY_TOO_SMALL, SSL_R_CA_KEY_TOO_SMALL: return .weakKey
    case SSL_R_CA_MD_TOO_WEAK, SSL_R_WRONG_SIGNATURE_TYPE,
      SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
      return .weakSignature
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
      SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
      SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
      SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return .clientCertificateRejected
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return .handshakeDisconnected
    default: return .otherTLS
    }
  }

  /// A failure of the wire outside TLS.
  static func wire(_ failure: WireFailure, stage: Stage) -> FailureClass {
    switch failure.kind {
    case .refused: .connectionRefused
    case .timeout: .connectionTimeout
    case .unreachable: stage == .connect ? .connectionTimeout : .connectionLost
    case .ourselves: stage == .connect ? .localFailure : .connectionLost
    case .tls, .local: .otherTLS
    case .closed, .reset: .connectionLost
    case .tooMuch, .nonsense: .other
    }
  }
}

extension TLSFacts {
  /// What verification makes of the chain; nil where it is trusted.
  package var verificationFailure: FailureClass? {
    verifyCode == 0 ? nil : FailureNumbers.verification(verifyCode)
  }
}
