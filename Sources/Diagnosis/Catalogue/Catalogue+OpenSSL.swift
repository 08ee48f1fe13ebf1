import MailModel

extension Catalogue {
  /// OpenSSL's reasons. Source: sslerr.h and err.c; texts of 1.0, 1.1, 3.x and LibreSSL.
  static let openSSL: [FailureRule] = [
    rule(
      "openssl.no-shared-cipher",
      .noSharedCipher,
      .unknown,
      [
        "no shared cipher", "no ciphers available", "no cipher match", "no shared group",
        "no suitable key share", "no suitable groups", "no compatible cipher",
        "err_ssl_no_cipher_overlap", "no_shared_cipher", "no_ciphers_available",
        "wrong cipher returned", "no matching cipher", "no ciphers specified", "no ciphers passed",
        "unsupported elliptic curve",
        "wrong curve", "no cipher list", "unknown cipher returned",
      ],
      .libraryReason,
      example: "error:1417A0C1:SSL routines:tls_post_process_client_hello:no shared cipher",
      "The two sides have no cipher, group or signature in common."
    ),
    rule(
      "openssl.no-protocols",
      .localTLSMisconfiguration,
      .local,
      ["no protocols available", "no_protocols_available", "library has no ciphers"],
      .libraryReason,
      example: "error:140740BF:SSL routines:SSL23_CLIENT_HELLO:no protocols available",
      "Our own settings leave no TLS version or cipher to use."
    ),
    rule(
      "openssl.version",
      .protocolVersionMismatch,
      .unknown,
      [
        "unsupported protocol", "unsupported_protocol", "version too low", "version too high",
        "wrong ssl version", "bad protocol version number", "unsafe legacy renegotiation disabled",
        "unsafe_legacy_renegotiation", "inappropriate fallback", "unsupported ssl protocol version",
        "protocol version not supported", "version_too_low", "wrong_ssl_version",
        "legacy renegotiation",
      ],
      .libraryReason,
      example:
        "error:14209102:SSL routines:tls_early_post_process_client_hello:unsupported protocol",
      "The two sides have no TLS version in common."
    ),
    rule(
      "openssl.old-hello",
      .protocolVersionMismatch,
      .unknown,
      ["process_client_hello:unknown protocol", "get_client_hello:wrong version number"],
      .libraryReason,
      unless: ["ssl23_get_client_hello"],
      example: "error:1417D0FC:SSL routines:tls_process_client_hello:unknown protocol",
      "A client speaks a TLS version that we do not take."
    ),
    rule(
      "openssl.plaintext",
      .plaintextOnTLSPort,
      .unknown,
      [
        "wrong version number", "wrong_version_number", "http request", "http_request",
        "https proxy request", "unknown protocol", "unknown_protocol", "packet length too long",
        "record layer failure",
      ],
      .libraryReason,
      example: "error:0A00010B:SSL routines::wrong version number",
      "What came was no TLS: plain text on a TLS port, or a proxy's error page."
    ),
    rule(
      "openssl.local",
      .localTLSMisconfiguration,
      .local,
      [
        "key values mismatch", "x509_load_cert_crl_file", "use_certificate_chain_file",
        "use_privatekey_file", "use_certificate_file", "ssl_ctx_use_certificate",
        "ssl_ctx_use_privatekey", "ssl_ctx_use_rsaprivatekey", "ssl_ctx_load_verify_locations",
        "check_private_key", "pem routines", "no start line", "missing private key",
        "no certificate assigned", "evp lib", "bad decrypt", "bad end line", "bad base64 decode",
        "error:0b080074", "error:05800074", "system lib", "bio routines", "dso support routines",
        "configuration file routines", "engine routines", "fips routines", "bignum routines",
        "asn1 encoding routines", "dh routines", "error:02001", "rand_bytes", "prng not seeded",
        "unable to load config", "invalid command", "unable to load certificate",
      ],
      .libraryReason,
      unless: ["certificate verify failed", "rejected"],
      example:
        "TLS library problem: error:0B080074:x509 certificate routines:X509_check_private_key:"
        + "key values mismatch:x509_cmp.c:330:",
      "Our own certificate, key, CA file or OpenSSL setting cannot be used."
    ),
    rule(
      "openssl.eof",
      .handshakeDisconnected,
      .unknown,
      [
        "unexpected eof while reading", "unexpected_eof_while_reading",
        "decryption failed or bad record mac", "eof occurred in violation of protocol",
        "ssl_error_syscall", "ssl_error_zero_return",
      ],
      .alert,
      unless: ["read error=generic ssl error"],
      example: "error:0A000126:SSL routines::unexpected eof while reading",
      "The peer, or something on the way, closed the connection during the handshake."
    ),
    rule(
      "openssl.connect-stopped",
      .handshakeDisconnected,
      .unknown,
      [
        "(ssl_accept): ret 5", "(ssl_connect): ret 5", "(ssl_accept): connection reset",
        "(ssl_connect): connection reset", "(ssl_connect): broken pipe",
        "(ssl_accept): broken pipe", "ssl_accept: tcp connection closed by peer",
        "ssl_connect: tcp connection closed by peer", "(ssl_connect): ret 0", "(ssl_accept): ret 0",
        // Nothing on OpenSSL's error queue: it was the socket that ended.
        "(ssl_connect): error:00000000:lib(0)", "(ssl_accept): error:00000000:lib(0)",
        // The same as it is stored, with long numbers folded.
        "(ssl_connect): error:<n>:lib(0)", "(ssl_accept): error:<n>:lib(0)",
        "ssl_error=5, errno=104", "ssl_error=5, errno=32", "ssl_error=5, errno=0",
      ],
      .libraryReason,
      example: "TLS session: (SSL_connect): ret 5",
      "The connection ended during the handshake."
    ),
    rule(
      "openssl.timeout",
      .handshakeTimeout,
      .path,
      [
        "ssl_connect): timed out", "ssl_accept): timed out", "tls lib connect fn): timed out",
        "ssl_connect error: timeout", "ssl_accept error: timeout",
        "reason=unknown, ssl_error=5, errno=110", "handshake operation timed out",
      ],
      .libraryReason,
      example: "TLS session: (tls lib connect fn): timed out",
      "The handshake got no answer: the peer is stuck, or large packets are lost on the way."
    ),
    rule(
      "openssl.accept-eof",
      .handshakeDisconnected,
      .unknown,
      ["ssl_accept error from "],
      .libraryReason,
      side: .receiving,
      unless: [": -1", "timed out"],
      example: "SSL_accept error from mx.example.net[192.0.2.1]: 0",
      "A client ended the connection during the handshake."
    ),
    rule(
      "openssl.other",
      .otherTLS,
      .unknown,
      [
        "ssl routines", "tls library problem", "error:0a000", "error:140", "error:141",
        "error:142", "ssl_error_", "unexpected message", "ssl library error",
        "tlsv1 unrecognized name", "(ssl_connect)", "(ssl_accept)", "ssl_connect error",
        "ssl_accept error", "ssl_connect() failed", "ssl_accept() failed", "ssl_write",
        "ssl_read", "ssl handshake", "ssl negotiation",
      ],
      .serverText,
      example: "TLS session: (SSL_connect): error:0A0000B5:SSL routines::missing verify message",
      "TLS failed; the library does not say why."
    ),
  ]
}
