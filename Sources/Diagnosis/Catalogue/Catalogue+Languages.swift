import MailModel

extension Catalogue {
  /// TLS libraries of languages: rustls, Go, Java, .NET, Python, Node and PHP, as mail programs
  /// written in them quote them.
  static let languages: [FailureRule] = [
    rule(
      "language.version",
      .protocolVersionMismatch,
      .unknown,
      [
        "peer is incompatible: servertlsversionisdisabled", "serverdoesnotsupporttls12or13",
        "supportedversionsextensionrequired", "client offered only unsupported versions",
        "server selected unsupported protocol version", "no appropriate protocol",
        "selected protocol version", "tls: no supported versions",
        "client requested protocol tlsv1", "not enabled or not supported protocol",
      ],
      .libraryReason,
      example: "tls: client offered only unsupported versions: [302 301]",
      "The two sides have no TLS version in common."
    ),
    rule(
      "language.cipher",
      .noSharedCipher,
      .unknown,
      [
        "nociphersuitesincommon", "nokxgroupsincommon", "no cipher suites in common",
        "no kx group", "no cipher suite supported by both client and server",
        "server chose an unconfigured cipher suite", "no negotiable cipher suite",
        "nosignatureschemesincommon", "no signature schemes in common",
      ],
      .libraryReason,
      example: "TLS handshake failed: peer is incompatible: NoCipherSuitesInCommon",
      "The two sides have no cipher suite or group in common."
    ),
    rule(
      "language.signature",
      .weakSignature,
      .remote,
      [
        "unadvertised sig scheme", "uses unsupported signature algorithm",
        "insecure algorithm sha1",
      ],
      .verifyError,
      example: "peer misbehaved: received unadvertised sig scheme RSA_PKCS1_SHA1",
      "The peer signs with an algorithm that we no longer take."
    ),
    rule(
      "language.plaintext",
      .plaintextOnTLSPort,
      .unknown,
      [
        "invalidcontenttype", "first record does not look like a tls handshake",
        "plaintext connection?", "unsupported or unrecognized ssl message", "not an ssl/tls record",
        "received non-tls", "unexpected packet format",
      ],
      .libraryReason,
      example: "TLS handshake failed: received corrupt message of type InvalidContentType",
      "What came was no TLS: plain text where a handshake was expected."
    ),
    rule(
      "language.disconnected",
      .handshakeDisconnected,
      .unknown,
      [
        "tls handshake eof", "eof during handshake", ": eof", "handshake: eof", "during handshake",
        "remote host terminated the handshake", "before secure tls",
        "client network socket disconnected", "remote party has closed the transport stream",
        "ssl: connection reset", "ssl: broken pipe", "tls: connection closed",
        "during tls handshake", "handshake status: connection reset", "ssleoferror",
        "handshake: connection reset", "peer closed connection without sending tls close_notify",
        "starttls: connection closed", "tls connection closed by peer",
        "tls handshaking: connection closed",
      ],
      .libraryReason,
      unless: ["timeout", "timed out"],
      and: ["handshak", "tls", "ssl"],
      example: "javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake",
      "The peer, or something between, hung up during the handshake."
    ),
    rule(
      "language.timeout",
      .handshakeTimeout,
      .path,
      [
        "ssl: handshake timed out", "ssl: operation timed out", "handshake timed out",
        "handshake timeout", "timeout during tls", "timed out during tls", "starttls timed out",
        "timeout waiting for tls", "tls timeout", "timed out while performing the starttls",
        "timed out while receiving the starttls response", "ciphertext read/write timeout",
        "starttls response: timed out", "tls connect failed: timed out", "timed out in starttls",
        "handshake failed: timed out", "handshake failed: connection timed out",
        "tls handshake failed: timeout", "tls negotiation timed out", "starttls timeout",
      ],
      .libraryReason,
      unless: ["lost connection"],
      example: "stream_socket_enable_crypto(): SSL: Handshake timed out",
      "The handshake got no answer in time: often a path that drops large packets."
    ),
  ]
}
