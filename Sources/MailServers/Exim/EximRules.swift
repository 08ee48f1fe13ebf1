import MailModel

/// Exim's own sentences. GnuTLS's and OpenSSL's texts, and peers' replies, are in the general
/// catalogue. Source: Exim src/transports/smtp.c, src/deliver.c, src/retry.c.
enum EximRules {
  private static let exim = MailServerID("exim")

  private static func rule(
    _ id: String,
    _ failureClass: FailureClass?,
    _ responsible: Responsible,
    _ texts: [String],
    _ specificity: Specificity,
    and: [String] = [],
    example: String,
    _ meaning: String
  ) -> FailureRule {
    FailureRule(
      id: "exim." + id,
      server: exim,
      failureClass: failureClass,
      responsible: responsible,
      specificity: specificity,
      pattern: .all([.any(texts.map(TextPattern.contains))] + and.map(TextPattern.contains)),
      example: example,
      meaning: meaning
    )
  }

  static let all: [FailureRule] = [
    rule(
      "retry-time",
      nil,
      .unknown,
      [
        "retry time not reached", "retry timeout exceeded", "have been failing for a long time",
      ],
      // Exim appends these to the reason where it still has one: the reason says more.
      .smtpCode,
      example: "== b@example.net routing defer (-51): retry time not reached",
      "The address or host waits for its next time; the reason is in an earlier line."
    ),
    rule(
      "dane-lookup",
      .dnssecInvalid,
      .remote,
      ["DANE error: tlsa lookup"],
      .verifyError,
      example:
        "== b@example.net R=dnslookup T=remote_smtp defer (-36): DANE error: tlsa lookup DEFER",
      "The TLSA record cannot be looked up: the zone's DNSSEC, or the resolver, is broken."
    ),
    rule(
      "dane-certificate",
      .tlsaInvalid,
      .remote,
      ["(certificate verification failed)"],
      .verifyError,
      and: ["DANE attempt failed; "],
      example:
        "DANE attempt failed; TLS connection to mx.example.net [192.0.2.1]: (certificate verification failed): certificate invalid",
      "The peer's certificate matches no TLSA record, or not the name that the records vouch for."
    ),
    rule(
      "unrouteable",
      .dnsFailure,
      .unknown,
      ["Unrouteable address"],
      .verifyError,
      example: "** b@example.net F=<a@example.com>: Unrouteable address",
      "No router takes the address: the domain has no mail host, or the local part is not known here."
    ),
    rule(
      "own-ciphers",
      .localTLSMisconfiguration,
      .local,
      ["(SSL_CTX_set_cipher_list)", "(SSL_CTX_set_ciphersuites)"],
      .verifyError,
      example:
        "TLS session: (SSL_CTX_set_cipher_list): error:0A0000B9:SSL routines::no cipher match",
      "Our own list of ciphers (tls_require_ciphers) holds none that the library knows."
    ),
    rule(
      "local-delivery",
      .localFailure,
      .local,
      [
        "Child process of ", "failed to open mailbox", "failed to create directory",
        "failed to lock mailbox", "Failed to connect to socket ", "failed to expand ",
        "Permission denied: ",
      ],
      .serverText,
      example:
        "== |/usr/bin/vacation <b@example.net> T=address_pipe defer (0): Child process of address_pipe transport returned 75 (could mean temporary error) from command: /usr/bin/vacation",
      "A program or a mailbox on this machine did not take the message."
    ),
    rule(
      "send-failed",
      .handshakeDisconnected,
      .remote,
      ["smtp send to ", "error on first read", "bad first read from TLS conn"],
      .verifyError,
      example:
        "defer (104): Connection reset by peer H=mx.example.net [192.0.2.1]: smtp send to mx.example.net [192.0.2.1] failed: Connection reset by peer",
      "The peer cut the session as soon as TLS stood: it may not take our client certificate."
    ),
    rule(
      "timeout",
      .connectionTimeout,
      .unknown,
      ["SMTP timeout after", "Connection timed out", "timed out after"],
      .alert,
      example: "SMTP timeout after initial connection",
      "The peer does not answer."
    ),
  ]
}
