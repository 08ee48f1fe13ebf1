/// Fields of log lines that name a person without an `@`, or hold a subject or a Message-ID.
///
///     orig_to=<root>, sasl_username=john, U=john, T="Your invoice", warning: header Subject: Hi from
///     550 <john>: unknown, see /home/john/mbox, john%40example.com
enum RedactedFields {
  /// Fields whose value is in angle brackets, or a word.
  private static let words = [
    "orig_to=", "sasl_username=", "user=", "ctladdr=", "message-id=", "msgid=", "U=",
  ].map { Array($0.utf8) }
  /// Fields whose value is redacted in angle brackets only; elsewhere the words are common ones.
  private static let bracketed = ["to=<", "from=<"].map { Array($0.utf8) }
  /// Directories of one person each.
  private static let homes = ["/home/", "/var/mail/", "/var/spool/mail/", "/Users/"].map {
    Array($0.utf8)
  }
  /// What a reply that is kept folded has in place of what it named.
  private static let folded = ["address", "host", "id", "ip", "n", "time"].map { Array($0.utf8) }
  private static let subject = Array("Subject: ".utf8)
  private static let title = Array("T=".utf8)

  /// `bytes` with the values of such fields as tokens; values with an `@` are left to the address rule.
  static func apply(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var at = 0
    while at < bytes.count {
      guard at == 0 || !isWord(bytes[at - 1]), let value = value(bytes, at) else {
        out.append(bytes[at])
        at += 1
        continue
      }
      out.append(contentsOf: bytes[at..<value.lowerBound])
      if value.isEmpty || bytes[value].contains(UInt8(ascii: "@")) {
        out.append(contentsOf: bytes[value])
      } else {
        out.append(contentsOf: Redaction.token(bytes[value]).utf8)
      }
      at = value.upperBound
    }
    return out
  }

  /// The value of the field that begins at `start`; nil where none does.
  private static func value(_ bytes: [UInt8], _ start: Int) -> Range<Int>? {
    let rest = bytes[start...]
    if let name = words.first(where: { rest.starts(with: $0) }) {
      return value(bytes, after: start + name.count)
    }
    if let name = bracketed.first(where: { rest.starts(with: $0) }) {
      return run(bytes, from: start + name.count) { $0 == UInt8(ascii: ">") }
    }
    if let home = homes.first(where: { rest.starts(with: $0) }) {
      return run(bytes, from: start + home.count) { " /,;:)>\"\n\\<".utf8.contains($0) }
    }
    if bytes[start] == UInt8(ascii: "<") { return bareName(bytes, start + 1) }
    if rest.starts(with: subject) {
      // Up to where the server's own words go on: ` from host[…]`.
      let from = start + subject.count
      var end = run(bytes, from: from) { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\"") }
      let next = Array(" from ".utf8)
      if end.count > next.count,
        let cut = (end.lowerBound..<(end.upperBound - next.count)).last(where: {
          bytes[$0...].starts(with: next)
        })
      {
        end = from..<cut
      }
      return end
    }
    if rest.starts(with: title) {
      var from = start + title.count
      if from < bytes.count, bytes[from] == UInt8(ascii: "\\") { from += 1 }
      guard from < bytes.count, bytes[from] == UInt8(ascii: "\"") else { return nil }
      return run(bytes, from: from + 1) { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
    }
    return nil
  }

  /// A name alone in angle brackets, as replies have it: no address, no host, nothing folded.
  private static func bareName(_ bytes: [UInt8], _ start: Int) -> Range<Int>? {
    let name = run(bytes, from: start) { !isWord($0) && $0 != UInt8(ascii: "+") }
    guard !name.isEmpty, name.count <= 64, name.upperBound < bytes.count,
      bytes[name.upperBound] == UInt8(ascii: ">"), !folded.contains(Array(bytes[name]))
    else { return nil }
    return name
  }

  private static func value(_ bytes: [UInt8], after start: Int) -> Range<Int> {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "<") else {
      return run(bytes, from: start) { " ,;)\"\n\\<".utf8.contains($0) }
    }
    return run(bytes, from: start + 1) { $0 == UInt8(ascii: ">") }
  }

  /// Up to the first byte that ends a value, a line's end at the latest; bounded.
  private static func run(
    _ bytes: [UInt8],
    from start: Int,
    until isEnd: (UInt8) -> Bool
  ) -> Range<Int> {
    var end = start
    while end < bytes.count, end - start < 1000, !isEnd(bytes[end]), bytes[end] != 0x0a {
      end += 1
    }
    return start..<end
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
