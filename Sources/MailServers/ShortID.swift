import MailModel

/// A queue id of forty bytes at most, which costs no allocation.
struct ShortID: Equatable, Sendable {
  private var words: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
  private let count: Int

  static let longest = 40

  /// The id in `range`, cut where it is longer.
  init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    let bounded = range.clamped(to: 0..<bytes.count).prefix(ShortID.longest)
    count = bounded.count
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
  var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0.prefix(count)) } }

  static func == (left: ShortID, right: ShortID) -> Bool {
    left.count == right.count && left.words.0 == right.words.0 && left.words.1 == right.words.1
      && left.words.2 == right.words.2 && left.words.3 == right.words.3
      && left.words.4 == right.words.4
  }

  static func < (left: ShortID, right: ShortID) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

extension ShortID: RecentKey {
  @inline(__always)
  func mixed(with seed: UInt64) -> UInt64 {
    var state = seed.folded(with: words.0).folded(with: words.1)
    if count > 16 { state = state.folded(with: words.2) }
    if count > 24 { state = state.folded(with: words.3).folded(with: words.4) }
    return state
  }
}
