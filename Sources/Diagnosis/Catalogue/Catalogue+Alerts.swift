import MailModel

/// One TLS alert (RFC 8446 section 6) under the names that libraries give it.
private struct TLSAlert {
  var number: Int
  /// OpenSSL's words; those of rustls and Java are the same, set otherwise.
  var name: String
  var gnuTLS: String
  var go: String

  /// How libraries write that they received it.
  var received: [String] {
    let snake = name.split(separator: " ").joined(separator: "_")
    let joined = name.split(separator: " ").joined()
    return [
      "alert \(name)", "alert number \(number)", "alert read:fatal:\(name)", "alert_\(snake)",
      "fatal alert: \(joined)", "fatal alert: \(snake)", "rxd alert: \(gnuTLS)",
      "received: \(gnuTLS)", "received.: \(gnuTLS)", "(gnutls_handshake): \(gnuTLS)",
      "error: tls: \(go)", "error reading: tls: \(go)",
    ]
  }

  /// How they write that they sent it.
  var sent: [String] { ["alert write:fatal:\(name)"] }

  static let badCertificate = TLSAlert(
    number: 42,
    name: "bad certificate",
    gnuTLS: "certificate is bad",
    go: "bad certificate"
  )
  static let unsupportedCertificate = TLSAlert(
    number: 43,
    name: "unsupported certificate",
    gnuTLS: "certificate is not supported",
    go: "unsupported certificate"
  )
  static let revoked = TLSAlert(
    number: 44,
    name: "certificate revoked",
    gnuTLS: "certificate was revoked",
    go: "revoked certificate"
  )
  static let expired = TLSAlert(
    number: 45,
    name: "certificate expired",
    gnuTLS: "certificate is expired",
    go: "expired certificate"
  )
  static let certificateUnknown = TLSAlert(
    number: 46,
    name: "certificate unknown",
    gnuTLS: "unknown certificate",
    go: "unknown certificate"
  )
  static let unknownCA = TLSAlert(
    number: 48,
    name: "unknown ca",
    gnuTLS: "ca is unknown",
    go: "unknown certificate authority"
  )
  static let accessDenied = TLSAlert(
    number: 49,
    name: "access denied",
    gnuTLS: "access was denied",
    go: "access denied"
  )
  static let certificateRequired = TLSAlert(
    number: 116,
    name: "certificate required",
    gnuTLS: "certificate is required",
    go: "certificate required"
  )
  static let handshakeFailure = TLSAlert(
    number: 40,
    name: "handshake failure",
    gnuTLS: "handshake failed",
    go: "handshake failure"
  )
  static let insufficientSecurity = TLSAlert(
    number: 71,
    name: "insufficient security",
    gnuTLS: "insufficient security",
    go: "insufficient security level"
  )
  static let protocolVersion = TLSAlert(
    number: 70,
    name: "protocol version",
    gnuTLS: "error in protocol version",
    go: "protocol version not supported"
  )
  static let inappropriateFallback = TLSAlert(
    number: 86,
    name: "inappropriate fallback",
    gnuTLS: "inappropriate fallback",
    go: "inappropriate fallback"
  )
}

extension Catalogue {
  /// An alert that we received is the peer's complaint about us, one that we sent ours about it.
  static let alerts: [FailureRule] = [
    rule(
      "alert.client-certificate",
      .clientCertificateRejected,
      .unknown,
      [
        TLSAlert.badCertificate, .unsupportedCertificate, .revoked, .expired, .certificateUnknown,
        .unknownCA, .accessDenied, .certificateRequired,
      ].flatMap(\.received) + ["alert 48", "alert 42", "alert 116", "certificate_required"],
      .alert,
      side: .sending,
      example: "error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48:",
      "The peer rejects the certificate that we show as a client, or demands one."
    ),
    rule(
      "alert.our-certificate-expired",
      .certificateExpired,
      .local,
      TLSAlert.expired.received,
      .alert,
      side: .receiving,
      example: "error:14094415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired",
      "A client rejects our certificate: it has expired."
    ),
    rule(
      "alert.our-certificate-revoked",
      .certificateRevoked,
      .local,
      TLSAlert.revoked.received,
      .alert,
      side: .receiving,
      example: "error:14094414:SSL routines:ssl3_read_bytes:sslv3 alert certificate revoked",
      "A client rejects our certificate: it was revoked."
    ),
    rule(
      "alert.our-certificate-untrusted",
      .certificateNotTrusted,
      .local,
      TLSAlert.unknownCA.received,
      .alert,
      side: .receiving,
      example:
        "error:14094418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:SSL alert number 48",
      "A client does not trust the issuer of our certificate."
    ),
    rule(
      "alert.our-certificate",
      .validationFailure,
      .local,
      [
        TLSAlert.badCertificate, .unsupportedCertificate, .certificateUnknown, .accessDenied,
      ].flatMap(\.received) + ["rejected our certificate?"],
      .alert,
      side: .receiving,
      example: "error:14094412:SSL routines:SSL3_READ_BYTES:sslv3 alert bad certificate",
      "A client rejects our certificate; such an alert does not say why."
    ),
    rule(
      "alert.no-client-certificate",
      .clientCertificateRejected,
      .remote,
      [
        "peer did not return a certificate", "no client certificate presented",
        "client certificate not trusted", "the peer did not send any certificate",
        "(gnutls_handshake): no certificate was found", "client didn't provide a certificate",
        "(gnutls_handshake): certificate is required",
      ],
      .verifyError,
      side: .receiving,
      example:
        "error:1417C0C7:SSL routines:tls_process_client_certificate:"
        + "peer did not return a certificate",
      "A client shows no certificate, or none that we take, where we demand one."
    ),
    rule(
      "alert.version",
      .protocolVersionMismatch,
      .unknown,
      (TLSAlert.protocolVersion.received + TLSAlert.inappropriateFallback.received
        + TLSAlert.protocolVersion.sent),
      .libraryReason,
      example: "TLS session: (gnutls_handshake): rxd alert: Error in protocol version",
      "The two sides have no TLS version in common."
    ),
    rule(
      "alert.no-cipher",
      .noSharedCipher,
      .unknown,
      TLSAlert.handshakeFailure.received + TLSAlert.insufficientSecurity.received
        + TLSAlert.handshakeFailure.sent + TLSAlert.insufficientSecurity.sent,
      .libraryReason,
      example: "error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40:",
      "The peer finds no cipher in common, or wants a client certificate."
    ),
    rule(
      "alert.sent-untrusted",
      .certificateNotTrusted,
      .remote,
      TLSAlert.unknownCA.sent,
      .libraryReason,
      example: "SSL_connect:SSL3 alert write:fatal:unknown CA",
      "We do not trust the authority behind the peer's certificate."
    ),
    rule(
      "alert.sent-expired",
      .certificateExpired,
      .remote,
      TLSAlert.expired.sent,
      .libraryReason,
      example: "SSL_connect:SSL3 alert write:fatal:certificate expired",
      "The peer's certificate has expired."
    ),
    rule(
      "alert.sent-certificate",
      .validationFailure,
      .remote,
      TLSAlert.badCertificate.sent + TLSAlert.certificateUnknown.sent
        + TLSAlert.unsupportedCertificate.sent,
      .libraryReason,
      example: "SSL_connect:SSL3 alert write:fatal:bad certificate",
      "We reject the peer's certificate; the text does not say why."
    ),
    rule(
      "alert.closing",
      nil,
      .unknown,
      ["alert read:warning:", "alert write:warning:"],
      .libraryReason,
      unless: ["error:"],
      example: "SSL3 alert read:warning:close notify",
      "One side says goodbye. This is no failure."
    ),
    rule(
      "alert.other",
      .otherTLS,
      .remote,
      [
        "rxd alert:", "a tls fatal alert has been received", "alert internal error",
        "alert decode error", "alert unrecognized name", "alert number", "alert decrypt error",
        "alert illegal parameter", "alert unexpected message", "alert user canceled",
        "alert read:fatal:", "alert write:fatal:", "received fatal alert", "remote error: tls:",
        "tls alert", "ssl alert",
      ],
      .serverText,
      unless: ["no tls alert"],
      example: "TLS session: (gnutls_handshake): rxd alert: Internal error",
      "The peer broke off the handshake with an alert."
    ),
  ]
}
