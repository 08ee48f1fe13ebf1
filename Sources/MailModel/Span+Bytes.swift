public import Glibc

/// Byte finders for log lines: no `String`, no regular expression, no trap on hostile input.
///
/// The short ones are copied into their callers: a literal's comparison is then two instructions, and
/// a call would be a dozen.
extension Span where Element == UInt8 {
  /// The first index of `byte` in `start..<end`, or nil.
  @inlinable @inline(__always)
  package func firstIndex(of byte: UInt8, from start: Int, to end: Int) -> Int? {
    guard start < end, start >= 0, end <= count else { return nil }
    return withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress,
        let hit = memchr(base + start, Int32(byte), end - start)
      else { return nil }
      return UnsafeRawPointer(hit) - UnsafeRawPointer(base)
    }
  }

  /// The last index of `byte` in `start..<end`, or nil.
  @inlinable package func lastIndex(of byte: UInt8, from start: Int, to end: Int) -> Int? {
    var at = Swift.min(end, count) - 1
    while at >= start && at >= 0 {
      if self[at] == byte { return at }
      at -= 1
    }
    return nil
  }

  /// The first index in `start..<end` of one of three bytes, or nil: for what lies near, eight bytes at
  /// a time and without a call.
  @inlinable @inline(__always)
  package func firstIndex(
    near a: UInt8,
    _ b: UInt8,
    _ c: UInt8,
    from start: Int,
    to end: Int
  ) -> Int? {
    guard start >= 0, end <= count else { return nil }
    let raw = bytes
    var at = start
    while at &+ 8 <= end {
      let word = raw.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self).littleEndian
      let found = word.marks(of: a) | word.marks(of: b) | word.marks(of: c)
      if found != 0 { return at &+ found.trailingZeroBitCount &>> 3 }
      at &+= 8
    }
    while at < end {
      let byte = self[unchecked: at]
      if byte == a || byte == b || byte == c { return at }
      at &+= 1
    }
    return nil
  }

  /// The first index of `byte` in `start..<end`, or nil: for what lies near.
  @inlinable @inline(__always)
  package func firstIndex(near byte: UInt8, from start: Int, to end: Int) -> Int? {
    guard start >= 0, end <= count else { return nil }
    let raw = bytes
    var at = start
    while at &+ 8 <= end {
      let word = raw.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self).littleEndian
      let found = word.marks(of: byte)
      if found != 0 { return at &+ found.trailingZeroBitCount &>> 3 }
      at &+= 8
    }
    while at < end {
      if self[unchecked: at] == byte { return at }
      at &+= 1
    }
    return nil
  }

  /// Whether `literal` stands at `start` and ends at or before `end`.
  @inlinable @inline(__always)
  package func has(_ literal: StaticString, at start: Int, to end: Int) -> Bool {
    let length = literal.utf8CodeUnitCount
    guard start >= 0, length <= end - start, end <= count else { return false }
    return withUnsafeBufferPointer { buffer in
      guard length > 0, let base = buffer.baseAddress else { return length == 0 }
      // Most literals that are tried differ in their first byte.
      return base[start] == literal.utf8Start[0]
        && memcmp(base + start, literal.utf8Start, length) == 0
    }
  }

  /// The index at which `literal` first occurs in `start..<end`, or nil.
  package func firstIndex(of literal: StaticString, from start: Int, to end: Int) -> Int? {
    let length = literal.utf8CodeUnitCount
    guard length > 0, start >= 0, end <= count, end - start >= length else { return nil }
    return withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return nil }
      let wanted = literal.utf8Start
      var at = start
      let lastStart = end - length
      while at <= lastStart, let hit = memchr(base + at, Int32(wanted[0]), lastStart - at + 1) {
        let index = UnsafeRawPointer(hit) - UnsafeRawPointer(base)
        if memcmp(hit, wanted, length) == 0 { return index }
        at = index + 1
      }
      return nil
    }
  }

  /// Exactly `width` decimal digits at `start`, as a number; nil where one is no digit.
  @inlinable @inline(__always)
  package func digits(_ width: Int, at start: Int) -> Int? {
    guard start >= 0, width <= 18, start + width <= count else { return nil }
    var value = 0
    for at in start..<(start + width) {
      let digit = self[at] &- 48
      guard digit <= 9 else { return nil }
      value = value * 10 + Int(digit)
    }
    return value
  }

  /// The decimal number at `start`, as long as its digits go (18 at most), and the index behind it.
  @inlinable @inline(__always)
  package func number(at start: Int, to end: Int) -> (value: Int, end: Int)? {
    var at = start
    var value = 0
    while at < end, at < count, at - start < 18 {
      let digit = self[at] &- 48
      guard digit <= 9 else { break }
      value = value &* 10 &+ Int(digit)
      at += 1
    }
    return at == start ? nil : (value, at)
  }

  /// Whether the bytes of `range` equal `literal`.
  @inlinable @inline(__always)
  package func equals(_ literal: StaticString, in range: Range<Int>) -> Bool {
    range.count == literal.utf8CodeUnitCount
      && has(literal, at: range.lowerBound, to: range.upperBound)
  }

  /// The bytes of `range` as text; bytes that are no UTF-8 are repaired.
  package func text(_ range: Range<Int>) -> String {
    let bounded = range.clamped(to: 0..<count)
    return withUnsafeBufferPointer { buffer in
      String(decoding: UnsafeBufferPointer(rebasing: buffer[bounded]), as: UTF8.self)
    }
  }
}

extension UInt64 {
  /// The top bit of each of its eight bytes that is `byte`; above the lowest of them others may be
  /// marked too.
  @inlinable @inline(__always)
  package func marks(of byte: UInt8) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    // A byte of the difference is zero where the bytes are alike.
    let difference = self ^ (ones &* UInt64(byte))
    return (difference &- ones) & ~difference & (ones << 7)
  }
}
