import MailModel

extension Catalogue {
  /// What mail programs say of a handshake in their own words: qmail with the TLS patch, OpenSMTPD,
  /// KumoMTA, Haraka, Stalwart, submission clients; Sendmail's rulesets as they stand in a bounce.
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
        "starttls was not offered", "not support tls via the starttls",
        "host does not support starttls",
        "peer does not support starttls", "starttls is required but", "did not offer starttls",
        "starttls not advertised", "does not support required starttls",
        "does not support the starttls",
        "tls required but server does not", "no tls support on",
      ],
      .verifyError,
      example: "delivery 17: deferral: TLS not found and required/",
      "Our policy demands TLS and the peer does not offer STARTTLS."
    ),
    rule(
      "handshake.broken-off",
      .handshakeDisconnected,
      .remote,
      [
        "lost connection after starttls", "while receiving the starttls response",
        "in response to tls-on-connect", "close_notify", "ehlo after startls failed",
        "starttls handshake status:", "tls session: error on first read",
        "bad first read from tls conn",
      ],
      .libraryReason,
      unless: ["timed out"],
      example: "lost connection after STARTTLS from unknown[192.0.2.1]",
      "The connection ended during the handshake, or right behind it."
    ),
    rule(
      "starttls.failed-to-start",
      .otherTLS,
      .unknown,
      [
        "delivery.start-tls-failed", "tls connect failed", "starttls error", "tls init failed",
        "opportunistic tls failed", "stream_socket_enable_crypto", "tls handshake failed",
        "tls handshake error", "handshake failure", "handshake failed", "tls error on connection",
        "starttls=client, error:", "starttls=server, error:", "starttls: write error",
        "tls connected to", "greeting failed", "io error: error:", "io-error: error:",
        "failure while setting up tls session", "tls session failure", "tls session: ",
        "setting up tls session", "could not convert socket to tls", "synch error before connect",
        "establish an ssl or tls connection", "ssl connection could not be established",
        "tls setup failed", "failed to start tls", "starttls failed", "tls no-go",
        "upgrading connection with starttls", "no tls connection to", "reason=tls-accept-failed",
        "secure connection failed", "tls upgrade failed", "reason=tls-",
      ],
      .serverText,
      unless: ["certificate verify failed", "starttls failed.", "starttls: read error"],
      example: "delivery 17: deferral: TLS connect failed: unknown/",
      "TLS could not be started; this text does not say why."
    ),
    rule(
      "qmail.untrusted",
      .validationFailure,
      .remote,
      ["tls unable to verify server", "tls missing certificate"],
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
        "503 5.7.0 authentication failed", "403 4.7.0 not authenticated",
        "403 4.7.0 authentication required", "403 4.7.0 no authentication requested",
        "454 4.7.0 not authenticated", "454 4.7.0 no authentication requested",
      ],
      .libraryReason,
      example: "ruleset=tls_server, arg1=FAIL, relay=mx.example.net, reject=403 4.7.0 "
        + "authentication failed",
      "Our policy demands a verified certificate and the peer's did not verify; this text does "
        + "not say why."
    ),
    rule(
      "sendmail.unsafe-file",
      .localTLSMisconfiguration,
      .local,
      [
        " unsafe: ", "load verify locs", "file missing", "_file(", " missing", "private_key failed",
        "certfile ", "keyfile ", "error: ssl_ctx",
      ],
      .libraryReason,
      and: ["starttls=", "starttls:"],
      example: "STARTTLS=server: file /etc/mail/certs/key.pem unsafe: Group readable file",
      "Our own key, certificate or CA file cannot be used, often for its permissions."
    ),
    rule(
      "own-setup",
      .localTLSMisconfiguration,
      .local,
      [
        "no private key", "could not stat", "tls support not available",
        "client tls configuration problem", "invalid security level", "no server certs available",
        "tls engine is unavailable", "cannot load ca", "cannot load certificate authority",
        "disabling tls support", "no entropy for tls", "invalid tls protocol list",
        "starttls disabled locally", "tls required for action", "tls required for relaying",
        "reason=tls-failure", "reason=tls-connect-failed", "reason=ca-failure", "badbindings",
        "tls error initializing", "tls unable to load", "sslcertificatefile", "arg1=config",
        "no certificate matches", "failed to load certificate", "failed to load private key",
        "no such file or directory): tls", "private key does not match",
        "no server certificate defined", "unable to set certificate", "cannot load private key",
        "invalid private key", "cannot set x509", "unable to load private key", "bad passphrase",
        "certificate/key pair", "fingerprints unusable", "trust anchors unusable",
        "error configuring local trust anchors", "error enabling dane-based", "ssl_ctx_new",
        "tls is not available: ", "cannot initialize tls", "tls initialization failed",
        "unable to initialize tls", "tls_init", "no tls certificate", "no private",
        "can't load ssl",
        "error loading certificate", "cannot read certificate",
      ],
      .libraryReason,
      unless: ["rejected", "said:", "after starttls:"],
      example: "warning: No server certs available. TLS won't be enabled",
      "Our own certificate, key, CA file or TLS setting cannot be used."
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
      "port.silent-465",
      .plaintextOnTLSPort,
      .local,
      ["receiving the initial server greeting", "initial connection", "greeting"],
      .libraryReason,
      and: [":465, ", "]:465", ":465:"],
      example: "relay=mx.example.net[192.0.2.1]:465, dsn=4.4.2, status=deferred (conversation with "
        + "mx.example.net timed out while receiving the initial server greeting)",
      "Port 465 speaks TLS from the first byte: who waits there for a greeting in clear gets none."
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
    FailureRule(
      id: "tls.some-failure",
      failureClass: .otherTLS,
      responsible: .unknown,
      voice: .own,
      specificity: .enhancedStatus,
      pattern: .all([
        .any(
          ["tls", "ssl", "starttls", "handshake", "smtps", "certificate"].map(TextPattern.word)
        ),
        .any(
          [
            "error", "errors", "failed", "failure", "fails", "refused", "rejected", "cannot",
            "could not", "couldn't", "unable", "not possible", "fatal", "aborted", "denied",
          ].map(TextPattern.word)
        ),
        .not(.contains("starttls: read error")), .not(.contains("non-properly terminated")),
        .not(.contains("auth")), .not(.contains("no tls alert")),
      ]),
      example: "TLS upgrade to 192.0.2.1 refused",
      meaning: "TLS failed in some way; the text names no cause that we know."
    ),
  ]
}
