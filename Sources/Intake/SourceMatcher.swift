import MailModel
import Store

/// Finds out whether a file's content was met before, whatever it was called then: by the hash of its
/// first bytes and of the bytes before the cursor. Renamed, copied and recompressed logs are
/// recognised; truncated ones are new.
struct SourceMatcher {
  /// Bytes at the head that name a source.
  static let headLength = 4096
  /// Bytes before the cursor that confirm it.
  static let tailLength = 256

  private(set) var sources: [SourceCursor]
  private var next: Int64

  init(_ sources: [SourceCursor]) {
    self.sources = sources
    next = (sources.map(\.id).max() ?? 0) + 1
  }

  /// Sources that begin as `head` does, the one read farthest first.
  func candidates(head: [UInt8]) -> [SourceCursor] {
    var hashes: [Int: Int64] = [:]
    return sources.filter { source in
      guard source.headLength > 0, source.headLength <= head.count else { return false }
      let hash = hashes[source.headLength] ?? fingerprint(head.prefix(source.headLength))
      hashes[source.headLength] = hash
      return hash == source.headHash
    }.sorted { ($0.cursor, $0.id) > ($1.cursor, $1.id) }
  }

  /// A source that was not met before.
  mutating func make(path: String, kind: String, head: [UInt8]) -> SourceCursor {
    let length = min(head.count, SourceMatcher.headLength)
    let source = SourceCursor(
      id: next,
      path: path,
      kind: kind,
      headLength: length,
      headHash: fingerprint(head.prefix(length))
    )
    next += 1
    sources.append(source)
    return source
  }

  /// Takes up a source's new state.
  mutating func update(_ source: SourceCursor) {
    if let index = sources.firstIndex(where: { $0.id == source.id }) { sources[index] = source }
  }
}

extension SourceCursor {
  /// How many bytes before the cursor are read to confirm it, where it was read so far: as many as a
  /// fingerprint takes, though an earlier one may have taken fewer.
  var tailCount: Int { Int(min(max(cursor, 0), Int64(SourceMatcher.tailLength))) }

  /// Where they begin.
  var tailStart: Int64 { cursor - Int64(tailCount) }

  /// Whether the bytes before the cursor, ``tailCount`` of them, are those that were read.
  func confirms(_ tail: [UInt8]) -> Bool {
    tail.count == tailCount && tailLength <= tail.count
      && fingerprint(tail.suffix(tailLength)) == tailHash
  }
}
