import Glibc
import MailModel

extension [UInt8] {
  /// Whether `wanted` occurs in it: the standard library's general search is many times slower, and
  /// dialects ask this of nearly every delivery.
  func holds(_ wanted: [UInt8]) -> Bool { holds(wanted.span, 0..<wanted.count) }

  /// Whether the bytes of `range` occur in it.
  func holds(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    let bounded = range.clamped(to: 0..<bytes.count)
    return withUnsafeBytes { all in
      bytes.withUnsafeBytes { line in
        let wanted = UnsafeRawBufferPointer(rebasing: line[bounded])
        guard let first = wanted.first, let other = wanted.baseAddress else { return true }
        guard let start = all.baseAddress else { return false }
        var at = 0
        let last = all.count - wanted.count
        while at <= last, let hit = memchr(start + at, Int32(first), last - at + 1) {
          if memcmp(hit, other, wanted.count) == 0 { return true }
          at = UnsafeRawPointer(hit) - start + 1
        }
        return false
      }
    }
  }
}
