/// Uncompressed bytes, in order.
protocol ByteStream: AnyObject {
  /// Fills the buffer from its start; 0 is the end. After a failure the stream gives no more.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int
  /// Skips to an uncompressed offset, which lies ahead; false where the stream ends before.
  func skip(to offset: Int64) throws(ReadFailure) -> Bool
  /// The next member of an archive, and its name; false for a stream of one.
  func nextMember() throws(ReadFailure) -> String?
  /// Bytes of the file itself that were read so far, for progress.
  var storedBytesRead: Int64 { get }
  /// Whether reading is work enough for a thread of its own.
  var isPacked: Bool { get }
}

extension ByteStream {
  func nextMember() throws(ReadFailure) -> String? { nil }
  var isPacked: Bool { false }
}

/// A file that is not compressed.
final class PlainStream: ByteStream {
  private let file: OpenFile
  private(set) var storedBytesRead: Int64 = 0
  private let isSeekable: Bool

  init(_ file: OpenFile, isSeekable: Bool) {
    self.file = file
    self.isSeekable = isSeekable
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    let count = try file.read(into: buffer)
    storedBytesRead += Int64(count)
    if count == 0, isSeekable, buffer.count > 0, file.identity.size < storedBytesRead {
      throw ReadFailure(
        offset: storedBytesRead,
        reason: "the file became shorter while it was read",
        isDamage: true
      )
    }
    return count
  }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    if isSeekable {
      file.seek(to: offset)
      storedBytesRead = offset
      return file.identity.size >= offset
    }
    return try discard(self, from: storedBytesRead, to: offset)
  }
}

/// Reads and drops bytes of a stream that cannot seek.
func discard(
  _ stream: some ByteStream,
  from start: Int64,
  to offset: Int64
) throws(ReadFailure) -> Bool {
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  defer { scratch.deallocate() }
  var at = start
  while at < offset {
    let wanted = Int(min(Int64(scratch.count), offset - at))
    let count = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: scratch[..<wanted]))
    if count == 0 { return false }
    at += Int64(count)
  }
  return true
}
