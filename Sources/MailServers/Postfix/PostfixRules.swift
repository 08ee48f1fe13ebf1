import MailModel

/// Postfix's own sentences. OpenSSL's, the peer's replies and errno texts are in the general
/// catalogue. Source of the texts: Postfix src/tls/tls_client.c, tls_verify.c, src/smtp/smtp_proto.c,
/// smtp_tls_policy.c, smtp_connect.c.
enum PostfixRules {
  private static let postfix = MailServerID("postfix")

  static func rule(
    _ id: String,
    _ failureClass: FailureClass?,
    _ responsible: Responsible,
    _ pattern: TextPattern,
    _ specificity: Specificity = .serverText,
    side: Side? = nil,
    voice: Voice? = nil,
    example: String,
    meaning: String
  ) -> FailureRule {
    FailureRule(
      id: "postfix." + id,
      server: postfix,
      failureClass: failureClass,
      responsible: responsible,
      side: side,
      voice: voice,
      specificity: specificity,
      pattern: pattern,
      example: example,
      meaning: meaning
    )
  }

  static let all: [FailureRule] = verification + handshake + policy + delivery + tlsReports

  private static let verification: [FailureRule] = [
    rule(
      "untrusted-issuer",
      .certificateNotTrusted,
      .remote,
      .all([.contains("certificate verification failed for "), .contains("untrusted issuer")]),
      .verifyError,
      example:
        "certificate verification failed for mx.example.net[192.0.2.1]:25: untrusted issuer /O=Example/CN=Example CA",
      meaning: "The peer's certificate comes from an authority that we do not trust."
    ),
    rule(
      "host-mismatch",
      .certificateHostMismatch,
      .remote,
      .any([
        .all([.contains("certificate verification failed for "), .contains("num=62")]),
        .contains("certificate peer name verification failed for "),
        .contains("certificate peername mismatch"),
      ]),
      .verifyError,
      example:
        "server certificate verification failed for mx.example.net[192.0.2.1]:25: num=62:hostname mismatch",
      meaning: "The peer's certificate is for other names than the one we connect to."
    ),
    rule(
      "tlsa-mismatch",
      .tlsaInvalid,
      .remote,
      .all([
        .contains("certificate verification failed for "),
        .contains("no matching DANE TLSA records"),
      ]),
      .verifyError,
      example:
        "server certificate verification failed for mx.example.net[192.0.2.1]:25: num=65:no matching DANE TLSA records",
      meaning:
        "The peer's certificate matches no TLSA record, or no pinned fingerprint: it was changed, or someone is in between."
    ),
    rule(
      "certificate-expired",
      .certificateExpired,
      .remote,
      .all([
        .contains("certificate verification failed for "), .contains("certificate has expired"),
      ]),
      .verifyError,
      example:
        "server certificate verification failed for mx.example.net[192.0.2.1]:25: certificate has expired",
      meaning: "The peer's certificate has expired."
    ),
    rule(
      "certificate-not-yet-valid",
      .certificateNotYetValid,
      .remote,
      .all([.contains("certificate verification failed for "), .contains("not yet valid")]),
      .verifyError,
      example:
        "server certificate verification failed for mx.example.net[192.0.2.1]:25: certificate not yet valid",
      meaning: "The peer's certificate is not valid yet, or our clock is behind."
    ),
    rule(
      "certificate-self-signed",
      .certificateSelfSigned,
      .remote,
      .all([
        .contains("certificate verification failed for "),
        .any([.contains("self-signed certificate"), .contains("self signed certificate")]),
      ]),
      .verifyError,
      example:
        "certificate verification failed for mx.example.net[192.0.2.1]:25: self-signed certificate",
      meaning: "The peer shows a certificate signed by itself."
    ),
    rule(
      "weak-signature",
      .weakSignature,
      .remote,
      .all([
        .contains("certificate verification failed for "),
        .any([.contains("digest algorithm too weak"), .contains("md too weak")]),
      ]),
      .verifyError,
      example:
        "server certificate verification failed for mx.example.net[192.0.2.1]:25: num=68:CA signature digest algorithm too weak",
      meaning: "The peer's chain is signed with SHA-1 or MD5."
    ),
    rule(
      "verification",
      .validationFailure,
      .remote,
      .contains("certificate verification failed for "),
      .alert,
      example:
        "server certificate verification failed for mx.example.net[192.0.2.1]:25: num=26:unsupported certificate purpose",
      meaning: "The peer's certificate could not be verified."
    ),
    rule(
      "not-verified",
      .validationFailure,
      .remote,
      .any([
        .contains("Server certificate not verified"), .contains("Server certificate not trusted"),
      ]),
      example:
        "to=<b@example.net>, relay=mx.example.net[192.0.2.1]:25, dsn=4.7.5, status=deferred (Server certificate not verified)",
      meaning:
        "The peer's certificate was not accepted; an earlier line of the same process says why."
    ),
  ]

  private static let handshake: [FailureRule] = [
    rule(
      "handshake",
      .otherTLS,
      .unknown,
      .any([
        .contains("Cannot start TLS: handshake failure"), .contains("Cannot start TLS: handshake"),
      ]),
      example:
        "to=<b@example.net>, relay=mx.example.net[192.0.2.1]:25, dsn=4.7.5, status=deferred (Cannot start TLS: handshake failure)",
      meaning: "The TLS handshake failed; an earlier line of the same process says why."
    ),
    rule(
      "handshake-lost",
      .handshakeDisconnected,
      .remote,
      .all([
        .any([.contains("SSL_connect error to "), .contains("SSL_accept error from ")]),
        .any([
          .contains(": lost connection"), .contains("Connection reset by peer"),
          .contains("Broken pipe"),
        ]),
      ]),
      .libraryReason,
      example: "SSL_connect error to mx.example.net[192.0.2.1]:25: lost connection",
      meaning: "The peer, or something on the way, closed the connection during the handshake."
    ),
    rule(
      "handshake-cut-off",
      .handshakeDisconnected,
      .remote,
      .all([.contains("TLS handshake failed for service="), .contains("; DISCONNECT [")]),
      .alert,
      example:
        "TLS handshake failed for service=smtp peer=[192.0.2.1]:25; DISCONNECT [192.0.2.1]:25",
      meaning: "The peer, or something on the way, closed the connection during the handshake."
    ),
    rule(
      "handshake-timeout",
      .handshakeTimeout,
      .path,
      .all([
        .any([.contains("SSL_connect error to "), .contains("SSL_accept error from ")]),
        .contains("timed out"),
      ]),
      .libraryReason,
      example: "SSL_connect error to mx.example.net[192.0.2.1]:25: Connection timed out",
      meaning:
        "The handshake got no answer: the peer is stuck, or large packets are lost on the way."
    ),
    rule(
      "handshake-error",
      .otherTLS,
      .unknown,
      .any([.contains("SSL_connect error to "), .contains("SSL_accept error from ")]),
      .serverText,
      example: "SSL_connect error to mx.example.net[192.0.2.1]:25: -1",
      meaning: "The TLS handshake failed; the next line gives the library's reason."
    ),
    rule(
      "ehlo-after-handshake",
      .connectionLost,
      .remote,
      .contains("while performing the EHLO handshake"),
      .serverText,
      example: "lost connection with mx.example.net[192.0.2.1] while performing the EHLO handshake",
      meaning:
        "The peer hung up after our EHLO. Right after a TLS 1.3 handshake this may be how it rejects our client certificate."
    ),
  ]

  private static let policy: [FailureRule] = [
    rule(
      "not-offered",
      .startTLSNotSupported,
      .remote,
      .contains("TLS is required, but was not offered"),
      .libraryReason,
      example: "TLS is required, but was not offered by host mx.example.net[192.0.2.1]",
      meaning: "Our policy demands TLS and the peer does not offer STARTTLS."
    ),
    rule(
      "refused",
      .startTLSRefused,
      .remote,
      .contains("refused to start TLS"),
      .libraryReason,
      example:
        "TLS is required, but host mx.example.net[192.0.2.1] refused to start TLS: 454 4.7.0 TLS not available due to temporary reason",
      meaning: "The peer offers STARTTLS and then refuses it: its own TLS set-up is broken."
    ),
    rule(
      "unavailable",
      .localTLSMisconfiguration,
      .local,
      .any([
        .contains("TLS is required, but our TLS engine is unavailable"),
        .contains("TLS is required, but unavailable"), .contains("disabling TLS support"),
        .contains("cannot get RSA certificate from file"),
        .contains("cannot get RSA private key from file"), .contains("cannot get certificate"),
        .contains("cannot get private key"), .contains("cannot load CA data"),
        .contains("cannot load Certification Authority data"),
        .contains("TLS has been selected, but TLS support is not compiled in"),
        .contains("error loading chain"), .contains("certificate and private key do not match"),
        .contains("No server certs available"), .contains("invalid TLS"),
        .contains("unknown TLS protocol"), .contains("tls_config_file"),
        .contains("mail_params: unknown"), .contains("TLS configuration problem"),
        // `smtp_tls_policy_maps, next-hop destination "a.example": invalid attribute name: "x"`
        .all([
          .contains("_tls_policy_maps, "),
          .any([.contains(": invalid "), .contains(": attribute "), .contains(": unknown ")]),
        ]),
      ]),
      .verifyError,
      example:
        "warning: cannot get RSA certificate from file /etc/postfix/x.pem: disabling TLS support",
      meaning: "Our own certificate, key, CA file or TLS setting cannot be used."
    ),
    rule(
      "no-tlsa",
      .daneRequired,
      .remote,
      .any([
        .contains("no TLSA records found"), .contains("non DNSSEC destination"),
        .contains("no DANE TLSA"),
      ]),
      .verifyError,
      example: "status=deferred (no TLSA records found)",
      meaning: "Our policy demands DANE and the destination publishes no usable TLSA record."
    ),
    rule(
      "tlsa-unusable",
      .tlsaInvalid,
      .remote,
      .contains("TLSA records unusable"),
      .verifyError,
      example: "warning: mx.example.net: TLSA records unusable",
      meaning: "The destination's TLSA records cannot be used."
    ),
    rule(
      "tlsa-lookup",
      .dnssecInvalid,
      .remote,
      .any([
        .contains("TLSA lookup error"), .contains("DANE TLSA lookup problem"),
        .contains("TLSA lookup problem"),
      ]),
      .verifyError,
      example: "status=deferred (TLSA lookup error for mx.example.net:25)",
      meaning: "The TLSA record cannot be looked up: the zone's DNSSEC, or the resolver, is broken."
    ),
    rule(
      "untrusted-yet-encrypted",
      nil,
      .unknown,
      .all([.contains("TLS connection established to "), .not(.contains("error"))]),
      .verifyError,
      example:
        "Untrusted TLS connection established to mx.example.net[192.0.2.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384",
      meaning: "A TLS session was set up; this is no failure."
    ),
    rule(
      "sts-policy",
      .stsPolicyInvalid,
      .remote,
      .any([.contains("policy_failure=sts-policy-invalid"), .contains("sts-policy-invalid")]),
      .verifyError,
      example: "TLSRPT: status=failure, domain=example.net, policy_failure=sts-policy-invalid",
      meaning: "The destination's MTA-STS policy is not valid or does not fit its mail hosts."
    ),
    rule(
      "sts-fetch",
      .stsPolicyFetchError,
      .remote,
      .contains("sts-policy-fetch-error"),
      .verifyError,
      example: "TLSRPT: status=failure, domain=example.net, policy_failure=sts-policy-fetch-error",
      meaning: "The destination's MTA-STS policy cannot be fetched."
    ),
    rule(
      "sts-webpki",
      .stsWebPKIInvalid,
      .remote,
      .contains("sts-webpki-invalid"),
      .verifyError,
      example: "TLSRPT: status=failure, domain=example.net, policy_failure=sts-webpki-invalid",
      meaning: "The web server of the destination's MTA-STS policy has a bad certificate."
    ),
  ]

  private static let delivery: [FailureRule] = [
    rule(
      "null-mx",
      .dnsFailure,
      .remote,
      .contains("does not accept mail (nullMX)"),
      .verifyError,
      example: "status=bounced (Domain example.net does not accept mail (nullMX))",
      meaning: "The domain says in DNS that it takes no mail."
    ),
    rule(
      "name-service",
      .dnsFailure,
      .remote,
      .any([.contains("Name service error for"), .contains("Host or domain name not found")]),
      .alert,
      example:
        "status=deferred (Host or domain name not found. Name service error for name=example.net type=MX: Host not found, try again)",
      meaning: "The destination's mail hosts cannot be looked up."
    ),
    rule(
      "loop",
      .localFailure,
      .local,
      .any([.contains("mail for "), .contains("mail forwarding loop")]).and(.contains("loop")),
      .verifyError,
      example: "status=bounced (mail for example.net loops back to myself)",
      meaning: "The mail comes back to this server: a routing fault of ours."
    ),
    rule(
      "transport",
      .localFailure,
      .local,
      .any([
        .contains("mail transport unavailable"), .contains("unknown mail transport error"),
        .contains("deferred transport"), .contains("Command died with status"),
        .contains("temporary failure. Command output"), .contains("cannot update mailbox"),
        .contains("delivery to command"), .contains("queue file write error"),
      ]),
      .alert,
      voice: .own,
      example: "status=deferred (mail transport unavailable)",
      meaning: "Delivery fails on this machine, before any peer is asked."
    ),
  ]
}

extension TextPattern {
  /// Both patterns.
  func and(_ other: TextPattern) -> TextPattern { .all([self, other]) }
}
