import MailModel

extension Catalogue {
  /// Windows' SSPI: status codes, their names, and the same names without prefix as Exchange and
  /// IIS write them. Source: Microsoft's SSPI status codes and winerror.h.
  static let schannel: [FailureRule] = [
    sspi(
      "untrusted-root",
      .certificateNotTrusted,
      .remote,
      codes: ["80090325", "800b0109", "800b010a", "800b0112"],
      names: ["SEC_E_UNTRUSTED_ROOT", "CERT_E_UNTRUSTEDROOT", "CERT_E_CHAINING"],
      texts: [
        "issued by an authority that is not trusted", "not trusted by the trust provider",
        "could not be built to a trusted root authority", "partialchain", "untrustedroot",
      ],
      "We do not trust the authority behind the peer's certificate, or its chain is incomplete."
    ),
    sspi(
      "wrong-name",
      .certificateHostMismatch,
      .remote,
      codes: ["80090322", "800b010f"],
      names: ["SEC_E_WRONG_PRINCIPAL", "CERT_E_CN_NO_MATCH"],
      texts: [
        "target principal name is incorrect", "cn name does not match", "subjectmismatch",
        "certificate's cn name", "remotecertificatenamemismatch", "wrongprincipal",
      ],
      "The peer's certificate is for other names than the one we connect to."
    ),
    sspi(
      "expired",
      .certificateExpired,
      .remote,
      codes: ["80090328", "800b0101"],
      names: ["SEC_E_CERT_EXPIRED", "CERT_E_EXPIRED"],
      texts: [
        "received certificate has expired", "not within its validity period", "reason:expired",
        "reason:nottimevalid", "message=certificateexpired", "message=certexpired",
        "status nottimevalid", "message=nottimevalid", "with error certexpired",
      ],
      "The peer's certificate has expired (or our clock is wrong)."
    ),
    sspi(
      "revoked",
      .certificateRevoked,
      .remote,
      codes: ["80092010", "800b010c"],
      names: ["CRYPT_E_REVOKED", "CERT_E_REVOKED"],
      texts: [
        "reason:revoked", "message=revoked", "status revoked", "certificate was explicitly revoked",
        "with error revoked",
      ],
      "The peer's certificate was revoked by its issuer. Do not work around it."
    ),
    sspi(
      "revocation-unknown",
      .validationFailure,
      .local,
      codes: ["80092012", "80092013"],
      names: ["CRYPT_E_NO_REVOCATION_CHECK", "CRYPT_E_REVOCATION_OFFLINE"],
      texts: [
        "revocation function was unable to check", "revocation server was offline",
        "revocationstatusunknown", "offlinerevocation",
      ],
      "Whether the certificate was revoked cannot be checked: our proxy, or access to the CRL."
    ),
    sspi(
      "certificate-unknown",
      .validationFailure,
      .remote,
      codes: ["80090327", "80090349", "800b0110"],
      names: ["SEC_E_CERT_UNKNOWN", "SEC_E_CERT_WRONG_USAGE", "CERT_E_WRONG_USAGE"],
      texts: [
        "with error certunknown", "with error certwrongusage", "reason:emptycertificate",
        "message=emptycertificate", "while processing the certificate",
        "remotecertificatechainerrors",
        "remotecertificatenotavailable",
      ],
      "A certificate was not accepted; the code does not say why."
    ),
    sspi(
      "version",
      .protocolVersionMismatch,
      .unknown,
      codes: ["80090302"],
      names: ["SEC_E_UNSUPPORTED_FUNCTION"],
      texts: ["with error unsupportedfunction", "requested function is not supported"],
      "The two sides have no TLS version in common."
    ),
    sspi(
      "algorithms",
      .noSharedCipher,
      .unknown,
      codes: ["80090331", "80090326"],
      names: ["SEC_E_ALGORITHM_MISMATCH", "SEC_E_ILLEGAL_MESSAGE"],
      texts: [
        "algorithmmismatch", "illegalmessage", "do not possess a common algorithm",
        "message received was unexpected or badly formatted",
      ],
      "The two sides have no version, cipher or signature in common."
    ),
    sspi(
      "token",
      .plaintextOnTLSPort,
      .unknown,
      codes: ["80090308"],
      names: ["SEC_E_INVALID_TOKEN"],
      texts: [
        "security status invalidtoken", "with error invalidtoken",
        "token supplied to the function is invalid",
        "handshake failed due to an unexpected packet format",
      ],
      "What came was no TLS."
    ),
    sspi(
      "logon",
      .clientCertificateRejected,
      .local,
      codes: ["8009030c"],
      names: ["SEC_E_LOGON_DENIED"],
      texts: ["with error logondenied"],
      "The peer denies access to the certificate that we show."
    ),
    sspi(
      "credentials",
      .localTLSMisconfiguration,
      .local,
      codes: ["8009030d", "8009030e", "80090317"],
      names: ["SEC_E_UNKNOWN_CREDENTIALS", "SEC_E_NO_CREDENTIALS"],
      texts: [
        "with error nocredentials", "with error unknowncredentials",
        "no credentials are available in the security package",
        "credentials supplied to the package were not recognized",
        "certificate specified in tlscertificatename",
        "microsoft exchange could not find a certificate", "could not load the certificate",
        "error occurred while creating a tls client credential",
        "error occurred while creating a tls server credential",
        "error occurred while creating an ssl client credential",
        "error occurred while creating an ssl server credential",
        "fatal error occurred when attempting to access the tls",
        "fatal error occurred when attempting to access the ssl",
        "unable to load the certificate", "sendconnector could not be found",
        "no suitable default server credential",
      ],
      "The private key or certificate that we are set to use cannot be used."
    ),
    sspi(
      "other",
      .otherTLS,
      .unknown,
      codes: ["80090330", "8009030f", "80090304", "80090305", "80090303"],
      names: [
        "SEC_E_DECRYPT_FAILURE", "SEC_E_MESSAGE_ALTERED", "SEC_E_INTERNAL_ERROR",
      ],
      texts: ["security status ", "a call to sspi failed", "initializesecuritycontext failed"],
      "TLS failed inside Windows' security package."
    ),
  ]

  /// What Exchange writes beside the status. Source: its documentation and public logs.
  static let exchange: [FailureRule] = [
    rule(
      "exchange.socket-error",
      .handshakeDisconnected,
      .unknown,
      ["tls negotiation failed with error socketerror"],
      .verifyError,
      example: "TLS negotiation failed with error SocketError",
      "The peer closed the connection during the handshake; often it wants another TLS version."
    ),
    rule(
      "exchange.timed-out",
      .handshakeTimeout,
      .path,
      ["tls negotiation failed with error timedout"],
      .verifyError,
      example: "TLS negotiation failed with error TimedOut",
      "The handshake got no answer in time."
    ),
    rule(
      "exchange.other",
      .otherTLS,
      .unknown,
      ["tls negotiation failed", "secure domain"],
      .alert,
      example: "TLS negotiation failed with error DecryptFailure",
      "TLS failed."
    ),
    rule(
      "exchange.starttls.missing",
      .startTLSNotSupported,
      .remote,
      ["remoteserverdoesnotsupporttls", "server does not support secure connections"],
      .verifyError,
      example: "450 4.4.317 Cannot connect to remote server "
        + "[Message=RemoteServerDoesNotSupportTls]",
      "Our policy demands TLS and the peer does not offer STARTTLS."
    ),
  ]

  /// A rule for an SSPI status under all its names.
  private static func sspi(
    _ id: String,
    _ failureClass: FailureClass,
    _ responsible: Responsible,
    codes: [String],
    names: [String],
    texts: [String],
    _ meaning: String
  ) -> FailureRule {
    rule(
      "sspi." + id,
      failureClass,
      responsible,
      codes + names + texts,
      failureClass == .otherTLS ? .serverText : .libraryReason,
      unless: failureClass == .otherTLS ? [] : ["with error socketerror"],
      example: "schannel: InitializeSecurityContext failed: \(names[0]) (0x\(codes[0]))",
      meaning
    )
  }
}
