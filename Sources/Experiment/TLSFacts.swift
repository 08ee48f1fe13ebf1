import COpenSSL
import MailModel

/// One certificate as the peer showed it. Texts come from outside.
package struct CertificateFacts: Hashable, Sendable {
  package var subject: String
  package var issuer: String
  /// The DNS names that it is for; where it carries none, its common name, which OpenSSL, and so
  /// the mail servers built with it, then take for one (RFC 6125 section 6.4.4).
  package var names: [String]
  package var notBefore: Int64?
  package var notAfter: Int64?
  package var keyType: String
  package var keyBits: Int
  package var signature: String
  package var signatureBits: Int
  /// SHA-256, lower-case hex.
  package var fingerprint: String
  package var publicKeyFingerprint: String

  /// Reads a certificate; at most 100 names of 253 bytes.
  init(_ certificate: OpaquePointer) {
    subject = CertificateFacts.line(X509_get_subject_name(certificate))
    issuer = CertificateFacts.line(X509_get_issuer_name(certificate))
    names =
      CertificateFacts.alternativeNames(certificate) ?? CertificateFacts.commonName(certificate)
    notBefore = CertificateFacts.seconds(X509_get0_notBefore(certificate))
    notAfter = CertificateFacts.seconds(X509_get0_notAfter(certificate))
    let key = X509_get0_pubkey(certificate)
    keyBits = key.map { Int(EVP_PKEY_get_bits($0)) } ?? 0
    keyType =
      key.flatMap { EVP_PKEY_get0_type_name($0) }.map { String(cString: $0) } ?? "unknown"
    signature =
      OBJ_nid2sn(X509_get_signature_nid(certificate)).map { String(cString: $0) } ?? "unknown"
    signatureBits = Int(mt_signature_bits(certificate))
    fingerprint = CertificateFacts.fingerprint(of: certificate, EVP_sha256())
    publicKeyFingerprint = CertificateFacts.keyFingerprint(of: certificate, EVP_sha256())
  }

  /// Of the whole certificate, lower-case hex.
  static func fingerprint(of certificate: OpaquePointer, _ algorithm: OpaquePointer?) -> String {
    digest { X509_digest(certificate, algorithm, $0, $1) }
  }

  /// Of its public key in DER, lower-case hex.
  static func keyFingerprint(of certificate: OpaquePointer, _ algorithm: OpaquePointer?) -> String {
    var encoded: UnsafeMutablePointer<UInt8>?
    let length = X509_get0_pubkey(certificate).map { i2d_PUBKEY($0, &encoded) } ?? 0
    defer { CRYPTO_free(encoded, nil, 0) }
    return digest { out, count in
      EVP_Digest(encoded, Int(max(length, 0)), out, count, algorithm, nil)
    }
  }

  private static func line(_ name: OpaquePointer?) -> String {
    var buffer = [CChar](repeating: 0, count: 512)
    guard let name, X509_NAME_oneline(name, &buffer, 512) != nil else { return "" }
    return String(
      decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
      as: UTF8.self
    )
  }

  /// Nil where there is no DNS name among them.
  private static func alternativeNames(_ certificate: OpaquePointer) -> [String]? {
    guard let names = mt_alternative_names(certificate) else { return nil }
    defer { GENERAL_NAMES_free(names) }
    var out: [String] = []
    for index in 0..<min(mt_names_count(names), 100) {
      var length: Int32 = 0
      guard let bytes = mt_dns_name(names, index, &length), length > 0, length <= 253 else {
        continue
      }
      out.append(
        String(
          decoding: UnsafeBufferPointer(start: bytes, count: Int(length)),
          as: UTF8.self
        )
      )
    }
    return out.isEmpty ? nil : out
  }

  private static func commonName(_ certificate: OpaquePointer) -> [String] {
    var length: Int32 = 0
    guard let bytes = mt_common_name(certificate, &length), length > 0, length <= 253 else {
      return []
    }
    return [String(decoding: UnsafeBufferPointer(start: bytes, count: Int(length)), as: UTF8.self)]
  }

  private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return CivilTime(
      year: Int(parts.tm_year) + 1900,
      month: Int(parts.tm_mon) + 1,
      day: Int(parts.tm_mday),
      hour: Int(parts.tm_hour),
      minute: Int(parts.tm_min),
      second: Int(parts.tm_sec)
    ).timestamp().seconds
  }

  private static func digest(
    _ make: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt32>) -> Int32
  ) -> String {
    var bytes = [UInt8](repeating: 0, count: 64)
    var count: UInt32 = 0
    guard make(&bytes, &count) == 1 else { return "" }
    return bytes.prefix(Int(count)).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}

/// One thing that OpenSSL's verification of a chain found wrong.
package struct VerificationProblem: Hashable, Sendable {
  /// OpenSSL's number (`X509_V_ERR_…`).
  package var code: Int
  /// The certificate that it was found at: 0 is the peer's own.
  package var depth: Int

  /// OpenSSL's text.
  package var text: String { TLSFacts.text(of: code) }
}

/// What TLS saw of a session.
package struct TLSFacts: Hashable, Sendable {
  package var version: String
  package var cipher: String
  package var cipherBits: Int?
  package var group: String?
  /// How the peer signed the handshake: `rsassaPss`, `SHA256`; nil where it did not.
  package var serverSignature: String?
  package var serverDigest: String?
  /// As the peer sent it, its own first.
  package var chain: [CertificateFacts]
  /// OpenSSL's number (`X509_V_ERR_…`) and its text.
  package var verifyCode: Int
  package var verifyText: String
  /// All that verification found, in its order.
  package var problems: [VerificationProblem]
  package var isClientCertificateRequested: Bool
  /// `received: unknown ca`.
  package var alerts: [String]
  /// What the OCSP staple says: `good`, `revoked`, `unknown`, `unreadable`; nil where there is none.
  package var ocspStaple: String?

  /// The names that the peer's own certificate carries.
  package var names: [String] { chain.first?.names ?? [] }

  /// OpenSSL's text for a verify result.
  static func text(of code: Int) -> String {
    String(cString: X509_verify_cert_error_string(code))
  }
}

extension TLSFacts {
  /// What verification found, for people: the first trouble, and where it lies if not in the peer's
  /// own certificate.
  var complaint: String {
    let others = problems.dropFirst().map { "\($0.code): \($0.text)" }
    var text = "\(verifyCode): \(verifyText)"
    if let first = problems.first, first.depth > 0 {
      text += " (certificate \(first.depth) of the chain)"
    }
    return ([text] + others.prefix(3)).joined(separator: "; ")
  }
}
