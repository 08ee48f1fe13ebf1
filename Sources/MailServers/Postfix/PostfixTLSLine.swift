import MailModel

/// TLS lines of smtp(8) and tlsproxy(8): they name a peer, never a message.
enum PostfixTLSLine {
  /// A line that reports a failure.
  struct Failure {
    /// `host[address]:port`, or empty where the line names none.
    var peer: Range<Int>
    /// Whether a session's first TLS line may read so.
    var startsSession: Bool
    /// Our own certificate, key, CA file or library cannot be used.
    var isLocal = false
  }

  /// `Trusted TLS connection established to mx.example[192.0.2.1]:25: TLSv1.3 with cipher …`
  static func established(
    _ bytes: Span<UInt8>,
    _ text: Range<Int>
  ) -> (peer: Range<Int>, security: TransportSecurity)? {
    guard let (after, security) = level(bytes, text) else { return nil }
    let end = text.upperBound
    if bytes.has(" TLS connection established to ", at: after, to: end) {
      return (peer(bytes, from: after + 31, to: end), security)
    }
    if bytes.has(" TLS connection reused to ", at: after, to: end) {
      return (peer(bytes, from: after + 26, to: end), security)
    }
    return nil
  }

  /// What the first word says of the peer's certificate, and where it ends.
  private static func level(
    _ bytes: Span<UInt8>,
    _ text: Range<Int>
  ) -> (end: Int, security: TransportSecurity)? {
    let (start, end) = (text.lowerBound, text.upperBound)
    if bytes.has("Trusted", at: start, to: end) { return (start + 7, .encrypted) }
    if bytes.has("Untrusted", at: start, to: end) { return (start + 9, .encrypted) }
    if bytes.has("Verified", at: start, to: end) { return (start + 8, .authenticated) }
    if bytes.has("Anonymous", at: start, to: end) { return (start + 9, .encrypted) }
    return nil
  }

  /// A failure line, or nil.
  static func failure(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Failure? {
    let start = text.lowerBound
    let end = text.upperBound
    if bytes.has("SSL_connect error to ", at: start, to: end) {
      return Failure(peer: peer(bytes, from: start + 21, to: end), startsSession: true)
    }
    for verb: StaticString in [
      "certificate verification failed for ", "server certificate verification failed for ",
      "certificate peer name verification failed for ",
    ] where bytes.has(verb, at: start, to: end) {
      let from = start + verb.utf8CodeUnitCount
      return Failure(peer: peer(bytes, from: from, to: end), startsSession: true)
    }
    guard bytes.has("warning: ", at: start, to: end) else {
      return bytes.has("TLSRPT: ", at: start, to: end) && bytes.has("failure", in: text)
        ? Failure(peer: 0..<0, startsSession: false) : nil
    }
    return warning(bytes, (start + 9)..<end)
  }

  /// A failure line behind `warning: `.
  private static func warning(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Failure? {
    let start = text.lowerBound
    let end = text.upperBound
    if bytes.has("TLS library problem: ", at: start, to: end) {
      return Failure(peer: 0..<0, startsSession: false)
    }
    for verb: StaticString in [
      "TLS policy lookup for ", "DANE TLSA lookup problem: ", "TLSA lookup error",
      "TLS policy lookup error for ",
    ] where bytes.has(verb, at: start, to: end) {
      return Failure(peer: 0..<0, startsSession: true)
    }
    for local: StaticString in [
      "cannot get RSA certificate", "cannot get RSA private key", "cannot get certificate",
      "cannot load", "error loading", "No server certs available", "cannot initialize TLS",
      "TLS has been selected, but TLS support", "key at index", "cannot open CA",
      "unable to load", "tls_text_name",
    ] where bytes.firstIndex(of: local, from: start, to: end) != nil {
      return Failure(peer: 0..<0, startsSession: true, isLocal: true)
    }
    if bytes.firstIndex(of: "disabling TLS support", from: start, to: end) != nil {
      return Failure(peer: 0..<0, startsSession: true, isLocal: true)
    }
    return nil
  }

  /// `host[address]:port` at `start`; port and bracket may be missing.
  private static func peer(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Range<Int> {
    var at = start
    if let close = bytes.firstIndex(of: UInt8(ascii: "]"), from: start, to: min(end, start + 400)) {
      at = close + 1
      if at < end, bytes[at] == UInt8(ascii: ":"), let port = bytes.number(at: at + 1, to: end) {
        at = port.end
      }
    }
    return start..<at
  }
}

extension Span where Element == UInt8 {
  /// Whether `literal` occurs in `range`.
  func has(_ literal: StaticString, in range: Range<Int>) -> Bool {
    firstIndex(of: literal, from: range.lowerBound, to: range.upperBound) != nil
  }
}
