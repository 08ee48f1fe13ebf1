import MailModel

/// Sendmail's own sentences. OpenSSL's reasons and peers' replies are in the general catalogue.
/// Source: Sendmail cf/m4/proto.m4 (TLS_connection), sendmail/tls.c, sendmail/deliver.c.
enum SendmailRules {
  private static let sendmail = MailServerID("sendmail")

  private static func rule(
    _ id: String,
    _ failureClass: FailureClass?,
    _ responsible: Responsible,
    _ pattern: TextPattern,
    _ specificity: Specificity,
    example: String,
    _ meaning: String
  ) -> FailureRule {
    FailureRule(
      id: "sendmail." + id,
      server: sendmail,
      failureClass: failureClass,
      responsible: responsible,
      specificity: specificity,
      pattern: pattern,
      example: example,
      meaning: meaning
    )
  }

  static let all: [FailureRule] = [
    rule(
      "name",
      .certificateHostMismatch,
      .remote,
      .all([.contains("CN "), .contains(" does not match ")]),
      .verifyError,
      example: "stat=Deferred: 454 4.7.0 CN a.example does not match mx.example.net",
      "The peer's certificate is for another name than our rule demands."
    ),
    rule(
      "issuer",
      .certificateNotTrusted,
      .remote,
      .contains("Cert Issuer "),
      .verifyError,
      example: "stat=Deferred: 454 4.7.0 Cert Issuer /CN=Some+20CA not acceptable",
      "The peer's certificate comes from another authority than our rule demands."
    ),
    rule(
      "dane",
      .tlsaInvalid,
      .remote,
      .any([.contains("verify=DANE_FAIL"), .contains("DANE check failed")]),
      .verifyError,
      example: "ruleset=tls_server, arg1=DANE_FAIL, reject=454 4.7.0 DANE check failed.",
      "The peer's certificate does not match its TLSA records."
    ),
    rule(
      "not-offered",
      .startTLSNotSupported,
      .remote,
      .contains("(no STARTTLS in this session)"),
      .verifyError,
      example:
        "ruleset=tls_rcpt, arg1=b@example.net, reject=454 4.7.0 encryption too weak 0 less than 112 (no STARTTLS in this session)",
      "Our rule demands TLS and the peer does not offer STARTTLS."
    ),
    rule(
      "handshake-timeout",
      .handshakeTimeout,
      .path,
      .all([
        .any([.contains("connect failed="), .contains("accept failed=")]),
        .contains("reason=unknown"), .contains("retry=0"), .not(.contains("errno=104")),
      ]),
      .libraryReason,
      example:
        "STARTTLS=client, error: connect failed=-1, reason=unknown, SSL_error=5, errno=0, retry=0",
      "The handshake got no answer."
    ),
    rule(
      "handshake-reset",
      .handshakeDisconnected,
      .unknown,
      .all([
        .any([.contains("connect failed="), .contains("accept failed=")]), .contains("errno=104"),
      ]),
      .libraryReason,
      example:
        "STARTTLS=client, error: connect failed=-1, reason=unknown, SSL_error=5, errno=104, retry=99",
      "The connection was reset during the handshake."
    ),
    rule(
      "verify-failed",
      .validationFailure,
      .remote,
      .any([
        .contains("4.7.0 authentication failed"), .contains("5.7.0 authentication failed"),
        .contains("verify=FAIL"), .contains("authentication required"),
        .contains("not authenticated"), .contains("no authentication requested"),
        .all([.contains("Cert Subject "), .contains(" does not match ")]),
      ]),
      .serverText,
      example: "stat=Deferred: 454 4.7.0 authentication failed",
      "The peer's certificate was not accepted; the log says why at LogLevel 12 and above."
    ),
    rule(
      "no-session",
      .connectionLost,
      .unknown,
      .contains("arg1=FAILURE"),
      .verifyError,
      example:
        "ruleset=tls_server, arg1=FAILURE, relay=mx.example.net, reject=454 4.7.0 authentication failure",
      "The session ended before TLS was asked for; our rule demands TLS and says so."
    ),
    rule(
      "not-verified",
      .otherTLS,
      .unknown,
      .any([
        .contains("4.7.0 authentication failure"), .contains("5.7.0 authentication failure"),
      ]),
      .libraryReason,
      example: "stat=Deferred: 454 4.7.0 authentication failure",
      "Our rule demands a peer that TLS authenticates, and TLS did not come about."
    ),
    rule(
      "handshake",
      .otherTLS,
      .unknown,
      .any([.contains("TLS handshake failed"), .contains("encryption too weak 0 less than")]),
      .serverText,
      example: "stat=Deferred: 403 4.7.0 TLS handshake failed.",
      "TLS did not come about; an earlier line of the same process says why."
    ),
    rule(
      "too-weak",
      .noSharedCipher,
      .remote,
      .all([.contains("encryption too weak "), .not(.contains("too weak 0 less"))]),
      .libraryReason,
      example: "stat=Deferred: 454 4.7.0 encryption too weak 56 less than 112",
      "The cipher that was agreed is weaker than our rule demands."
    ),
    rule(
      "own-settings",
      .localTLSMisconfiguration,
      .local,
      .any([.contains("arg1=CONFIG"), .contains("STARTTLS temporarily not possible")]),
      .verifyError,
      example: "stat=Deferred: 454 4.7.0 STARTTLS temporarily not possible.",
      "Our own entry for this host (TLS_Clt_Features) cannot be used; the log names its fault."
    ),
    rule(
      "own-trouble",
      .localFailure,
      .local,
      .any(
        [
          "Operating system error", "Internal error", "System file missing",
          "Can't create output", "I/O error", "Local configuration error",
        ].map(TextPattern.startsWith) + [
          .all([.contains("ruleset="), .contains("4.3.0 Temporary system failure")]),
          .all([
            .contains("SYSERR("),
            .any(
              [
                "missing map file", "No such file or directory", "Permission denied",
                "No space left on device", "Too many open files", "Cannot allocate memory",
              ].map(TextPattern.contains)
            ),
          ]),
        ]
      ),
      .serverText,
      example:
        "SYSERR(root): hash map \"access\": missing map file /etc/mail/access.db: No such file or directory",
      "Something on this machine is missing or broken: a map, a file, the disk."
    ),
    rule(
      "session-cut",
      .connectionLost,
      .unknown,
      .contains("STARTTLS: write error="),
      .serverText,
      example:
        "STARTTLS: write error=syscall error (-1), errno=104, get_error=error:00000000:lib(0):func(0):reason(0), retry=99, ssl_err=5",
      "The connection was lost in the middle of a session whose handshake had gone well."
    ),
    rule(
      "no-revocation-list",
      nil,
      .unknown,
      .contains("CRLFile missing"),
      .verifyError,
      example: "STARTTLS: CRLFile missing",
      "No list of revoked certificates is set. This is no failure."
    ),
    rule(
      "no-goodbye",
      nil,
      .unknown,
      .all([.contains("STARTTLS: read error="), .contains("unexpected eof while reading")]),
      .verifyError,
      example:
        "STARTTLS: read error=generic SSL error (-1), errno=9, get_error=error:0A000126:SSL routines::unexpected eof while reading, retry=-1, ssl_err=1",
      "The peer closed its connection without ending the TLS session first. This is no failure."
    ),
    rule(
      "try-tls",
      nil,
      .unknown,
      .contains("do not try TLS with"),
      .verifyError,
      example:
        "ruleset=try_tls, arg1=mx.example.net, reject=550 5.7.1 do not try TLS with mx.example.net",
      "Our own rule says not to try TLS with this host. This is no failure."
    ),
  ]
}
