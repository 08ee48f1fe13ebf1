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

  /// Gives each recipient of a list, without angle brackets; 2000 at most.
  func forEachRecipient(
    _ bytes: Span<UInt8>,
    from start: Int,
    to end: Int,
    _ take: (Range<Int>) -> Void
  ) {
    var at = start
    var count = 0
    while at < end, count < 2000 {
      let stop = recipientEnd(bytes, from: at, to: end)
      var one = at..<stop
      if bytes.has(" [more]", in: one) { one = at..<(stop - 7) }
      if one.count >= 2, bytes[one.lowerBound] == UInt8(ascii: "<"),
        bytes[one.upperBound - 1] == UInt8(ascii: ">")
      {
        one = (one.lowerBound + 1)..<(one.upperBound - 1)
      }
      if !one.isEmpty {
        take(one)
        count += 1
      }
      at = stop + 1
    }
  }

  /// Where the recipient ends that begins at `start`: at the comma behind it, or at `end`.
  private func recipientEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    let (open, close) = (UInt8(ascii: "<"), UInt8(ascii: ">"))
    if bytes[start] == open,
      let next = bytes.firstIndex(near: open, close, close, from: start + 1, to: end),
      bytes[next] == close, next + 1 == end || bytes[next + 1] == UInt8(ascii: ",")
    {
      return next + 1
    }
    var stop = start
    var depth = 0
    // Programs stand in quotation marks, with their arguments.
    var isQuoted = false
    while stop < end {
      if bytes[stop] == UInt8(ascii: "\""), depth <= 0 { isQuoted.toggle() }
      if bytes[stop] == open { depth += 1 }
      if bytes[stop] == close { depth -= 1 }
      if bytes[stop] == UInt8(ascii: ","), depth <= 0, !isQuoted { break }
      stop += 1
    }
    return stop
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

  /// `mx.example.net` of `mx.example.net. [192.0.2.1]`.
  static func hostName(_ bytes: Span<UInt8>, _ relay: Range<Int>) -> Range<Int> {
    var end =
      bytes.firstIndex(
        near: 0x20,
        UInt8(ascii: "["),
        0x20,
        from: relay.lowerBound,
        to: relay.upperBound
      ) ?? relay.upperBound
    while end > relay.lowerBound, bytes[end - 1] == UInt8(ascii: ".") { end -= 1 }
    return relay.lowerBound..<end
  }

  /// Whether the bytes of `range` are `name`, which is in lower case.
  static func isHost(_ name: [UInt8], _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    guard name.count == range.count else { return false }
    var at = range.lowerBound
    for byte in name {
      if bytes[at].lowercased != byte { return false }
      at += 1
    }
    return true
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

extension UInt8 {
  /// The letter in lower case; other bytes as they are.
  @inline(__always)
  var lowercased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
}

extension [UInt8] {
  /// Turns its letters to lower case.
  mutating func lowercase() {
    for index in indices where self[index] != self[index].lowercased {
      self[index] = self[index].lowercased
    }
  }
}

extension Span where Element == UInt8 {
  /// Whether the bytes of `range` begin with `literal`.
  @inline(__always)
  func begins(_ literal: StaticString, in range: Range<Int>) -> Bool {
    has(literal, at: range.lowerBound, to: range.upperBound)
  }
}
