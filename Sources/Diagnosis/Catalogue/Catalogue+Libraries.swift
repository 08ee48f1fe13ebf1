import MailModel

extension Catalogue {
  /// OpenSSL's reasons. Source: sslerr.h; texts of 1.0, 1.1, 3.x and LibreSSL.
  static let libraryReasons: [FailureRule] = [
    rule(
      "openssl.no-shared-cipher",
      .noSharedCipher,
      .unknown,
      [
        "no shared cipher", "no ciphers available", "no cipher match", "no shared group",
        "no suitable key share", "no compatible cipher", "err_ssl_no_cipher_overlap",
      ],
      .libraryReason,
      example: "error:1417A0C1:SSL routines:tls_post_process_client_hello:no shared cipher",
      "The two sides have no cipher, group or signature in common."
    ),
    rule(
      "openssl.no-protocols",
      .localTLSMisconfiguration,
      .local,
      ["no protocols available"],
      .libraryReason,
      example: "error:140740BF:SSL routines:SSL23_CLIENT_HELLO:no protocols available",
      "Our own settings leave no TLS version to use."
    ),
    rule(
      "openssl.version",
      .protocolVersionMismatch,
      .unknown,
      [
        "unsupported protocol", "version too low", "version too high", "wrong ssl version",
        "unsafe legacy renegotiation disabled", "inappropriate fallback",
        "unsupported ssl protocol version", "protocol version not supported",
        "tlsv1 alert protocol version", "alert protocol version", "alert number 70",
      ],
      .libraryReason,
      example:
        "error:14209102:SSL routines:tls_early_post_process_client_hello:unsupported protocol",
      "The two sides have no TLS version in common."
    ),
    rule(
      "openssl.plaintext",
      .plaintextOnTLSPort,
      .unknown,
      ["wrong version number", "http request", "unknown protocol", "packet length too long"],
      .libraryReason,
      unless: ["tls_process_client_hello:unknown protocol"],
      example: "error:0A00010B:SSL routines::wrong version number",
      "What came was no TLS: plain text on a TLS port, or a proxy's error page."
    ),
    rule(
      "openssl.old-hello",
      .protocolVersionMismatch,
      .unknown,
      ["tls_process_client_hello:unknown protocol"],
      .libraryReason,
      side: .receiving,
      example: "error:1417D0FC:SSL routines:tls_process_client_hello:unknown protocol",
      "A client speaks a TLS version that we do not take."
    ),
    rule(
      "openssl.eof",
      .handshakeDisconnected,
      .unknown,
      ["unexpected eof while reading", "decryption failed or bad record mac"],
      .alert,
      unless: ["read error=generic ssl error"],
      example: "error:0A000126:SSL routines::unexpected eof while reading",
      "The peer, or something on the way, closed the connection during the handshake."
    ),
    rule(
      "openssl.local",
      .localTLSMisconfiguration,
      .local,
      [
        "key values mismatch", "x509_load_cert_crl_file", "use_certificate_chain_file",
        "use_privatekey_file", "ssl_ctx_use_certificate", "ssl_ctx_use_privatekey",
        "pem routines", "no start line", "missing private key", "evp lib", "bad decrypt",
        "error while reading file", "certificate and the given key do not match",
        "d-h param setting",
        "cert/key setup", "error loading", "load verify locs", "no private key",
        "could not stat", "tls support not available", "unsafe: ", "unknown_credentials",
        "nocredentials", "unknowncredentials", "no_credentials", "0x8009030d", "0x8009030e",
        "certificate specified in tlscertificatename", "client tls configuration problem",
        "invalid security level", "no server certs available", "tls engine is unavailable",
        "cannot load ca", "cannot load certificate authority", "disabling tls support",
        "no entropy for tls", "invalid tls protocol list", "starttls disabled locally",
        "tls required for action", "tls required for relaying", "reason=tls-failure",
        "reason=tls-connect-failed", "reason=ca-failure", "badbindings", "tls error initializing",
        "tls unable to load", "sslcertificatefile", "smtps wrappermode", "arg1=config",
        "no certificate matches", "failed to load certificate", "failed to load private key",
        "no such file or directory): tls", "bad end line", "unable to load certificate",
        "private key does not match", "error:0b080074", "error:05800074", "system lib",
        "microsoft exchange could not find a certificate", "12014",
      ],
      .verifyError,
      unless: ["rejected", "unsafe legacy", "certificate verify failed"],
      example:
        "TLS error on connection from a.example [192.0.2.1] (cert/key setup: cert=/etc/ssl/x.crt key=/etc/ssl/x.key): Error while reading file.",
      "Our own certificate, key, CA file or TLS setting cannot be used."
    ),
    rule(
      "openssl.timeout",
      .handshakeTimeout,
      .path,
      [
        "tls lib connect fn): timed out", "tls connect failed: timed out",
        "ssl_connect): timed out",
        "gnutls_handshake): timed out", "handshake timed out", "tls handshake timeout",
        "handshake timeout", "reason=unknown, ssl_error=5, errno=110", "the operation timed out",
        "starttls response: timed out", "ciphertext read/write timeout",
        "timed out while receiving the starttls response", "timed out during tls",
        "ssl_connect error: timeout", "tls negotiation failed with error timedout",
        "connect failed=-1, reason=unknown, ssl_error=2",
      ],
      .libraryReason,
      example: "TLS session: (tls lib connect fn): timed out",
      "The handshake got no answer: the peer is stuck, or large packets are lost on the way."
    ),
    rule(
      "openssl.disconnected",
      .handshakeDisconnected,
      .unknown,
      [
        "lost connection after starttls", "ssl_accept: tcp connection closed by peer",
        "ssl_connect: tcp connection closed by peer", "tls connection closed by peer",
        "ssl_error=5, errno=104", "ssl_error=5, errno=0", "(ssl_accept): ret 5",
        "while receiving the starttls response",
        "in response to tls-on-connect", "error in the pull function", "error in the push function",
        "non-properly terminated", "failed with error socketerror", "connection reset during",
        "client network socket disconnected before secure tls", "ehlo after startls failed",
        "ssl: connection reset", "starttls: connection closed",
        "gnutls_handshake): connection reset",
        "tls session: error on first read",
      ],
      .libraryReason,
      unless: ["(recv)", "recv: the tls", "dropped due to socketerror"],
      example: "lost connection after STARTTLS from unknown[192.0.2.1]",
      "The connection ended during the handshake."
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
        "ssl routines", "tls library problem", "error:0a000", "ssl_error_", "tls handshake failed",
        "tls negotiation failed", "tls connect failed", "tls session: (", "unexpected message",
        "ssl handshake", "handshake failure", "tlsv1 unrecognized name", "handshake failed",
        "ssl library error", "tls error on connection", "starttls=client, error:",
        "starttls=server, error:", "starttls: write error", "tls alert", "illegal_message",
        "tls connected to", "io error: error:", "greeting failed", "opportunistic tls failed",
      ],
      .enhancedStatus,
      unless: ["non-properly terminated", "starttls: read error", "no tls alert"],
      example: "TLS handshake failed for service=smtpd peer=[192.0.2.1]:51818",
      "TLS failed; the text does not say why."
    ),
    rule(
      "gnutls.close-noise",
      nil,
      .unknown,
      [
        "(recv): the tls connection was non-properly terminated",
        "(recv): error in the pull function",
        "starttls: read error=generic ssl error", "(send): error in the push function",
        "tls connection was non-properly terminated",
      ],
      .verifyError,
      unless: ["tls session:", "(gnutls_handshake)", "defer ("],
      example:
        "TLS error on connection from (test) [192.0.2.1] (recv): The TLS connection was non-properly terminated.",
      "The peer closed without saying goodbye, after the mail was through. This is no failure."
    ),
  ]

  /// TLS alerts (RFC 8446 section 6): an alert that we received is the peer's complaint about us.
  static let alerts: [FailureRule] = [
    rule(
      "alert.client-certificate",
      .clientCertificateRejected,
      .unknown,
      [
        "alert unknown ca", "alert bad certificate", "alert certificate unknown",
        "alert certificate expired", "alert certificate revoked", "alert unsupported certificate",
        "alert access denied", "alert certificate required", "alert number 42", "alert number 43",
        "alert number 44", "alert number 45", "alert number 46", "alert number 48",
        "alert number 49", "alert number 116", "rxd alert: ca is unknown",
        "rxd alert: certificate is bad", "rxd alert: unknown certificate",
        "rxd alert: certificate is expired", "rxd alert: certificate was revoked",
        "rxd alert: certificate is required", "rxd alert: certificate is not supported",
        "rxd alert: access was denied", "received: ca is unknown", "received: certificate is bad",
        "received: unknown certificate", "received: certificate is expired",
        "received: certificate is required", "received: certificate was revoked",
        "(gnutls_handshake): ca is unknown", "(gnutls_handshake): certificate is bad",
        "(gnutls_handshake): unknown certificate", "(gnutls_handshake): certificate is required",
        "(gnutls_handshake): certificate is expired", "alert 48", "alert 42", "alert 116",
        "logondenied", "0x8009030c",
      ],
      .verifyError,
      side: .sending,
      example: "error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48:",
      "The peer rejects the certificate that we show as a client, or demands one."
    ),
    rule(
      "alert.our-certificate-expired",
      .certificateExpired,
      .local,
      ["alert certificate expired", "alert number 45", "received: certificate is expired"],
      .verifyError,
      side: .receiving,
      example: "error:14094415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired",
      "A client rejects our certificate: it has expired."
    ),
    rule(
      "alert.our-certificate-untrusted",
      .certificateNotTrusted,
      .local,
      ["alert unknown ca", "alert number 48", "received: ca is unknown"],
      .verifyError,
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
        "alert bad certificate", "alert certificate unknown", "alert unsupported certificate",
        "alert number 42", "alert number 43", "alert number 46", "received: certificate is bad",
        "received: unknown certificate", "received: certificate is not supported",
      ],
      .verifyError,
      side: .receiving,
      example: "error:14094412:SSL routines:SSL3_READ_BYTES:sslv3 alert bad certificate",
      "A client rejects our certificate."
    ),
    rule(
      "alert.no-client-certificate",
      .clientCertificateRejected,
      .remote,
      [
        "peer did not return a certificate", "no client certificate presented",
        "client certificate not trusted", "the peer did not send any certificate",
      ],
      .verifyError,
      side: .receiving,
      example:
        "error:1417C0C7:SSL routines:tls_process_client_certificate:peer did not return a certificate",
      "A client shows no certificate, or none that we take, where we demand one."
    ),
    rule(
      "alert.version",
      .protocolVersionMismatch,
      .unknown,
      [
        "rxd alert: error in protocol version", "received: error in protocol version",
        "illegal or unsupported version", "unsupportedfunction", "0x80090302",
      ],
      .libraryReason,
      example: "TLS session: (gnutls_handshake): rxd alert: Error in protocol version",
      "The two sides have no TLS version in common."
    ),
    rule(
      "alert.no-cipher",
      .noSharedCipher,
      .unknown,
      [
        "alert handshake failure", "alert number 40", "alert insufficient security",
        "alert number 71", "rxd alert: handshake failed", "rxd alert: insufficient security",
        "received: handshake failed", "algorithmmismatch", "illegalmessage", "0x80090331",
        "0x80090326", "encryption too weak",
      ],
      .libraryReason,
      unless: ["encryption too weak 0 less"],
      example: "error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40:",
      "The peer finds no cipher in common, or wants a client certificate."
    ),
    rule(
      "alert.other",
      .otherTLS,
      .remote,
      [
        "rxd alert:", "a tls fatal alert has been received", "alert internal error",
        "alert decode error", "alert unrecognized name", "alert number", "alert decrypt error",
        "alert illegal parameter", "alert unexpected message", "alert user canceled",
      ],
      .serverText,
      example: "TLS session: (gnutls_handshake): rxd alert: Internal error",
      "The peer broke off the handshake with an alert."
    ),
  ]

  /// GnuTLS. Source: gnutls lib/errors.c.
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
      "gnutls.cipher",
      .noSharedCipher,
      .unknown,
      [
        "could not negotiate a supported cipher suite",
        "no supported cipher suites have been found",
      ],
      .libraryReason,
      example: "TLS session: (gnutls_handshake): No supported cipher suites have been found.",
      "The two sides have no cipher in common."
    ),
    rule(
      "gnutls.terminated",
      .handshakeDisconnected,
      .unknown,
      ["gnutls_handshake): the tls connection was non-properly terminated"],
      .verifyError,
      example: "TLS session: (gnutls_handshake): The TLS connection was non-properly terminated.",
      "The connection ended during the handshake."
    ),
    rule(
      "gnutls.fingerprint",
      .tlsaInvalid,
      .remote,
      ["verification failed. the certificate differs"],
      .verifyError,
      example:
        "TLS session: (certificate verification failed): Verification failed. The certificate differs. ",
      "The peer's certificate matches no TLSA record."
    ),
  ]

  /// Schannel and Exchange's words for it. Source: Microsoft's SSPI status codes.
  static let schannel: [FailureRule] = [
    rule(
      "schannel.token",
      .plaintextOnTLSPort,
      .unknown,
      ["security status invalidtoken", "sec_e_invalid_token", "0x80090308", "error invalidtoken"],
      .libraryReason,
      example: "451 4.4.0 Security status InvalidToken",
      "What came was no TLS."
    ),
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
      "exchange.untrusted",
      .certificateNotTrusted,
      .remote,
      [
        "tls negotiation failed with error untrustedroot",
        "certificate validation failure, reason:untrustedroot",
      ],
      .verifyError,
      example: "454 4.7.5 Certificate validation failure, Reason:UntrustedRoot",
      "The peer's certificate comes from an authority that we do not trust."
    ),
    rule(
      "exchange.other",
      .otherTLS,
      .unknown,
      ["tls negotiation failed with error"],
      .alert,
      example: "TLS negotiation failed with error DecryptFailure",
      "TLS failed."
    ),
  ]
}
