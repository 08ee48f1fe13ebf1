import MailModel

/// Pieces of a line: `key=value` fields, lists of recipients, lengths of time.
extension SendmailDialect {
  func outcome(
    _ bytes: Span<UInt8>,
    _ status: Range<Int>,
    dsn: EnhancedStatusCode?
  ) -> DeliveryOutcome {
    if bytes.has("Sent", at: status.lowerBound, to: status.upperBound) { return .delivered }
    for waits: StaticString in ["Deferred", "queued", "quarantine"]
    where bytes.has(waits, at: status.lowerBound, to: status.upperBound) { return .deferred }
    switch dsn?.classDigit {
    case 2: return .delivered
    case 4: return .deferred
    default: return .bounced
    }
  }

  /// Where the list of recipients ends: at the first `, key=`.
  func recipientsEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var best = end
    for key: StaticString in [", ctladdr=", ", delay=", ", xdelay=", ", mailer="] {
      if let at = bytes.firstIndex(of: key, from: start, to: best) { best = at }
    }
    return best
  }

  func recipients(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var at = start
    while at < end, found.count < 2000 {
      var stop = at
      var depth = 0
      // Programs stand in quotation marks, with their arguments.
      var isQuoted = false
      while stop < end {
        if bytes[stop] == UInt8(ascii: "\""), depth <= 0 { isQuoted.toggle() }
        if bytes[stop] == UInt8(ascii: "<") { depth += 1 }
        if bytes[stop] == UInt8(ascii: ">") { depth -= 1 }
        if bytes[stop] == UInt8(ascii: ","), depth <= 0, !isQuoted { break }
        stop += 1
      }
      var one = at..<stop
      if bytes.has(" [more]", in: one) { one = at..<(stop - 7) }
      if one.count >= 2, bytes[one.lowerBound] == UInt8(ascii: "<"),
        bytes[one.upperBound - 1] == UInt8(ascii: ">")
      {
        one = (one.lowerBound + 1)..<(one.upperBound - 1)
      }
      if !one.isEmpty { found.append(one) }
      at = stop + 1
    }
    return found
  }

  func field(
    _ bytes: Span<UInt8>,
    _ key: StaticString,
    from start: Int,
    to end: Int
  ) -> Range<Int>? {
    guard let at = bytes.firstIndex(of: key, from: start, to: end) else { return nil }
    let from = at + key.utf8CodeUnitCount
    return from..<(bytes.firstIndex(of: ", ", from: from, to: end) ?? end)
  }

  /// `mx.example.net. [192.0.2.1]` as `mx.example.net`.
  static func hostName(_ bytes: Span<UInt8>, _ relay: Range<Int>) -> [UInt8] {
    var name: [UInt8] = []
    for index in relay {
      let byte = bytes[index]
      if byte == 0x20 || byte == UInt8(ascii: "[") { break }
      name.append(byte >= 65 && byte <= 90 ? byte | 0x20 : byte)
    }
    while name.last == UInt8(ascii: ".") { name.removeLast() }
    return name
  }

  /// `[4+]12:04:53` in seconds.
  func seconds(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Double? {
    var at = range.lowerBound
    var days = 0
    if let (number, stop) = bytes.number(at: at, to: range.upperBound), stop < range.upperBound,
      bytes[stop] == UInt8(ascii: "+")
    {
      days = min(number, 100_000)
      at = stop + 1
    }
    guard let hours = bytes.digits(2, at: at), let minutes = bytes.digits(2, at: at + 3),
      let seconds = bytes.digits(2, at: at + 6)
    else { return nil }
    return Double(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
  }

  /// `8 minutes`, `5 days`.
  func lengthInWords(
    _ bytes: Span<UInt8>,
    _ text: Range<Int>,
    behind words: StaticString
  ) -> Double? {
    guard let at = bytes.firstIndex(of: words, from: text.lowerBound, to: text.upperBound),
      let (number, stop) = bytes.number(at: at + words.utf8CodeUnitCount, to: text.upperBound)
    else { return nil }
    let units: [(StaticString, Double)] = [
      (" second", 1), (" minute", 60), (" hour", 3600), (" day", 86_400), (" week", 604_800),
    ]
    for (name, factor) in units where bytes.has(name, at: stop, to: text.upperBound) {
      return Double(min(number, 1_000_000)) * factor
    }
    return nil
  }
}
