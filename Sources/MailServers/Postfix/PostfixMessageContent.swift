/// The content of a Postfix queue file, as `postcat -hb` shows it: records `N` (a line) and `L` (a
/// part of one) between `M` and `X`, with `p` jumps that content filters leave. Source: Postfix
/// src/global/rec_type.h.
enum PostfixMessageContent {
  private static let mostRecords = 20_000_000
  private static let mostJumps = 10_000

  /// Nil where the file is not whole.
  static func read(_ bytes: [UInt8]) -> [UInt8]? {
    var content: [UInt8] = []
    var at = 0
    var jumps = 0
    var isInside = false
    for _ in 0..<mostRecords {
      guard let record = PostfixQueueFile.record(bytes, at: at) else { return nil }
      at = record.data.upperBound
      switch record.type {
      case UInt8(ascii: "M"): isInside = true
      case UInt8(ascii: "X"): return isInside ? content : nil
      case UInt8(ascii: "N"), UInt8(ascii: "L"):
        guard isInside else { continue }
        content += bytes[record.data]
        if record.type == UInt8(ascii: "N") { content.append(0x0a) }
      case UInt8(ascii: "p"):
        let target = Int(String(decoding: bytes[record.data], as: UTF8.self).filter { $0 != " " })
        if let target, target > 0 {
          jumps += 1
          guard jumps < mostJumps else { return nil }
          at = target
        }
      default: break
      }
    }
    return nil
  }
}
