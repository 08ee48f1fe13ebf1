import COpenSSL
import MailModel

/// One TLS session of OpenSSL that touches no socket: bytes from the peer go in by ``input(_:)``,
/// bytes for the peer come out of ``output()``.
final class TLSSession {
  /// What a step came to.
  enum Progress {
    case done
    /// Bytes from the peer are needed.
    case wantsMore
    case failed(WireFailure)
  }

  private let context: OpaquePointer
  let session: OpaquePointer
  private let fromPeer: OpaquePointer
  private let toPeer: OpaquePointer
  private var lastRead: [UInt8] = []
  /// `received: unknown CA`, as they came; at most 16.
  private(set) var alerts: [String] = []
  /// What the verification found wrong, in its order; at most 16.
  private(set) var problems: [VerificationProblem] = []
  private var isCertificateRequested = false

  /// Sets the session up. Throws ``WireFailure/Kind/local`` where our own files or settings are
  /// unusable.
  init(_ demand: TLSDemand) throws(WireFailure) {
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_client_method()) else {
      throw TLSSession.libraryFailure(.local)
    }
    do throws(WireFailure) { try TLSSession.configure(context, demand) } catch {
      SSL_CTX_free(context)
      throw error
    }
    guard let session = SSL_new(context), let fromPeer = BIO_new(BIO_s_mem()),
      let toPeer = BIO_new(BIO_s_mem())
    else {
      SSL_CTX_free(context)
      throw TLSSession.libraryFailure(.local)
    }
    self.context = context
    self.session = session
    self.fromPeer = fromPeer
    self.toPeer = toPeer
    mt_bio_ask_again(fromPeer)
    // The session owns both from here on.
    SSL_set_bio(session, fromPeer, toPeer)
    watch()
    if let level = demand.chainSecurityLevel {
      X509_VERIFY_PARAM_set_auth_level(SSL_get0_param(session), Int32(level))
    }
    if let name = demand.serverName { mt_set_host_name(session, name) }
    mt_request_staple(session)
    if case .dane(let records, let names) = demand.verification {
      try enableDANE(records, names: names)
    }
  }

  deinit {
    SSL_free(session)
    SSL_CTX_free(context)
  }

  // MARK: Steps

  func connect() -> Progress {
    ERR_clear_error()
    return progress(SSL_connect(session))
  }

  func write(_ bytes: [UInt8]) -> Progress {
    guard !bytes.isEmpty else { return .done }
    ERR_clear_error()
    return progress(SSL_write(session, bytes, Int32(bytes.count)))
  }

  func read() -> Progress {
    var chunk = [UInt8](repeating: 0, count: 4096)
    ERR_clear_error()
    let count = SSL_read(session, &chunk, Int32(chunk.count))
    if count > 0 { lastRead = Array(chunk[..<Int(count)]) }
    return progress(count)
  }

  /// What ``read()`` got.
  func takeRead() -> [UInt8] {
    defer { lastRead = [] }
    return lastRead
  }

  func input(_ bytes: [UInt8]) { BIO_write(fromPeer, bytes, Int32(bytes.count)) }

  /// All that is to be sent; taken out.
  func output() -> [UInt8] {
    var out: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = BIO_read(toPeer, &chunk, Int32(chunk.count))
      guard count > 0 else { return out }
      out += chunk[..<Int(count)]
    }
  }

  private func progress(_ result: Int32) -> Progress {
    if result > 0 { return .done }
    switch SSL_get_error(session, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wantsMore
    case SSL_ERROR_ZERO_RETURN:
      return .failed(WireFailure(kind: .closed, detail: "the peer ended the TLS session"))
    default: return .failed(TLSSession.libraryFailure(.tls))
    }
  }

  /// What OpenSSL says went wrong first.
  static func libraryFailure(_ kind: WireFailure.Kind) -> WireFailure {
    let code = ERR_peek_error()
    var text = [CChar](repeating: 0, count: 256)
    ERR_error_string_n(code, &text, 256)
    ERR_clear_error()
    let detail = String(
      decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
      as: UTF8.self
    )
    return WireFailure(kind: kind, detail: detail, reason: Int(ERR_GET_REASON(code)))
  }

  // MARK: What is seen on the way

  /// Alerts, what verification finds, and whether our certificate is asked for. No finding breaks
  /// the handshake off: what a certificate lacks of the demand is judged afterwards.
  private func watch() {
    mt_set_owner(session, Unmanaged.passUnretained(self).toOpaque())
    SSL_set_info_callback(session) { session, place, value in
      guard let session, place & SSL_CB_ALERT != 0, let owner = mt_owner(session) else { return }
      Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue().note(place, value)
    }
    SSL_set_cert_cb(
      session,
      { session, _ in
        guard let session, let owner = mt_owner(session) else { return 1 }
        Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue().isCertificateRequested = true
        return 1
      },
      nil
    )
    SSL_set_verify(session, SSL_VERIFY_PEER) { isOK, store in
      guard isOK == 0, let store, let session = mt_verified_session(store),
        let owner = mt_owner(session)
      else { return 1 }
      Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue().note(
        VerificationProblem(
          code: Int(X509_STORE_CTX_get_error(store)),
          depth: Int(X509_STORE_CTX_get_error_depth(store))
        )
      )
      return 1
    }
  }

  private func note(_ place: Int32, _ value: Int32) {
    let direction = place & SSL_CB_READ != 0 ? "received" : "sent"
    guard alerts.count < 16, let text = TLSSession.name(ofAlert: value) else { return }
    // The end of a session is no complaint.
    guard value & 0xff != SSL3_AD_CLOSE_NOTIFY else { return }
    alerts.append("\(direction): \(text)")
  }

  /// OpenSSL's own words, with those that it lacks (RFC 8446 section 6, RFC 7507).
  private static func name(ofAlert value: Int32) -> String? {
    switch value & 0xff {
    case 86: "inappropriate fallback"
    case 109: "missing extension"
    case 116: "certificate required"
    default: SSL_alert_desc_string_long(value).map { String(cString: $0) }
    }
  }

  private func note(_ problem: VerificationProblem) {
    if problems.count < 16, !problems.contains(problem) { problems.append(problem) }
  }

  /// What was seen so far.
  var facts: TLSFacts {
    var chain: [CertificateFacts] = []
    for index in 0..<min(mt_chain_count(session), 16) {
      if let certificate = mt_chain_at(session, index) {
        chain.append(CertificateFacts(certificate))
      }
    }
    let code = problems.first?.code ?? Int(SSL_get_verify_result(session))
    let group = mt_peer_group(session)
    let cipher = SSL_get_current_cipher(session)
    return TLSFacts(
      version: String(cString: SSL_get_version(session)),
      cipher: cipher.map { String(cString: SSL_CIPHER_get_name($0)) } ?? "none",
      cipherBits: cipher.map { Int(SSL_CIPHER_get_bits($0, nil)) },
      group: group == 0 ? nil : OBJ_nid2sn(Int32(group)).map { String(cString: $0) },
      serverSignature: TLSSession.name(mt_peer_signature_type(session)),
      serverDigest: TLSSession.name(mt_peer_signature_digest(session)),
      chain: chain,
      verifyCode: code,
      verifyText: TLSFacts.text(of: code),
      problems: problems,
      isClientCertificateRequested: isCertificateRequested,
      alerts: alerts,
      ocspStaple: TLSSession.staple(mt_staple_status(session))
    )
  }

  private static func name(_ number: Int32) -> String? {
    number == 0 ? nil : OBJ_nid2sn(number).map { String(cString: $0) }
  }

  private static func staple(_ status: Int32) -> String? {
    switch status {
    case 0: "good"
    case 1: "revoked"
    case 2: "unknown"
    case 3: "unreadable"
    default: nil
    }
  }

  /// Whether the peer's own certificate carries the name (RFC 6125, wildcards in the first label).
  func certificateMatches(_ name: String) -> Bool {
    guard let certificate = mt_chain_at(session, 0) else { return false }
    return X509_check_host(certificate, name, name.utf8.count, 0, nil) == 1
  }

  /// Whether a digest, lower-case hex, is that of the peer's own certificate or of its key; the length
  /// tells the algorithm.
  func certificateHasDigest(_ digest: String) -> Bool {
    let algorithm: OpaquePointer? =
      switch digest.utf8.count {
      case 32: EVP_md5()
      case 40: EVP_sha1()
      case 64: EVP_sha256()
      case 96: EVP_sha384()
      case 128: EVP_sha512()
      default: nil
      }
    guard let algorithm, let certificate = mt_chain_at(session, 0) else { return false }
    return CertificateFacts.fingerprint(of: certificate, algorithm) == digest
      || CertificateFacts.keyFingerprint(of: certificate, algorithm) == digest
  }
}
