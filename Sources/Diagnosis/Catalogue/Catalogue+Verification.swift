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
        "certificate has been revoked", "num=23:", "cert_revoked",
        "invalid peer certificate: revoked", "certificate was revoked",
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
        "certificate is expired", "4.7.322", "5.7.322", "certificate expired:", "num=10:",
        "num=12:", "num=14:", "crl has expired", "cert_has_expired", "certificateexpired",
        "expired certificate", "received from the remote server has expired",
        "invalid peer certificate: expired", "format error in certificate's notafter",
        "certificate expir",
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
        "notvalidyet", "num=9:", "num=11:", "num=13:", "not yet activated", "cert_not_yet_valid",
        "certificatenotyetvalid", "crl is not yet valid",
        "format error in certificate's notbefore", "certificate is not valid yet",
        "not valid before",
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
        "ip address mismatch", "email address mismatch", "name mismatch:", "does not match host",
        "ssl_check_name: no match for", "not present in server certificate", "num=62:", "num=63:",
        "num=64:", "contains no valid commonname", "received certificate for ",
        "contains no matching dnsnames", "4.7.325", "5.7.325", "notvalidforname",
        "the name in the certificate does not match", "does not match the expected",
        "doesn't match certificate's altnames", "does not match certificate", "altnames",
        "altname_invalid",
        "commonname mis-match", "certificate is not valid for ", "certificate not valid for name",
        "no alternative certificate subject name matches", "certificate subject name",
        "did not match expected cn=", "unable to locate peer certificate cn",
        "certificate is valid for", "no subject alternative", "no name matching",
        "doesn't contain any ip sans", "relies on legacy common name",
        "certificate owner does not match", "hostname/ip does not match",
        "hostname does not match", "host name does not match", "err_cert_common_name",
        "peer name verification failed", "certificate peername mismatch",
        "certificate cn mismatch", "does not contain the expected name", "cert name mismatch",
        "not match any of the names",
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
        "num=19:", "self_signed_cert_in_chain", "self-signed certificate in chain",
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
      [
        "self-signed certificate", "self signed certificate", "num=18:", "depth_zero_self_signed",
        "certificate is self-signed", "certificate is self signed", "selfsigned certificate",
        "self-signed cert", "self signed cert", "selfsigned cert",
      ],
      .verifyError,
      unless: ["rejected", "access denied", "will use a selfsigned"],
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
        "not trusted by local or tlsa policy", "unknownissuer",
        "num=2:", "num=20:", "num=21:", "num=27:", "certificate is not trusted", "no trust anchor",
        "certificate verification failed. cafile", "unable_to_get_issuer_cert",
        "unable_to_verify_leaf", "certificate signed by unknown authority",
        "pkix path building failed", "unable to find valid certification path",
        "hasn't got a known issuer", "certificate authority is unknown", "unknown authority",
        "unknown certificate authority", "untrusted certificate authority",
        "signer not found", "issuer certificate is invalid", "untrusted root", "unknown ca",
      ],
      .verifyError,
      unless: ["rejected", "access denied", "alert", "client certificate", "error: tls: unknown"],
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
        "num=68:", "num=56:", "num=57:", "num=58:", "num=59:", "num=60:", "num=61:",
        "suite b", "ca_md_too_weak", "wrong signature type", "legacy sigalg disallowed",
        "conform to algorithm constraints", "signature algorithm disabled",
        "insecurealgorithm", "unsupportedsignaturealgorithm", "weak signature",
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
        "num=66:", "num=67:", "bad dh p length", "diffie-hellman prime sent by the server",
        "has insufficient security level", "dh prime is too small", "dh_key_too_small",
        "ee_key_too_small", "ca_key_too_small", "dh p value too", "modulus too small",
        "comply to algorithm constraints", "key size too small", "weak server dh", "dhpublickey",
        "dh key length", "weak ephemeral", "public key is too small", "key too small",
        "key too short", "weak dh", "small subgroup",
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
        "path length constraint", "unable to get crl issuer", "no explicit policy",
        "unspecified certificate verification error", "issuer certificate lookup error",
        "name constraint", "unsupported or invalid name", "unable to decrypt certificate",
        "certificate chain too long", "invalid ca certificate", "unhandled critical extension",
        "permitted subtree violation", "excluded subtree violation",
        "certificate signature failure",
        "ca constrains were violated", "unable to get certificate crl", "certificate status",
        "status is out-of-date", "key usage violation", "not designated for use as a",
        "certificate chain longer than limit", "error in the certificate", "ocsp", "oscp",
        "server certificate has unknown status", "certificate has unknown status",
        "null content", "error in the time fields", "certificate not supplied",
        "no certificate received from peer", "server does not send a certificate",
        "external policy failure", "no certificate provided",
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
        "peer certificate verification", "certificate check failed",
        "unable to verify server with", "certificate_verify_failed",
        "tls certificate verification failed", "invalid peer certificate", "certificate error",
        "failed to verify certificate", "certificate could not be verified",
        "certificate verify error", "certificate validation error", "x509: ",
        "certificate is invalid", "invalid certificate", "certificate problem",
        "pkix path validation failed", "certpathvalidatorexception", "certificateexception",
        "untrusted peer credential", "untrusted certificate", "certificate not accepted",
        "certificate not valid", "certificate was not accepted", "certificate not verified",
        "no matching server certificate", "no trusted server certificate",
        "certificate is not valid", "bad certificate",
      ],
      .serverText,
      unless: ["client certificate", "rejected", "certificate verification failed for unknown"],
      example: "TLS session: (certificate verification failed): certificate invalid",
      "The peer's certificate could not be verified; the text does not say why."
    ),
  ]
}
