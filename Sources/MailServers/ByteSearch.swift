import Glibc

extension [UInt8] {
  /// Whether `wanted` occurs in it: the standard library's general search is many times slower, and
  /// dialects ask this of nearly every delivery.
  func holds(_ wanted: [UInt8]) -> Bool {
    guard let first = wanted.first else { return true }
    return withUnsafeBytes { all in
      guard let start = all.baseAddress else { return false }
      var at = 0
      let last = all.count - wanted.count
      while at <= last, let hit = memchr(start + at, Int32(first), last - at + 1) {
        let index = UnsafeRawPointer(hit) - start
        if wanted.withUnsafeBytes({ $0.elementsEqual(all[index..<(index + $0.count)]) }) {
          return true
        }
        at = index + 1
      }
      return false
    }
  }
}
