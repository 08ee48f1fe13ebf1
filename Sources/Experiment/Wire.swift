import Glibc

/// Why the wire failed.
struct WireFailure: Error {
  enum Kind {
    case timeout, closed, reset, refused, unreachable, tooMuch, tls
    /// What came is no reply of SMTP.
    case nonsense
    /// Our own certificate, key, CA file or cipher list cannot be used.
    case local
    /// This host has no route, no address or no permission to connect.
    case ourselves
  }

  var kind: Kind
  var detail: String
  /// Whether this host is at fault, not the peer or the path.
  var isOurs: Bool { kind == .local || kind == .ourselves }
  /// OpenSSL's reason code; 0 where there is none.
  var reason: Int = 0
}

/// A socket that never blocks and, after ``startTLS(_:until:)``, a TLS session on it. Each call has
/// a deadline; each reading has a limit.
///
/// A peer that breaks off may have said why: a failure to send is kept back until what it sent has
/// been read.
final class Wire {
  private let descriptor: Int32
  private(set) var session: TLSSession?
  private var pending: [UInt8] = []
  /// More than this from a peer in one session is an attack, or no mail server.
  private static let byteLimit = 1 << 20
  private static let longestLine = 4096
  private static let largestRecord = 16_384
  private var received = 0
  /// Why nothing can be sent any more.
  private var sendFailure: WireFailure?
  /// The first bytes that came behind the last ``startTLS(_:until:)``.
  private var firstBytes: [UInt8] = []

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

  deinit { if descriptor >= 0 { close(descriptor) } }

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
      case EPERM, EACCES, ENETUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS:
        .ourselves
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

  // MARK: Bytes on the socket

  /// Sends bytes as they are. A peer that takes no more is found out at the next reading.
  private func push(_ bytes: [UInt8], until deadline: Double) throws(WireFailure) {
    var sent = 0
    while sent < bytes.count, sendFailure == nil {
      let count = bytes.withUnsafeBytes {
        write(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent)
      }
      if count >= 0 {
        sent += count
      } else if errno == EAGAIN {
        try wait(for: POLLOUT, until: deadline)
      } else if errno != EINTR {
        sendFailure = Wire.failure(errno)
      }
    }
  }

  /// Some bytes from the socket, at least one.
  private func pull(until deadline: Double) throws(WireFailure) -> [UInt8] {
    guard received < Wire.byteLimit else {
      throw WireFailure(kind: .tooMuch, detail: "more than \(Wire.byteLimit) bytes")
    }
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      guard Wire.now() < deadline else { throw WireFailure(kind: .timeout, detail: "timed out") }
      let count = read(descriptor, &chunk, chunk.count)
      if count > 0 {
        received += count
        let bytes = Array(chunk[..<count])
        if firstBytes.count < 80 { firstBytes += bytes.prefix(80 - firstBytes.count) }
        return bytes
      }
      if count == 0 {
        throw sendFailure ?? WireFailure(kind: .closed, detail: "the peer closed the connection")
      }
      guard errno == EAGAIN || errno == EINTR else { throw Wire.failure(errno) }
      try wait(for: POLLIN, until: deadline)
    }
  }

  // MARK: What the session says

  /// Sends all bytes before the deadline.
  func send(_ bytes: [UInt8], until deadline: Double) throws(WireFailure) {
    guard let session else { return try push(bytes, until: deadline) }
    for start in stride(from: 0, to: bytes.count, by: Wire.largestRecord) {
      let part = Array(bytes[start..<min(start + Wire.largestRecord, bytes.count)])
      try advance(session, until: deadline) { $0.write(part) }
      try push(session.output(), until: deadline)
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
      guard pending.count <= Wire.longestLine else {
        throw WireFailure(kind: .tooMuch, detail: "a line of more than \(Wire.longestLine) bytes")
      }
      pending += try receive(until: deadline)
    }
  }

  /// Some bytes, at least one.
  func receive(until deadline: Double) throws(WireFailure) -> [UInt8] {
    guard let session else { return try pull(until: deadline) }
    try advance(session, until: deadline) { $0.read() }
    return session.takeRead()
  }

  /// The handshake. The chain is examined afterwards, never by breaking off.
  func startTLS(_ demand: TLSDemand, until deadline: Double) throws(WireFailure) {
    firstBytes = []
    let session = try TLSSession(demand)
    self.session = session
    do throws(WireFailure) {
      try advance(session, until: deadline) { $0.connect() }
      try push(session.output(), until: deadline)
    } catch {
      var failure = error
      if failure.kind == .tls, let text = plaintext {
        failure.detail += "; the peer sent \"\(text)\""
      }
      throw failure
    }
  }

  /// What came where a handshake should have, if it is text.
  private var plaintext: String? {
    let line = firstBytes.prefix { $0 != 10 && $0 != 13 }
    guard line.count >= 3, line.allSatisfy({ (32..<127).contains($0) }) else { return nil }
    return String(decoding: line, as: UTF8.self)
  }

  /// Repeats a step of OpenSSL, with bytes carried to and fro, until it is done.
  private func advance(
    _ session: TLSSession,
    until deadline: Double,
    _ step: (TLSSession) -> TLSSession.Progress
  ) throws(WireFailure) {
    while true {
      let progress = step(session)
      switch progress {
      case .done: return
      case .failed(let failure):
        // The alert that says why is on its way to the peer too; whether it arrives changes nothing.
        try? push(session.output(), until: deadline)
        throw failure
      case .wantsMore:
        try push(session.output(), until: deadline)
        session.input(try pull(until: deadline))
      }
    }
  }

  /// What TLS saw; nil before a handshake has come so far.
  var facts: TLSFacts? { session?.facts }

  var alerts: [String] { session?.alerts ?? [] }

  /// Whether a digest is that of the peer's own certificate or of its key.
  func certificateHasDigest(_ digest: String) -> Bool {
    session?.certificateHasDigest(digest) ?? false
  }

  /// Whether the peer's own certificate carries the name.
  func certificateMatches(_ name: String) -> Bool { session?.certificateMatches(name) ?? false }
}
