/// An enhanced mail system status code: `4.7.5` (RFC 3463).
package struct EnhancedStatusCode: Hashable, Sendable, CustomStringConvertible {
  /// 2 success, 4 persistent transient failure, 5 permanent failure.
  @inlinable package var classDigit: Int { Int(storedClass) }
  /// 0 to 999: 7 is security or policy (RFC 3463 section 3).
  @inlinable package var subject: Int { Int(storedSubject) }
  /// 0 to 999.
  @inlinable package var detail: Int { Int(storedDetail) }

  // In little room: an event holds one.
  @usableFromInline let storedClass: UInt16
  @usableFromInline let storedSubject: UInt16
  @usableFromInline let storedDetail: UInt16

  /// A code from its three numbers; nil outside RFC 3463's ranges.
  @inlinable package init?(_ classDigit: Int, _ subject: Int, _ detail: Int) {
    guard classDigit == 2 || classDigit == 4 || classDigit == 5, (0...999).contains(subject),
      (0...999).contains(detail)
    else { return nil }
    storedClass = UInt16(classDigit)
    storedSubject = UInt16(subject)
    storedDetail = UInt16(detail)
  }

  /// Reads `4.7.5` at `start`; gives the code and the index behind it.
  @inlinable package static func parse(
    _ bytes: Span<UInt8>,
    from start: Int,
    to end: Int
  ) -> (EnhancedStatusCode, end: Int)? {
    guard let (first, a) = bytes.number(at: start, to: end), a < end, bytes[a] == UInt8(ascii: "."),
      let (second, b) = bytes.number(at: a + 1, to: end), b < end, bytes[b] == UInt8(ascii: "."),
      let (third, c) = bytes.number(at: b + 1, to: end),
      let code = EnhancedStatusCode(first, second, third)
    else { return nil }
    return (code, c)
  }

  /// Reads a whole text such as `4.7.5`.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard let (code, end) = EnhancedStatusCode.parse(bytes.span, from: 0, to: bytes.count),
      end == bytes.count
    else { return nil }
    self = code
  }

  /// One integer for storage: class * 1 000 000 + subject * 1000 + detail.
  package var packed: Int { classDigit * 1_000_000 + subject * 1000 + detail }

  /// The code from ``packed``.
  package init?(packed: Int) {
    self.init(packed / 1_000_000, packed / 1000 % 1000, packed % 1000)
  }

  package var description: String { "\(classDigit).\(subject).\(detail)" }
}
