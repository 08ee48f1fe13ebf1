import MailModel

/// A queue id of 24 bytes at most, more than any server makes; it costs no allocation.
struct ShortID: Equatable, Sendable {
  private var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
  private let count: UInt8

  static let longest = 24

  /// The id in `range`, cut where it is longer.
  init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    let bounded = range.clamped(to: 0..<bytes.count).prefix(ShortID.longest)
    count = UInt8(truncatingIfNeeded: bounded.count)
    withUnsafeMutableBytes(of: &words) { target in
      bytes.withUnsafeBytes { source in
        target.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[bounded.startIndex..<bounded.endIndex])
        )
      }
    }
  }

  init(_ bytes: [UInt8]) { self.init(bytes.span, 0..<bytes.count) }

  /// Its bytes.
  var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0.prefix(Int(count))) } }

  static func == (left: ShortID, right: ShortID) -> Bool {
    left.count == right.count && left.words.0 == right.words.0 && left.words.1 == right.words.1
      && left.words.2 == right.words.2
  }

  static func < (left: ShortID, right: ShortID) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

extension ShortID: RecentKey {
  @inline(__always)
  func mixed(with seed: UInt64) -> UInt64 {
    let state = seed.folded(with: words.0).folded(with: words.1)
    return count > 16 ? state.folded(with: words.2) : state
  }
}
