import MailModel

extension Catalogue {
  /// GnuTLS. Source: gnutls lib/errors.c; the numbers are those of the reference manual.
  static let gnuTLS: [FailureRule] = [
    rule(
      "gnutls.plaintext",
      .plaintextOnTLSPort,
      .unknown,
      ["an unexpected tls packet was received", "error decoding the received tls packet"],
      .libraryReason,
      example:
        "TLS error on connection from a.example [192.0.2.1] (gnutls_handshake): An unexpected TLS packet was received.",
      "What came was no TLS, or no TLS that fits here."
    ),
    rule(
      "gnutls.length",
      .handshakeDisconnected,
      .unknown,
      ["tls packet with unexpected length"],
      .libraryReason,
      example:
        "TLS error on connection from a.example [192.0.2.1] (gnutls_handshake): A TLS packet with unexpected length was received.",
      "The connection ended during the handshake."
    ),
    rule(
      "gnutls.version",
      .protocolVersionMismatch,
      .unknown,
      ["illegal or unsupported version"],
      .libraryReason,
      example:
        "TLS session: (gnutls_handshake): A packet with illegal or unsupported version was "
        + "received.",
      "The two sides have no TLS version in common."
    ),
    rule(
      "gnutls.cipher",
      .noSharedCipher,
      .unknown,
      [
        "could not negotiate a supported cipher suite",
        "no supported cipher suites have been found", "no supported compression algorithms",
        "no common key share with peer", "no supported application protocol algorithms",
      ],
      .libraryReason,
      example: "TLS session: (gnutls_handshake): No supported cipher suites have been found.",
      "The two sides have no cipher in common."
    ),
    rule(
      "gnutls.timeout",
      .handshakeTimeout,
      .path,
      ["gnutls_handshake): timed out", "gnutls_handshake): the operation timed out"],
      .libraryReason,
      example: "TLS session: (gnutls_handshake): timed out",
      "The handshake got no answer: the peer is stuck, or large packets are lost on the way."
    ),
    rule(
      "gnutls.terminated",
      .handshakeDisconnected,
      .unknown,
      [
        "gnutls_handshake): the tls connection was non-properly terminated",
        "gnutls_handshake): error in the pull function",
        "gnutls_handshake): error in the push function", "gnutls_handshake): connection reset",
        "gnutls_handshake): broken pipe",
      ],
      .verifyError,
      example: "TLS session: (gnutls_handshake): The TLS connection was non-properly terminated.",
      "The connection ended during the handshake."
    ),
    rule(
      "gnutls.fingerprint",
      .tlsaInvalid,
      .remote,
      // Only the library's DANE check answers in these sentences.
      [
        "verification failed. the certificate differs", "verification failed. ca constrains",
        "verification failed. ca constraints", "verification failed. there were no dane",
      ],
      .verifyError,
      example:
        "TLS session: (certificate verification failed): Verification failed. The certificate differs. ",
      "The peer's certificate matches no TLSA record."
    ),
    rule(
      "gnutls.local",
      .localTLSMisconfiguration,
      .local,
      [
        "error while reading file", "certificate and the given key do not match",
        "base64 decoding error", "d-h param setting", "cert/key setup",
        "no or insufficient priorities were set", "gnutls_priority_init",
        "gnutls_certificate_set_x509", "the requested data were not available.): cert",
        "gnutls_global_init",
      ],
      .verifyError,
      unless: ["rejected"],
      example:
        "TLS error on connection from a.example [192.0.2.1] (cert/key setup: cert=/etc/ssl/x.crt key=/etc/ssl/x.key): Error while reading file.",
      "Our own certificate, key, DH file or priority string cannot be used."
    ),
    rule(
      "gnutls.close-noise",
      nil,
      .unknown,
      [
        "(recv): the tls connection was non-properly terminated",
        "(recv): error in the pull function", "(recv): connection reset",
        "(send): error in the push function", "(recv): timed out",
        "tls connection was non-properly terminated",
      ],
      .verifyError,
      unless: ["tls session:", "(gnutls_handshake)", "defer ("],
      example:
        "TLS error on connection from (test) [192.0.2.1] (recv): The TLS connection was non-properly terminated.",
      "The peer closed without saying goodbye, after the mail was through. This is no failure."
    ),
    rule(
      "gnutls.other",
      .otherTLS,
      .unknown,
      ["(gnutls_handshake)", "gnutls_handshake failed", "gnutls error", "gnutls_handshake()"],
      .serverText,
      example: "TLS session: (gnutls_handshake): Decryption has failed.",
      "The handshake failed; the library's text names no cause that we could act on."
    ),
  ]
}
