import MailModel

/// Eight bytes of a line looked at together: what is told of each stands in the top bit of its place.
struct EightBytes {
  private let word: UInt64
  /// The same without what is beyond ASCII, of which ``isASCII`` tells.
  private let low: UInt64

  private static var ones: UInt64 { 0x0101_0101_0101_0101 }
  static var all: UInt64 { 0x8080_8080_8080_8080 }

  /// The bytes from `start` on; zeros behind the end.
  @inline(__always)
  init(_ bytes: Span<UInt8>, at start: Int) {
    if start >= 0, start &+ 8 <= bytes.count {
      word =
        bytes.bytes.unsafeLoadUnaligned(
          fromUncheckedByteOffset: start,
          as: UInt64.self
        ).littleEndian
    } else {
      var rest: UInt64 = 0
      for index in stride(from: bytes.count - 1, through: start, by: -1) {
        rest = rest << 8 | UInt64(bytes[index])
      }
      word = rest
    }
    low = word & ~EightBytes.all
  }

  private init(word: UInt64) {
    self.word = word
    low = word & ~EightBytes.all
  }

  /// Letters in lower case; other bytes may be changed too, but none becomes a letter.
  var folded: EightBytes {
    @inline(__always) get { EightBytes(word: word | 0x2020_2020_2020_2020) }
  }

  /// Which of them lie between two ASCII characters, both included.
  @inline(__always)
  func between(_ first: UInt8, _ last: UInt8) -> UInt64 {
    let reaches = low &+ EightBytes.ones &* UInt64(128 - first)
    let exceeds = low &+ EightBytes.ones &* UInt64(127 - last)
    return reaches & ~exceeds & ~word & EightBytes.all
  }

  /// Which of them are an ASCII character.
  @inline(__always)
  func equal(_ byte: UInt8) -> UInt64 {
    let difference = low ^ (EightBytes.ones &* UInt64(byte))
    return ~(difference &+ (EightBytes.all &- EightBytes.ones)) & ~word & EightBytes.all
  }

  /// Which of them are letters and digits.
  var alphanumeric: UInt64 {
    @inline(__always) get {
      between(UInt8(ascii: "0"), UInt8(ascii: "9"))
        | folded.between(UInt8(ascii: "a"), UInt8(ascii: "z"))
    }
  }
}

extension UInt64 {
  /// The places of the lowest `count` bytes, 8 at most, of ``EightBytes``.
  @inline(__always)
  static func places(below count: Int) -> UInt64 {
    count >= 8 ? ~0 : (1 &<< (UInt64(truncatingIfNeeded: count) &* 8)) &- 1
  }

  /// How many of the lowest bytes are marked, before the first that is not.
  var leadingMarks: Int {
    @inline(__always) get {
      let others = ~self & EightBytes.all
      return others == 0 ? 8 : others.trailingZeroBitCount &>> 3
    }
  }

  /// The place of the last byte that is marked; nil where none is.
  var lastMark: Int? {
    @inline(__always) get { self == 0 ? nil : (63 &- leadingZeroBitCount) &>> 3 }
  }
}
