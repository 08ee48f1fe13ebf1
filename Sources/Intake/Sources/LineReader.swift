/// Cuts a stream into lines, without copying where a line lies whole in the buffer.
///
/// A line is the bytes before LF; a CR before it belongs to the end. Zeros before a line belong to none:
/// they are the hole that is left where a log is emptied and its writer goes on where it was. Lines longer
/// than ``longestLine`` are given cut, and the rest is dropped.
struct LineReader: ~Copyable {
  /// What a line of more bytes is cut to.
  static let longestLine = 1 << 16

  /// Bytes that ``consumedTail(_:)`` can give.
  static let longestTail = 256

  private let stream: any ByteStream
  private let buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  /// The uncompressed offset of `start`.
  private(set) var offset: Int64
  /// Where the line given last lies in the buffer, and the one before it.
  private var current = 0..<0
  private var before = 0..<0
  private var isAtEnd = false
  /// The rest of a long line is being dropped.
  private var isDropping = false
  private(set) var failure: ReadFailure?
  /// Whether the last line of a source that has no newline yet is given: not for a file that grows.
  private let givesUnfinishedLine: Bool
  /// The last bytes that were consumed before those in the buffer.
  private var earlierTail: [UInt8]
  /// Bytes behind the last newline that were left for the next run.
  private(set) var unfinishedBytes = 0

  /// Bytes that may have been read before.
  static let mostAlready = 1 << 18

  /// Reads `stream`, of which `already` (``mostAlready`` bytes at most) was read before and lies at
  /// uncompressed `offset`; `before` are the bytes that lie before it.
  init(
    _ stream: any ByteStream,
    already: [UInt8] = [],
    before: [UInt8] = [],
    offset: Int64,
    givesUnfinishedLine: Bool
  ) {
    self.stream = stream
    earlierTail = before.suffix(LineReader.longestTail)
    self.offset = offset
    self.givesUnfinishedLine = givesUnfinishedLine
    buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: LineReader.mostAlready,
      alignment: 64
    )
    buffer.copyBytes(from: already.prefix(buffer.count))
    end = min(already.count, buffer.count)
  }

  deinit { buffer.deallocate() }

  /// The next line and the offset of its first byte; nil at the end or after a failure. The bytes
  /// are good until the next call.
  mutating func next() -> (line: UnsafeBufferPointer<UInt8>, offset: Int64)? {
    before = current
    while true {
      if start < end, buffer[start] == 0, !isDropping { skipZeros() }
      if let newline = find(0x0a) {
        let lineStart = start
        let lineOffset = offset
        start = newline + 1
        offset += Int64(newline + 1 - lineStart)
        if isDropping {
          isDropping = false
          continue
        }
        return (bytes(lineStart, newline), lineOffset)
      }
      if isDropping {
        offset += Int64(end - start)
        start = end
      } else if end - start > LineReader.longestLine {
        let lineStart = start
        let lineOffset = offset
        isDropping = true
        offset += Int64(end - start)
        start = end
        return (bytes(lineStart, lineStart + LineReader.longestLine), lineOffset)
      }
      if isAtEnd { return last() }
      fill()
    }
  }

  /// The line before the one given last; good as long as that one.
  var previous: UnsafeBufferPointer<UInt8> {
    UnsafeRawBufferPointer(rebasing: buffer[before]).bindMemory(to: UInt8.self)
  }

  /// The last bytes before ``offset``, as they stand in the source; empty where nothing is known.
  func consumedTail(_ most: Int) -> [UInt8] { tail(most, before: start) }

  private func tail(_ most: Int, before index: Int) -> [UInt8] {
    let here = Array(buffer[max(0, index - most)..<index])
    return Array(earlierTail.suffix(most - here.count)) + here
  }

  private mutating func last() -> (line: UnsafeBufferPointer<UInt8>, offset: Int64)? {
    guard end > start, !isDropping else { return nil }
    guard givesUnfinishedLine, failure == nil else {
      unfinishedBytes = end - start
      end = start
      return nil
    }
    let lineStart = start
    let lineOffset = offset
    offset += Int64(end - start)
    start = end
    return (bytes(lineStart, end), lineOffset)
  }

  private mutating func skipZeros() {
    let zeros = buffer[start..<end].prefix { $0 == 0 }.count
    start += zeros
    offset += Int64(zeros)
  }

  private func find(_ byte: UInt8) -> Int? {
    guard end > start, let base = buffer.baseAddress else { return nil }
    let found = UnsafeRawBufferPointer(start: base + start, count: end - start).firstByte(byte)
    return found.map { start + $0 }
  }

  private mutating func bytes(_ from: Int, _ to: Int) -> UnsafeBufferPointer<UInt8> {
    var stop = to
    if stop > from, buffer[stop - 1] == 0x0d { stop -= 1 }
    current = from..<stop
    let slice = UnsafeRawBufferPointer(rebasing: buffer[from..<stop])
    return slice.bindMemory(to: UInt8.self)
  }

  private mutating func fill() {
    // The line before is kept where it leaves room enough.
    if start - before.lowerBound > buffer.count / 2 { before = 0..<0 }
    let kept = before.isEmpty ? start : before.lowerBound
    if kept > 0 {
      earlierTail = tail(LineReader.longestTail, before: kept)
      if end > kept, let base = buffer.baseAddress {
        base.copyMemory(from: base + kept, byteCount: end - kept)
      }
      before = before.isEmpty ? 0..<0 : 0..<before.count
      start -= kept
      end -= kept
    }
    do {
      let count = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
      if count == 0 { isAtEnd = true }
      end += count
    } catch {
      failure = error
      isAtEnd = true
    }
  }
}
