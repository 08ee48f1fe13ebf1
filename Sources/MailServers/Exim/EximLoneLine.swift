import MailModel

/// What the form of an Exim line tells when it stands alone.
enum EximLoneLine {
  static func read(_ bytes: Span<UInt8>, tag: Range<Int>, text: Range<Int>) -> LoneLine? {
    guard tag.isEmpty || EximDialect.claims(tag: bytes.extracting(tag)) else { return nil }
    let text = tag.isEmpty ? text : withoutOwnMarks(bytes, text)
    if let id = EximMessageID.at(text.lowerBound, in: bytes, to: text.upperBound) {
      return behindID(bytes, min(id.upperBound + 1, text.upperBound)..<text.upperBound)
    }
    if bytes.has("TLS error on connection to ", in: text) {
      return LoneLine(side: .sending, statement: text)
    }
    let hasStamp = text.lowerBound > 0 && tag.isEmpty
    for mark in sendingMarks where bytes.has(mark, in: text) {
      return LoneLine(side: .sending, statement: text)
    }
    for mark in receivingMarks where bytes.has(mark, in: text) {
      return LoneLine(side: .receiving, statement: text)
    }
    guard hasStamp || !tag.isEmpty else { return nil }
    guard EximDialect.claimsUntagged(bytes.extracting(text)) else { return nil }
    return LoneLine(side: .receiving, statement: text)
  }

  /// What stands behind the mark of a piece, and behind the stamp that the line brings through syslog.
  private static func withoutOwnMarks(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Range<Int> {
    let text = EximPiece(bytes, text)?.text ?? text
    return EximDialect.withoutOwnStamp(bytes, text)..<text.upperBound
  }

  private static func behindID(_ bytes: Span<UInt8>, _ text: Range<Int>) -> LoneLine {
    let start = text.lowerBound
    let end = text.upperBound
    if bytes.has("<= ", at: start, to: end) {
      return LoneLine(side: .receiving, isSuccess: true, statement: text)
    }
    for arrow: StaticString in ["=> ", "-> ", ">> ", "*> "]
    where bytes.has(arrow, at: start, to: end) {
      return LoneLine(side: .sending, isSuccess: true, statement: text)
    }
    if bytes.has("TLS error on connection from ", in: text) {
      return LoneLine(side: .receiving, statement: text)
    }
    return LoneLine(side: .sending, statement: text)
  }

  /// Texts that only Exim writes, of lines that lost their stamp and id.
  private static let sendingMarks: [StaticString] = [
    "a TLS session is required", "TLS session: (", "TLS session failure:", "hosts_require_tls",
    "DANE attempt failed", "DANE error: ", "SMTP error from remote mail server after ",
    "retry time not reached", "retry timeout exceeded", " defer (-", " R=",
  ]
  private static let receivingMarks: [StaticString] = [
    "TLS error on connection from ", "TLS client disconnected cleanly",
    "SMTP command timeout on ", " authenticator failed for ", "SSL verify error: ",
  ]
}
