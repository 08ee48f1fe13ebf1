import MailModel

/// The `KEY=value` fields of a line that are asked for, the first of each.
struct EximFields {
  /// `host [ip]:port`.
  private(set) var host: Range<Int>?
  /// ` DS` within ``host``, as `log_selector = +dnssec` has it: the address was found with DNSSEC.
  private(set) var hostMark: Range<Int>?
  /// `S=`: bytes.
  private(set) var size: Range<Int>?
  /// `id=`: the Message-ID.
  private(set) var messageID: Range<Int>?
  /// `R=`: the router, or the message that this notice is about.
  private(set) var reference: Range<Int>?
  /// `T=`: the transport.
  private(set) var transport: Range<Int>?
  /// `X=`: protocol and cipher.
  private(set) var suite: Range<Int>?
  /// `CV=`: whether the certificate was verified.
  private(set) var verified: Range<Int>?
  /// `C=`: what the peer said to the delivery.
  private(set) var confirmation: Range<Int>?

  /// Fields read of one line at most.
  private static let most = 40

  init(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
    var at = start
    var count = 0
    while at < end, count < EximFields.most,
      let equals = bytes.firstIndex(of: UInt8(ascii: "="), from: at, to: end)
    {
      let length = EximFields.keyLength(bytes, before: equals, from: at)
      var value = (equals + 1)..<(equals + 1)
      if equals + 1 < end, bytes[equals + 1] == UInt8(ascii: "\"") {
        let close = EximFields.closingQuote(bytes, from: equals + 2, to: end)
        value = (equals + 2)..<close
        at = min(close + 1, end)
      } else {
        at = bytes.firstIndex(near: 0x20, from: equals + 1, to: end) ?? end
        value = (equals + 1)..<at
      }
      if length > 0 {
        keep(bytes, key: (equals - length)..<equals, value: value, to: end)
        count += 1
      }
    }
  }

  /// The length of the key that ends before `equals`, its word behind `start` or a blank; 0 where it is
  /// none of the one or two characters that are asked for.
  @inline(__always)
  private static func keyLength(_ bytes: Span<UInt8>, before equals: Int, from start: Int) -> Int {
    func isBlank(_ at: Int) -> Bool { at < start || bytes[at] == 0x20 }
    if isBlank(equals - 1) { return 0 }
    if isBlank(equals - 2) { return 1 }
    return isBlank(equals - 3) ? 2 : 0
  }

  @inline(__always)
  private mutating func keep(
    _ bytes: Span<UInt8>,
    key: Range<Int>,
    value: Range<Int>,
    to end: Int
  ) {
    let second = key.count == 2 ? bytes[key.lowerBound + 1] : 0
    switch (bytes[key.lowerBound], second) {
    case (UInt8(ascii: "H"), 0):
      if host == nil {
        let found = EximFields.host(bytes, from: key.upperBound + 1, to: end)
        host = found
        hostMark = EximFields.mark(bytes, found)
      }
    case (UInt8(ascii: "S"), 0): size = size ?? value
    case (UInt8(ascii: "i"), UInt8(ascii: "d")): messageID = messageID ?? value
    case (UInt8(ascii: "R"), 0): reference = reference ?? value
    case (UInt8(ascii: "T"), 0): transport = transport ?? value
    case (UInt8(ascii: "X"), 0): suite = suite ?? value
    case (UInt8(ascii: "C"), UInt8(ascii: "V")): verified = verified ?? value
    case (UInt8(ascii: "C"), 0): confirmation = confirmation ?? value
    default: break
    }
  }

  /// ` DS` between a host's name and its address.
  private static func mark(_ bytes: Span<UInt8>, _ host: Range<Int>) -> Range<Int>? {
    guard let blank = bytes.firstIndex(near: 0x20, from: host.lowerBound, to: host.upperBound),
      bytes.has(" DS [", at: blank, to: host.upperBound)
    else { return nil }
    return blank..<(blank + 3)
  }

  /// The quote that ends a value; one behind a backslash belongs to it.
  private static func closingQuote(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
    var at = start
    while let next = bytes.firstIndex(near: quote, backslash, quote, from: at, to: end) {
      if bytes[next] == quote { return next }
      at = next + 2
    }
    return end
  }

  /// `name [ip]:port` or `name (helo) [ip]`, up to the bracket and port.
  private static func host(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Range<Int> {
    guard
      let close = bytes.firstIndex(of: UInt8(ascii: "]"), from: start, to: min(end, start + 400))
    else {
      return start..<(bytes.firstIndex(of: 0x20, from: start, to: end) ?? end)
    }
    var stop = close + 1
    if stop < end, bytes[stop] == UInt8(ascii: ":"), let port = bytes.number(at: stop + 1, to: end)
    {
      stop = port.end
    }
    return start..<stop
  }
}
