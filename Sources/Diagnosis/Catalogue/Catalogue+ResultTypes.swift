import MailModel

extension Catalogue {
  /// The result types of RFC 8460 section 4.3 under their own names, as TLS-RPT reports, Exchange
  /// Online and Postfix's external policies write them.
  static let resultTypes: [FailureRule] = [
    type(.startTLSNotSupported, "The peer does not offer STARTTLS, and the policy demands TLS."),
    type(.certificateHostMismatch, "The peer's certificate is for other names."),
    type(.certificateExpired, "The peer's certificate has expired."),
    type(.certificateNotTrusted, "The peer's certificate comes from an unknown authority."),
    type(.validationFailure, "The session failed for another reason than those with a name."),
    type(.tlsaInvalid, "The peer's certificate matches none of its TLSA records."),
    type(.dnssecInvalid, "The peer's DNSSEC signatures, or our resolver, are broken."),
    type(.daneRequired, "DANE is demanded and the destination has no usable TLSA record."),
    type(.stsPolicyFetchError, "The destination's MTA-STS policy cannot be fetched."),
    type(.stsPolicyInvalid, "The destination's MTA-STS policy is not valid or does not fit."),
    type(.stsWebPKIInvalid, "The web server of the MTA-STS policy has a bad certificate."),
  ]

  private static func type(_ failureClass: FailureClass, _ meaning: String) -> FailureRule {
    let name = failureClass.rawValue
    return rule(
      "rfc8460." + name,
      failureClass,
      .remote,
      ["\(name): ", "\"\(name)\"", "(\(name))", "type: \(name)", "=\(name)", "type \(name)"],
      failureClass.isCoarse ? .serverText : .verifyError,
      example: "{\"result-type\": \"\(name)\", \"failed-session-count\": 3}",
      meaning
    )
  }
}
