import MailModel

/// What the form of a Sendmail line tells when it stands alone.
enum SendmailLoneLine {
  static func read(_ bytes: Span<UInt8>, tag: Range<Int>, text: Range<Int>) -> LoneLine? {
    let isTagged = !tag.isEmpty && SendmailDialect.claims(tag: bytes.extracting(tag))
    guard isTagged || (tag.isEmpty && marks.contains { bytes.has($0, in: text) }) else {
      return nil
    }
    let start = text.lowerBound
    let end = text.upperBound
    if let status = bytes.firstIndex(of: "stat=", from: start, to: end) {
      let isSent = bytes.has("stat=Sent", at: status, to: end)
      // What the peer said stands before it, and says more.
      let reply = bytes.firstIndex(of: ", reply=", from: start, to: status).map { $0 + 8 }
      return LoneLine(side: .sending, isSuccess: isSent, statement: (reply ?? status + 5)..<end)
    }
    if let at = bytes.firstIndex(of: "STARTTLS=", from: start, to: end) {
      return session(bytes, at..<end)
    }
    if let at = bytes.firstIndex(of: "ruleset=", from: start, to: end) {
      let isServer =
        bytes.has("ruleset=check_", at: at, to: end)
        || bytes.has("ruleset=tls_client", at: at, to: end)
      return LoneLine(side: isServer ? .receiving : .sending, statement: at..<end)
    }
    if let at = bytes.firstIndex(of: ": from=", from: start, to: end) {
      return LoneLine(side: nil, isSuccess: true, statement: at..<end)
    }
    let isServer = serverTexts.contains { bytes.has($0, in: text) }
    return LoneLine(side: isServer ? .receiving : nil, statement: text)
  }

  /// `STARTTLS=client, …`, `STARTTLS=server, …`
  private static func session(_ bytes: Span<UInt8>, _ text: Range<Int>) -> LoneLine {
    let isServer = bytes.has("STARTTLS=server", at: text.lowerBound, to: text.upperBound)
    let side: Side = isServer ? .receiving : .sending
    if let at = bytes.firstIndex(of: "verifymsg=", from: text.lowerBound, to: text.upperBound) {
      let isFine = bytes.has("verifymsg=ok", at: at, to: text.upperBound)
      return LoneLine(side: side, isSuccess: isFine, statement: at..<text.upperBound)
    }
    let stands =
      bytes.has("version=", in: text) && !bytes.has("verify=FAIL", in: text)
      && !bytes.has("verify=DANE_FAIL", in: text)
    return LoneLine(side: side, isSuccess: stands, statement: text)
  }

  /// Texts that only Sendmail writes, of lines that lost their tag.
  private static let marks: [StaticString] = [
    "STARTTLS=client", "STARTTLS=server", "ruleset=tls_", "stat=Deferred", "stat=Sent",
    "stat=Service unavailable", "STARTTLS: ",
  ]

  private static let serverTexts: [StaticString] = [
    "did not issue MAIL", "AUTH failure", "AUTH=server", "lost input channel",
  ]
}
