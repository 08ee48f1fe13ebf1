import MailModel

/// What Postfix 3.10 and later log for each TLS report of theirs:
///
///     TLSRPT: status=failure, domain=example.net, receiving_mx=mx.example.net[192.0.2.1],
///         failure_type=certificate_expired
///
/// A `failure_reason=` behind it may say more; its text then tells. Source: Postfix
/// src/tls/tlsrpt_wrapper.c, trw_report_failure().
extension PostfixRules {
  static let tlsReports: [FailureRule] = [
    report(
      "starttls_not_supported",
      .startTLSNotSupported,
      "The peer does not offer STARTTLS, or refuses it, and our policy demands TLS."
    ),
    report(
      "certificate_host_mismatch",
      .certificateHostMismatch,
      "The peer's certificate is for another name."
    ),
    report(
      "certificate_not_trusted",
      .certificateNotTrusted,
      "The peer's certificate comes from an authority that we do not trust."
    ),
    report("certificate_expired", .certificateExpired, "The peer's certificate has expired."),
    report(
      "validation_failure",
      .validationFailure,
      "The session could not be set up as our policy demands; the lines beside it may say why."
    ),
    report(
      "sts_policy_fetch_error",
      .stsPolicyFetchError,
      "The destination's MTA-STS policy cannot be fetched."
    ),
    report(
      "sts_policy_invalid",
      .stsPolicyInvalid,
      "The destination's MTA-STS policy is not valid or does not fit its mail hosts."
    ),
    report(
      "sts_webpki_invalid",
      .stsWebPKIInvalid,
      "The web server of the destination's MTA-STS policy has a bad certificate."
    ),
    report("tlsa_invalid", .tlsaInvalid, "The destination's TLSA records cannot be used."),
    report(
      "dnssec_invalid",
      .dnssecInvalid,
      "The TLSA record cannot be looked up: the zone's DNSSEC, or the resolver, is broken."
    ),
    report(
      "dane_required",
      .daneRequired,
      "Our policy demands DANE and the destination publishes no usable TLSA record."
    ),
  ]

  private static func report(
    _ type: String,
    _ failureClass: FailureClass,
    _ meaning: String
  ) -> FailureRule {
    rule(
      "tlsrpt." + type,
      failureClass,
      .remote,
      .all([.contains("TLSRPT: status=failure"), .contains("failure_type=" + type)]),
      failureClass.isCoarse ? .serverText : .libraryReason,
      example: "TLSRPT: status=failure, domain=example.net, "
        + "receiving_mx=mx.example.net[192.0.2.1], failure_type=\(type)",
      meaning: meaning
    )
  }
}
