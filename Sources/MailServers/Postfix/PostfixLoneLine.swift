import MailModel

/// What the form of a Postfix line tells when it stands alone.
enum PostfixLoneLine {
  static func read(_ bytes: Span<UInt8>, tag: Range<Int>, text: Range<Int>) -> LoneLine? {
    if let daemon = PostfixDaemon.named(bytes, in: tag) {
      let side: Side? =
        switch daemon {
        case .deliveryAgent, .errorAgent, .queueManager, .bounce: .sending
        case .smtpServer, .tlsProxy: .receiving
        case .bystander where bytes.equals("postscreen", in: lastComponent(bytes, tag)): .receiving
        default: nil
        }
      return lone(bytes, side: side, text: text)
    }
    guard tag.isEmpty else { return nil }
    for mark in marks where bytes.has(mark, in: text) {
      return lone(bytes, side: .sending, text: text)
    }
    for mark in serverMarks where bytes.has(mark, in: text) {
      return lone(bytes, side: .receiving, text: text)
    }
    return nil
  }

  /// Texts that only Postfix writes, of lines that lost their tag.
  private static let marks: [StaticString] = [
    "status=deferred (", "status=bounced (", "status=expired (", "status=sent (", "X-Postfix",
    "postfix/smtp", "Server certificate not ", "TLS is required, but ",
    "Cannot start TLS: handshake failure", "client TLS configuration problem",
    "SSL_connect error to ", "TLSRPT: ", "refused to talk to me: ", "(in reply to ",
  ]
  private static let serverMarks: [StaticString] = ["SSL_accept error from ", "NOQUEUE: "]

  private static func lone(_ bytes: Span<UInt8>, side: Side?, text: Range<Int>) -> LoneLine {
    let end = text.upperBound
    guard let status = bytes.firstIndex(of: "status=", from: text.lowerBound, to: end) else {
      return LoneLine(side: side, isSuccess: established(bytes, text), statement: text)
    }
    if bytes.has("status=sent", at: status, to: end)
      || bytes.has("status=success", at: status, to: end)
    {
      return LoneLine(side: side, isSuccess: true, statement: text)
    }
    guard let open = bytes.firstIndex(of: " (", from: status, to: end) else {
      return LoneLine(side: side, statement: text)
    }
    // The port says what was expected of the peer: TLS from the first byte, on this one.
    let relay = bytes.firstIndex(of: "]:465, ", from: text.lowerBound, to: status)
    return LoneLine(side: side, statement: (relay.map { $0 + 1 } ?? (open + 2))..<end)
  }

  private static func established(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    bytes.has("TLS connection established ", in: text)
      || bytes.has("TLS connection reused ", in: text)
  }

  private static func lastComponent(_ bytes: Span<UInt8>, _ tag: Range<Int>) -> Range<Int> {
    let slash = bytes.lastIndex(of: UInt8(ascii: "/"), from: tag.lowerBound, to: tag.upperBound)
    return (slash.map { $0 + 1 } ?? tag.lowerBound)..<tag.upperBound
  }
}
