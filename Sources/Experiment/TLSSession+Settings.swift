import COpenSSL
import MailModel

/// What is demanded of a session, in OpenSSL's terms.
extension TLSSession {
  /// Puts what is demanded into a context. Throws where our own files or settings are unusable.
  static func configure(
    _ context: OpaquePointer,
    _ demand: TLSDemand
  ) throws(WireFailure) {
    mt_ctx_refuse_renegotiation(context)
    if let level = demand.securityLevel { SSL_CTX_set_security_level(context, Int32(level)) }
    if let minimum = demand.minimumProtocol.flatMap(version) {
      mt_ctx_min_protocol(context, minimum)
    }
    if let maximum = demand.maximumProtocol.flatMap(version) {
      mt_ctx_max_protocol(context, maximum)
    }
    if let ciphers = demand.ciphers, SSL_CTX_set_cipher_list(context, ciphers) != 1 {
      throw localFailure("the cipher list \(ciphers)")
    }
    let isStated = demand.caFile != nil || demand.caPath != nil
    if isStated, SSL_CTX_load_verify_locations(context, demand.caFile, demand.caPath) != 1 {
      throw localFailure(demand.caFile ?? demand.caPath ?? "")
    }
    if demand.authorities == .always || (demand.authorities == .otherwise && !isStated) {
      SSL_CTX_set_default_verify_paths(context)
    }
    if let certificate = demand.clientCertificate {
      let key = demand.clientKey ?? certificate
      guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
        throw localFailure(certificate)
      }
      guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
        throw localFailure(key)
      }
    }
    if case .dane = demand.verification { SSL_CTX_dane_enable(context) }
  }

  private static func localFailure(_ subject: String) -> WireFailure {
    var failure = libraryFailure(.local)
    failure.detail = "\(subject) cannot be used: \(failure.detail)"
    return failure
  }

  /// The names count for records of usage 2 alone: with usage 3 the record is all that binds the key
  /// to the host (RFC 7672 sections 3.1.1 and 3.1.2).
  func enableDANE(_ records: [TLSARecord], names: [String]) throws(WireFailure) {
    guard SSL_dane_enable(session, names.first ?? "") == 1 else {
      throw TLSSession.libraryFailure(.local)
    }
    SSL_dane_set_flags(session, UInt(DANE_FLAG_NO_DANE_EE_NAMECHECKS))
    for name in names.dropFirst() { SSL_add1_host(session, name) }
    for record in records {
      // An unusable record is no failure (RFC 7671 section 4): it is passed over.
      SSL_dane_tlsa_add(
        session,
        record.usage,
        record.selector,
        record.matching,
        record.data,
        record.data.count
      )
    }
  }

  private static func version(_ name: String) -> Int32? {
    switch name.lowercased() {
    case "tlsv1", "tlsv1.0", "1.0": TLS1_VERSION
    case "tlsv1.1", "1.1": TLS1_1_VERSION
    case "tlsv1.2", "1.2": TLS1_2_VERSION
    case "tlsv1.3", "1.3": TLS1_3_VERSION
    default: nil
    }
  }
}
