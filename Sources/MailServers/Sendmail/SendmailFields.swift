import MailModel

/// The `, key=value` fields of a result line, read in one go; the first of each.
struct SendmailFields {
  /// Where `, stat=` begins, and with it the last field.
  private(set) var stat: Int
  /// Where the list of recipients ends.
  private(set) var listEnd: Int
  private(set) var relay: Range<Int>?
  private(set) var enhancedStatus: Range<Int>?
  private(set) var delay: Range<Int>?
  private(set) var attemptDelay: Range<Int>?
  private(set) var tries: Range<Int>?
  private(set) var mailer: Range<Int>?
  /// What the peer said, up to ``stat``; it may stand in the list's place.
  private(set) var reply: Range<Int>?

  /// Reads the fields behind the recipients that begin at `start`; nil without a status.
  init?(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
    stat = end
    listEnd = -1
    var at = start
    var replyStart: Int?
    while let comma = SendmailFields.comma(bytes, from: at, to: end) {
      let key = comma + 2
      if bytes.has("stat=", at: key, to: end) {
        stat = comma
        if listEnd < 0 { listEnd = comma }
        reply = replyStart.map { $0..<comma }
        return
      }
      if replyStart == nil, bytes.has("reply=", at: key, to: end) { replyStart = key + 6 }
      at = comma + 1
      if listEnd < 0 {
        guard SendmailFields.endsList(bytes, at: key, to: end) else { continue }
        listEnd = comma
      }
      let next = SendmailFields.comma(bytes, from: at, to: end) ?? end
      keep(bytes, key..<next)
      at = next
    }
    return nil
  }

  /// The first comma with a blank behind it.
  @inline(__always)
  static func comma(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
    var at = start
    while let comma = bytes.firstIndex(near: UInt8(ascii: ","), from: at, to: end) {
      if comma + 1 < end, bytes[comma + 1] == 0x20 { return comma }
      at = comma + 1
    }
    return nil
  }

  private static func endsList(_ bytes: Span<UInt8>, at key: Int, to end: Int) -> Bool {
    bytes.has("ctladdr=", at: key, to: end) || bytes.has("delay=", at: key, to: end)
      || bytes.has("xdelay=", at: key, to: end) || bytes.has("mailer=", at: key, to: end)
  }

  private mutating func keep(_ bytes: Span<UInt8>, _ field: Range<Int>) {
    let (at, end) = (field.lowerBound, field.upperBound)
    guard at < end else { return }
    switch bytes[at] {
    case UInt8(ascii: "d"):
      if bytes.has("delay=", at: at, to: end) {
        delay = delay ?? (at + 6)..<end
      } else if bytes.has("dsn=", at: at, to: end) {
        enhancedStatus = enhancedStatus ?? (at + 4)..<end
      }
    case UInt8(ascii: "x"):
      if bytes.has("xdelay=", at: at, to: end) { attemptDelay = attemptDelay ?? (at + 7)..<end }
    case UInt8(ascii: "m"):
      if bytes.has("mailer=", at: at, to: end) { mailer = mailer ?? (at + 7)..<end }
    case UInt8(ascii: "r"):
      if bytes.has("relay=", at: at, to: end) { relay = relay ?? (at + 6)..<end }
    case UInt8(ascii: "n"):
      if bytes.has("ntries=", at: at, to: end) { tries = tries ?? (at + 7)..<end }
    default: break
    }
  }
}
