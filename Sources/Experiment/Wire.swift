import COpenSSL
import Glibc

/// Why the wire failed.
struct WireFailure: Error {
  enum Kind {
    case timeout, closed, reset, refused, unreachable, tooMuch, tls
    /// Our own certificate, key, CA file or cipher list cannot be used.
    case local
  }

  var kind: Kind
  var detail: String
  /// OpenSSL's reason code; 0 where there is none.
  var reason: Int = 0
}

/// A socket that never blocks and, after ``startTLS(_:timeout:)``, a TLS session on it. Each call
/// has a deadline; each reading has a limit.
final class Wire {
  private let descriptor: Int32
  private var context: OpaquePointer?
  private var session: OpaquePointer?
  private var pending: [UInt8] = []
  private(set) var alerts: [String] = []
  /// More than this from a peer in one session is an attack, or no mail server.
  private static let byteLimit = 1 << 20
  private var received = 0

  /// Connects to a numeric address.
  init(address: String, port: UInt16, timeout: Double) throws(WireFailure) {
    signal(SIGPIPE, SIG_IGN)
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address, String(port), &hints, &list) == 0, let list else {
      throw WireFailure(kind: .unreachable, detail: "\(address): not a numeric address")
    }
    defer { freeaddrinfo(list) }
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    descriptor = socket(list.pointee.ai_family, type, 0)
    guard descriptor >= 0 else { throw Wire.failure(errno) }
    if connect(descriptor, list.pointee.ai_addr, list.pointee.ai_addrlen) == 0 { return }
    guard errno == EINPROGRESS else { throw Wire.failure(errno) }
    try wait(for: POLLOUT, until: Wire.now() + timeout)
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
    if code != 0 { throw Wire.failure(code) }
  }

  deinit {
    SSL_free(session)
    SSL_CTX_free(context)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Seconds of the monotonic clock.
  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The local address of the connection.
  var source: String? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var text = [CChar](repeating: 0, count: 128)
    let named = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        getsockname(descriptor, address, &length) == 0
          && getnameinfo(address, length, &text, 128, nil, 0, NI_NUMERICHOST) == 0
      }
    }
    guard named else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  var isEncrypted: Bool { session != nil }

  /// Bytes that came before anyone asked for them; taken out.
  func discardPending() -> Int {
    defer { pending = [] }
    return pending.count
  }

  /// What came behind the last whole line; taken out.
  func remainder() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  private static func failure(_ code: Int32) -> WireFailure {
    let kind: WireFailure.Kind =
      switch code {
      case ECONNREFUSED: .refused
      case ECONNRESET, EPIPE: .reset
      case ETIMEDOUT: .timeout
      default: .unreachable
      }
    return WireFailure(kind: kind, detail: String(cString: strerror(code)))
  }

  private func wait(for events: Int32, until deadline: Double) throws(WireFailure) {
    while true {
      let left = deadline - Wire.now()
      guard left > 0 else { throw WireFailure(kind: .timeout, detail: "timed out") }
      var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      let count = poll(&entry, 1, Int32(min(left * 1000 + 1, 60_000)))
      if count > 0 { return }
      if count < 0, errno != EINTR { throw Wire.failure(errno) }
    }
  }

  /// Sends all bytes before the deadline.
  func send(_ bytes: [UInt8], until deadline: Double) throws(WireFailure) {
    var sent = 0
    while sent < bytes.count {
      let rest = Array(bytes[sent...])
      let count: Int
      if let session {
        ERR_clear_error()
        count = Int(SSL_write(session, rest, Int32(rest.count)))
        if count <= 0 {
          try resume(session, result: Int32(count), until: deadline)
          continue
        }
      } else {
        count = write(descriptor, rest, rest.count)
        if count < 0 {
          guard errno == EAGAIN || errno == EINTR else { throw Wire.failure(errno) }
          try wait(for: POLLOUT, until: deadline)
          continue
        }
      }
      sent += count
    }
  }

  /// One line without its end; at most 4096 bytes.
  func line(until deadline: Double) throws(WireFailure) -> String {
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        var bytes = pending[..<end]
        if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
        pending.removeSubrange(...end)
        return String(decoding: bytes, as: UTF8.self)
      }
      guard pending.count <= 4096 else {
        throw WireFailure(kind: .tooMuch, detail: "a line of more than 4096 bytes")
      }
      pending += try receive(until: deadline)
    }
  }

  /// Some bytes, at least one.
  func receive(until deadline: Double) throws(WireFailure) -> [UInt8] {
    guard received < Wire.byteLimit else {
      throw WireFailure(kind: .tooMuch, detail: "more than \(Wire.byteLimit) bytes")
    }
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      guard Wire.now() < deadline else { throw WireFailure(kind: .timeout, detail: "timed out") }
      let count: Int
      if let session {
        ERR_clear_error()
        count = Int(SSL_read(session, &chunk, Int32(chunk.count)))
        if count <= 0 {
          try resume(session, result: Int32(count), until: deadline)
          continue
        }
      } else {
        count = read(descriptor, &chunk, chunk.count)
        if count == 0 { throw WireFailure(kind: .closed, detail: "the peer closed the connection") }
        if count < 0 {
          guard errno == EAGAIN || errno == EINTR else { throw Wire.failure(errno) }
          try wait(for: POLLIN, until: deadline)
          continue
        }
      }
      received += count
      return Array(chunk[..<count])
    }
  }

  /// Waits for what OpenSSL wants, or says why it failed.
  private func resume(
    _ session: OpaquePointer,
    result: Int32,
    until deadline: Double
  ) throws(WireFailure) {
    let code = errno
    switch SSL_get_error(session, result) {
    case SSL_ERROR_WANT_READ: try wait(for: POLLIN, until: deadline)
    case SSL_ERROR_WANT_WRITE: try wait(for: POLLOUT, until: deadline)
    case SSL_ERROR_ZERO_RETURN:
      throw WireFailure(kind: .closed, detail: "the peer ended the TLS session")
    case SSL_ERROR_SYSCALL where code != 0: throw Wire.failure(code)
    case SSL_ERROR_SYSCALL:
      throw WireFailure(kind: .closed, detail: "the peer closed the connection")
    default: throw Wire.libraryFailure(.tls)
    }
  }

  private static func libraryFailure(_ kind: WireFailure.Kind) -> WireFailure {
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

  /// The handshake. The chain is examined afterwards, never by breaking off.
  func startTLS(_ demand: TLSDemand, until deadline: Double) throws(WireFailure) {
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw Wire.libraryFailure(.local) }
    self.context = context
    try configure(context, demand)
    guard let session = SSL_new(context) else { throw Wire.libraryFailure(.local) }
    self.session = session
    SSL_set_fd(session, descriptor)
    mt_set_owner(session, Unmanaged.passUnretained(self).toOpaque())
    SSL_set_info_callback(session) { session, place, value in
      guard let session, place & (SSL_CB_ALERT) != 0, let owner = mt_owner(session) else { return }
      Unmanaged<Wire>.fromOpaque(owner).takeUnretainedValue().note(place, value)
    }
    let name = demand.serverName
    if let name { mt_set_host_name(session, name) }
    mt_request_staple(session)
    if case .dane(let records) = demand.verification {
      try enableDANE(session, records, name: name)
    }
    while true {
      ERR_clear_error()
      let result = SSL_connect(session)
      if result == 1 { return }
      try resume(session, result: result, until: deadline)
    }
  }

  /// Lets a TLS 1.3 peer that asked for a certificate say no before more is sent: its alert comes
  /// after our handshake is done, and would be lost if it closed on bytes it did not read.
  func settle(seconds: Double) throws(WireFailure) {
    guard let session, SSL_version(session) == TLS1_3_VERSION else { return }
    let end = Wire.now() + seconds
    var byte: UInt8 = 0
    while Wire.now() < end {
      ERR_clear_error()
      let count = SSL_peek(session, &byte, 1)
      if count > 0 { return }
      if SSL_get_error(session, count) == SSL_ERROR_WANT_READ {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&entry, 1, Int32(max((end - Wire.now()) * 1000, 1))) <= 0 { return }
      } else {
        try resume(session, result: count, until: end)
      }
    }
  }

  private func note(_ place: Int32, _ value: Int32) {
    let direction = place & SSL_CB_READ != 0 ? "received" : "sent"
    guard alerts.count < 16, let text = SSL_alert_desc_string_long(value) else { return }
    alerts.append("\(direction): \(String(cString: text))")
  }

  private func configure(_ context: OpaquePointer, _ demand: TLSDemand) throws(WireFailure) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
    if let level = demand.securityLevel { SSL_CTX_set_security_level(context, Int32(level)) }
    if let minimum = demand.minimumProtocol.flatMap(Wire.version) {
      mt_ctx_min_protocol(context, minimum)
    }
    if let maximum = demand.maximumProtocol.flatMap(Wire.version) {
      mt_ctx_max_protocol(context, maximum)
    }
    if let ciphers = demand.ciphers, SSL_CTX_set_cipher_list(context, ciphers) != 1 {
      throw Wire.libraryFailure(.local)
    }
    if demand.caFile == nil, demand.caPath == nil {
      SSL_CTX_set_default_verify_paths(context)
    } else if SSL_CTX_load_verify_locations(context, demand.caFile, demand.caPath) != 1 {
      throw Wire.libraryFailure(.local)
    }
    if let certificate = demand.clientCertificate {
      let key = demand.clientKey ?? certificate
      guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
      else { throw Wire.libraryFailure(.local) }
    }
    if case .dane = demand.verification { SSL_CTX_dane_enable(context) }
  }

  private func enableDANE(
    _ session: OpaquePointer,
    _ records: [TLSARecord],
    name: String?
  ) throws(WireFailure) {
    guard SSL_dane_enable(session, name ?? "") == 1 else { throw Wire.libraryFailure(.local) }
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

  /// What TLS saw; nil before a handshake has come so far.
  var facts: TLSFacts? {
    guard let session else { return nil }
    var chain: [CertificateFacts] = []
    for index in 0..<min(mt_chain_count(session), 16) {
      if let certificate = mt_chain_at(session, index) {
        chain.append(CertificateFacts(certificate))
      }
    }
    let code = SSL_get_verify_result(session)
    let group = mt_peer_group(session)
    return TLSFacts(
      version: String(cString: SSL_get_version(session)),
      cipher: SSL_get_current_cipher(session).map { String(cString: SSL_CIPHER_get_name($0)) }
        ?? "none",
      group: group == 0 ? nil : OBJ_nid2sn(Int32(group)).map { String(cString: $0) },
      chain: chain,
      verifyCode: Int(code),
      verifyText: String(cString: X509_verify_cert_error_string(code)),
      isClientCertificateRequested: SSL_get0_peer_CA_list(session) != nil
        && OPENSSL_sk_num(SSL_get0_peer_CA_list(session)) > 0,
      alerts: alerts,
      ocspStaple: Wire.staple(mt_staple_status(session))
    )
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
    guard let session, let certificate = mt_chain_at(session, 0) else { return false }
    return X509_check_host(certificate, name, name.utf8.count, 0, nil) == 1
  }
}
