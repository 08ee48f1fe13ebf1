import MailModel

extension Catalogue {
  /// Senders that have no folder: rustls behind KumoMTA and Stalwart, qmail with the TLS patch,
  /// PHP's streams, Sendmail's ruleset replies as they stand in a bounce.
  static let senders: [FailureRule] = [
    rule(
      "starttls.demanded-but-missing",
      .startTLSNotSupported,
      .remote,
      [
        "remote does not offer starttls", "starttls extension not supported",
        "tls not found and required", "server does not support starttls",
        "starttls command not implemented", "starttls not implemented", "no starttls offered",
        "starttls not offered by", "smtp.tls-not-supported", "does not offer tls",
        "doesn't support tls", "tls not supported by", "tls required but not offered",
        "starttls was not offered",
      ],
      .verifyError,
      example: "delivery 17: deferral: TLS not found and required/",
      "Our policy demands TLS and the peer does not offer STARTTLS."
    ),
    rule(
      "rustls.version",
      .protocolVersionMismatch,
      .unknown,
      [
        "alert: protocolversion", "peer is incompatible: servertlsversionisdisabled",
        "serverdoesnotsupporttls12or13", "supportedversionsextensionrequired",
      ],
      .libraryReason,
      example: "TLS handshake failed: received fatal alert: ProtocolVersion",
      "The two sides have no TLS version in common."
    ),
    rule(
      "rustls.cipher",
      .noSharedCipher,
      .unknown,
      [
        "alert: handshakefailure", "alert: insufficientsecurity", "nociphersuitesincommon",
        "nokxgroupsincommon", "no cipher suites in common", "no kx group",
      ],
      .libraryReason,
      example: "TLS handshake failed: received fatal alert: HandshakeFailure",
      "The two sides have no cipher suite or group in common."
    ),
    rule(
      "rustls.client-certificate",
      .clientCertificateRejected,
      .local,
      [
        "alert: certificaterequired", "alert: badcertificate", "alert: unknownca",
        "alert: certificateunknown", "alert: certificateexpired", "alert: accessdenied",
      ],
      .libraryReason,
      side: .sending,
      example: "TLS handshake failed: received fatal alert: CertificateRequired",
      "The peer asks for, or rejects, our client certificate."
    ),
    rule(
      "rustls.plaintext",
      .plaintextOnTLSPort,
      .unknown,
      ["invalidcontenttype", "first record does not look like a tls handshake"],
      .libraryReason,
      example: "TLS handshake failed: received corrupt message of type InvalidContentType",
      "What came was no TLS: plain text where a handshake was expected."
    ),
    rule(
      "handshake.eof",
      .handshakeDisconnected,
      .remote,
      ["tls handshake eof", "close_notify", "eof during handshake", "handshake: eof"],
      .libraryReason,
      and: ["handshake", "tls error", "starttls"],
      example: "STARTTLS error (delivery.start-tls-failed) reason = \"tls handshake eof\"",
      "The peer, or something between, hung up during the handshake."
    ),
    rule(
      "handshake.unanswered",
      .handshakeTimeout,
      .path,
      [
        "timed out while performing the starttls handshake",
        "timed out while receiving the starttls response", "timed out during tls",
        "tls handshake timed out", "tls handshake timeout", "timeout during tls handshake",
        "starttls timed out", "timeout waiting for tls",
      ],
      .libraryReason,
      example: "conversation with mx.example.net[192.0.2.1] timed out while performing the "
        + "STARTTLS handshake",
      "The handshake got no answer in time: often a path that drops large packets."
    ),
    rule(
      "php.host-mismatch",
      .certificateHostMismatch,
      .remote,
      ["did not match expected cn=", "unable to locate peer certificate cn"],
      .verifyError,
      example: "Peer certificate CN=`www.example.net' did not match expected CN=`mx.example.net'",
      "The certificate does not carry the name that we asked for."
    ),
    rule(
      "starttls.failed-to-start",
      .otherTLS,
      .unknown,
      [
        "delivery.start-tls-failed", "tls connect failed", "starttls error", "tls init failed",
        "opportunistic tls failed", "stream_socket_enable_crypto",
      ],
      .serverText,
      unless: ["certificate verify failed"],
      example: "delivery 17: deferral: TLS connect failed: unknown/",
      "TLS could not be started; this text does not say why."
    ),
    rule(
      "qmail.untrusted",
      .validationFailure,
      .remote,
      ["tls unable to verify server with", "tls missing certificate"],
      .serverText,
      example: "deferral: TLS unable to verify server with /var/qmail/control/tlshosts/mx.pem:",
      "The peer's certificate failed the check that our control files demand."
    ),
    rule(
      "sendmail.reply.authentication-failed",
      .validationFailure,
      .remote,
      [
        "403 4.7.0 authentication failed", "454 4.7.0 authentication failed",
        "503 5.7.0 authentication failed",
      ],
      .serverText,
      example: "ruleset=tls_server, arg1=FAIL, relay=mx.example.net, reject=403 4.7.0 "
        + "authentication failed",
      "Our policy demands a verified certificate and the peer's did not verify; this text does "
        + "not say why."
    ),
    rule(
      "sendmail.unsafe-file",
      .localTLSMisconfiguration,
      .local,
      [" unsafe: "],
      .libraryReason,
      and: ["starttls=", "starttls:"],
      example: "STARTTLS=server: file /etc/mail/certs/key.pem unsafe: Group readable file",
      "The permissions of our own key or certificate file keep it from being used."
    ),
    rule(
      "port.wrapper-mode",
      .plaintextOnTLSPort,
      .local,
      ["smtps wrappermode (tcp port 465) requires"],
      .verifyError,
      example: "SMTPS wrappermode (TCP port 465) requires setting \"smtp_tls_wrappermode = yes\"",
      "Port 465 speaks TLS from the first byte and we are set to speak plaintext there."
    ),
    rule(
      "tls.session-rate",
      .startTLSRefused,
      .local,
      ["new tls session rate limit exceeded", "too many new tls sessions"],
      .verifyError,
      example: "warning: New TLS session rate limit exceeded: 5 from unknown[192.0.2.1] for "
        + "service smtp",
      "A limit on new TLS sessions per client turned the session away."
    ),
    rule(
      "dane.unusable-records",
      .tlsaInvalid,
      .remote,
      ["no usable tlsa records", "tlsa records unusable"],
      .verifyError,
      example: "DANE error: No usable TLSA records",
      "TLSA records are published and none of them can be used."
    ),
  ]
}
