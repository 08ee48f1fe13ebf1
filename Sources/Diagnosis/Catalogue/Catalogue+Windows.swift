import MailModel

extension Catalogue {
  /// Events of Windows' Schannel, which name an alert by its number only. Source: Microsoft's list of
  /// Schannel events 36868 to 36888.
  static let windowsEvents: [FailureRule] = [
    rule(
      "schannel.received.certificate",
      .clientCertificateRejected,
      .local,
      certificateAlertNumbers.map { "fatal alert code is \($0)." },
      .alert,
      side: .sending,
      and: ["received from the remote endpoint"],
      example: "A fatal alert was received from the remote endpoint. The TLS protocol defined "
        + "fatal alert code is 48.",
      "The peer rejects the certificate that we show."
    ),
    rule(
      "schannel.received.own-certificate",
      .validationFailure,
      .local,
      certificateAlertNumbers.map { "fatal alert code is \($0)." },
      .alert,
      side: .receiving,
      and: ["received from the remote endpoint"],
      example: "A fatal alert was received from the remote endpoint. The TLS protocol defined "
        + "fatal alert code is 46.",
      "The sender rejects our server's certificate."
    ),
    rule(
      "schannel.sent.untrusted",
      .certificateNotTrusted,
      .remote,
      ["fatal error code is 48.", "fatal alert code is 48."],
      .alert,
      unless: ["received from the remote endpoint"],
      example: "A fatal alert was generated and sent to the remote endpoint. The TLS protocol "
        + "defined fatal error code is 48.",
      "We do not trust the CA behind the peer's certificate."
    ),
    rule(
      "schannel.sent.expired",
      .certificateExpired,
      .remote,
      ["fatal error code is 45.", "fatal alert code is 45."],
      .alert,
      unless: ["received from the remote endpoint"],
      example: "A fatal alert was generated and sent to the remote endpoint. The TLS protocol "
        + "defined fatal error code is 45.",
      "The peer's certificate has expired."
    ),
    rule(
      "schannel.sent.certificate",
      .validationFailure,
      .remote,
      [42, 43, 44, 46, 49].flatMap {
        ["fatal error code is \($0).", "fatal alert code is \($0)."]
      },
      .alert,
      unless: ["received from the remote endpoint"],
      example: "A fatal alert was generated and sent to the remote endpoint. The TLS protocol "
        + "defined fatal error code is 42.",
      "We reject the peer's certificate."
    ),
    rule(
      "schannel.alert.cipher",
      .noSharedCipher,
      .unknown,
      [40, 71].flatMap { ["fatal alert code is \($0).", "fatal error code is \($0)."] }
        + ["none of the cipher suites supported by the client application"],
      .alert,
      example: "A fatal alert was generated and sent to the remote endpoint. The TLS protocol "
        + "defined fatal error code is 40. The Windows SChannel error state is 1205.",
      "The two sides have no cipher suite in common."
    ),
    rule(
      "schannel.alert.version",
      .protocolVersionMismatch,
      .unknown,
      ["fatal alert code is 70.", "fatal error code is 70."],
      .alert,
      example: "A fatal alert was received from the remote endpoint. The TLS protocol defined "
        + "fatal alert code is 70.",
      "The two sides have no TLS version in common."
    ),
    rule(
      "schannel.alert.other",
      .otherTLS,
      .unknown,
      ["tls protocol defined fatal alert code", "tls protocol defined fatal error code"],
      .serverText,
      example: "A fatal alert was received from the remote endpoint. The TLS protocol defined "
        + "fatal alert code is 20.",
      "Schannel ended the session with an alert that names no cause we could act on."
    ),
  ]

  /// Alerts about a certificate (RFC 8446 section 6).
  private static let certificateAlertNumbers = [42, 43, 44, 45, 46, 48, 49, 116]
}
