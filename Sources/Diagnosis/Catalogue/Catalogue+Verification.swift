import MailModel

extension Catalogue {
  /// X.509 verify results. Source: OpenSSL x509_vfy.h and x509_txt.c; GnuTLS
  /// gnutls_certificate_verification_status_print; Windows certificate status words.
  static let verification: [FailureRule] = [
    rule(
      "x509.revoked",
      .certificateRevoked,
      .remote,
      [
        "certificate revoked", "certificate is revoked", "certificate chain is revoked",
        "server certificate revoked", "crypt_e_revoked", "0x80092010", "reason:revoked",
      ],
      .verifyError,
      unless: ["alert", "rxd ", "from ("],
      example: "TLS session: (SSL_connect) Server certificate revoked",
      "The peer's certificate was revoked by its issuer. Do not work around it."
    ),
    rule(
      "x509.revoked-client",
      .clientCertificateRejected,
      .remote,
      ["certificate verification failed): certificate revoked"],
      .verifyError,
      side: .receiving,
      example:
        "TLS error on connection from (a.example) [192.0.2.1] (certificate verification failed): certificate revoked",
      "A client's certificate was revoked; we turned it away."
    ),
    rule(
      "x509.expired",
      .certificateExpired,
      .remote,
      [
        "certificate has expired", "uses expired certificate", "certificate expired",
        "cert_e_expired", "0x800b0101", "0x80090328", "sec_e_cert_expired", "reason:expired",
        "message=certificateexpired", "certificate-expired", "4.7.322", "5.7.322", "certexpired",
        "certificate is expired", "num=10", "invalid peer certificate: expired",
      ],
      .verifyError,
      unless: ["alert", "rxd "],
      example: "verify error:num=10:certificate has expired",
      "The peer's certificate has expired (or our clock is ahead)."
    ),
    rule(
      "x509.not-yet-valid",
      .certificateNotYetValid,
      .remote,
      [
        "certificate is not yet valid", "certificate not yet valid",
        "uses not yet valid certificate",
        "notvalidyet", "num=9:", "not yet activated",
      ],
      .verifyError,
      example:
        "SSL verify error: depth=0 error=certificate is not yet valid cert=/CN=mx.example.net",
      "The peer's certificate is not valid yet (or our clock is behind)."
    ),
    rule(
      "x509.host-mismatch",
      .certificateHostMismatch,
      .remote,
      [
        "hostname mismatch", "host name mismatch", "certificate name mismatch",
        "ip address mismatch", "name mismatch:", "subjectmismatch", "cert_e_cn_no_match",
        "0x800b010f", "0x80090322", "sec_e_wrong_principal", "does not match host",
        "ssl_check_name: no match for", "not present in server certificate", "num=62",
        "contains no valid commonname", "received certificate for ",
        "contains no matching dnsnames",
        "certificate-host-mismatch", "4.7.325", "5.7.325", "notvalidforname",
        "the name in the certificate does not match", "does not match the expected",
        "doesn't match certificate's altnames", "does not match certificate", "altnames",
        "commonname mis-match", "certificate is not valid for ", "wrongprincipal",
        "no alternative certificate subject name matches", "certificate subject name",
      ],
      .verifyError,
      unless: ["common name and no match needed"],
      example:
        "[192.0.2.1] SSL verify error: certificate name mismatch: DN=\"/CN=a.example\" H=\"b.example\"",
      "The peer's certificate is for other names than the one we connect to."
    ),
    rule(
      "x509.chain-self-signed",
      .certificateNotTrusted,
      .remote,
      [
        "self signed certificate in certificate chain",
        "self-signed certificate in certificate chain",
        "num=19",
      ],
      .verifyError,
      example:
        "SSL verify error: depth=2 error=self signed certificate in certificate chain cert=/CN=x",
      "The chain ends in a root that we do not trust."
    ),
    rule(
      "x509.self-signed",
      .certificateSelfSigned,
      .remote,
      ["self-signed certificate", "self signed certificate", "num=18", "depth_zero_self_signed"],
      .verifyError,
      unless: ["rejected", "access denied", "said:"],
      example: "SSL verify error: depth=0 error=self signed certificate cert=/CN=mx.example.net",
      "The peer shows a certificate signed by itself."
    ),
    rule(
      "x509.not-trusted",
      .certificateNotTrusted,
      .remote,
      [
        "unable to get local issuer certificate", "unable to get issuer certificate",
        "unable to verify the first certificate", "unable to verify leaf signature",
        "certificate not trusted", "certificate issuer is unknown", "untrusted issuer",
        "not trusted by local or tlsa policy", "untrustedroot", "untrusted root",
        "sec_e_untrusted_root", "0x80090325", "0x800b0109", "0x800b010a", "cert_e_chaining",
        "partialchain", "unknownissuer", "certificate-not-trusted", "num=20", "num=21", "num=27",
        "certificate is not trusted", "server certificate not trusted", "no trust anchor",
        "server certificate verification failed. cafile", "unable_to_get_issuer_cert",
      ],
      .verifyError,
      unless: ["rejected", "access denied", "said:", "alert"],
      example:
        "certificate verification failed for mx.example.net: num=20:unable to get local issuer certificate",
      "The peer's certificate comes from an authority that we do not trust, or an intermediate is missing."
    ),
    rule(
      "x509.weak-signature",
      .weakSignature,
      .remote,
      [
        "ca md too weak", "digest algorithm too weak", "md too weak", "uses insecure algorithm",
        "num=68", "wrong signature type", "legacy sigalg disallowed",
        "no suitable signature algorithm",
        "no shared signature algorithms", "signature algorithm is not supported",
        "unadvertised sig scheme", "insecure signature",
      ],
      .verifyError,
      example: "error:0A00014D:SSL routines::legacy sigalg disallowed or unsupported",
      "The peer signs with MD5 or SHA-1, which we no longer take."
    ),
    rule(
      "x509.weak-key",
      .weakKey,
      .remote,
      [
        "ee key too small", "ca key too small", "certificate key too weak", "dh key too small",
        "num=66", "num=67", "bad dh p length", "diffie-hellman prime sent by the server",
        "insufficient security level", "dh prime is too small", "ee certificate key too weak",
      ],
      .verifyError,
      example: "error:141A318A:SSL routines:tls_process_ske_dhe:dh key too small",
      "The peer's key or Diffie-Hellman group is too short."
    ),
    rule(
      "x509.purpose",
      .validationFailure,
      .remote,
      [
        "unsuitable certificate purpose", "unsupported certificate purpose",
        "path length constraint",
        "certificate chain too long", "invalid ca certificate", "unhandled critical extension",
        "permitted subtree violation", "excluded subtree violation",
        "certificate signature failure",
        "ca constrains were violated", "unable to get certificate crl", "certificate status",
        "status is out-of-date", "key usage violation", "not designated for use as a",
        "certificate chain longer than limit", "error in the certificate", "ocsp",
        "external policy failure", "untrusted peer credential", "emptycertificate",
        "no certificate provided",
      ],
      .libraryReason,
      unless: ["alert"],
      example: "TLS session: (SSL_connect) Required TLS certificate status not received",
      "The peer's certificate or its chain is not fit for a mail server."
    ),
    rule(
      "x509.any",
      .validationFailure,
      .remote,
      [
        "certificate verify failed", "certificate verification failed", "certificate invalid",
        "ssl certificate check failed", "certificate validation failed",
        "certificate validation failure", "verify=fail", "ssl verify error",
        "server-cert-check result=\"failure\"",
        "peer certificate verification", "certificate check failed", "certunknown",
        "sec_e_cert_unknown", "0x80090327", "certificate is bad", "unable to verify server with",
        "tls certificate verification failed", "invalid peer certificate", "certificate error",
        "failed to verify certificate", "certificate could not be verified",
      ],
      .serverText,
      unless: [
        "said:", "client certificate", "rejected: tls",
        "certificate verification failed for unknown",
      ],
      example: "TLS session: (certificate verification failed): certificate invalid",
      "The peer's certificate could not be verified; the text does not say why."
    ),
  ]
}
