import CZlib
import Glibc

/// A gzip file, members one after another, each checked against its CRC. zlib and not libarchive,
/// which was seen to give a damaged file as good.
final class GzipStream: ByteStream {
  private let file: OpenFile
  private var zlib = z_stream()
  private var input: UnsafeMutableRawBufferPointer
  private var isInitialised = false
  private var isFinished = false
  private var atMemberStart = true
  private var produced: Int64 = 0
  private(set) var storedBytesRead: Int64 = 0

  /// A gigabyte of zeros fits in a megabyte of gzip; no log does. Beyond a first megabyte, more than
  /// this is taken for an attack.
  static let largestRatio: Int64 = 1000

  init(_ file: OpenFile) {
    self.file = file
    input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
    // 15 bits of window, +16: a gzip header is expected.
    isInitialised =
      inflateInit2_(&zlib, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    isFinished = !isInitialised
  }

  deinit {
    if isInitialised { inflateEnd(&zlib) }
    input.deallocate()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    guard !isFinished, let target = buffer.baseAddress else { return 0 }
    zlib.next_out = target.assumingMemoryBound(to: UInt8.self)
    zlib.avail_out = UInt32(clamping: buffer.count)
    let room = Int(zlib.avail_out)
    while zlib.avail_out > 0 {
      if zlib.avail_in == 0, try !refill() {
        isFinished = true
        let given = room - Int(zlib.avail_out)
        if atMemberStart { return given }
        if given > 0 {
          // Give what there is first; the next call reports the cut.
          isFinished = false
          produced += Int64(given)
          return given
        }
        throw ReadFailure(
          offset: storedBytesRead,
          reason: "the gzip file ends too early",
          isDamage: true
        )
      }
      try step()
      if isFinished { break }
    }
    let given = room - Int(zlib.avail_out)
    produced += Int64(given)
    if produced > 1 << 20, produced / GzipStream.largestRatio > storedBytesRead {
      isFinished = true
      throw ReadFailure(
        offset: storedBytesRead,
        reason: "it grows more than a thousandfold when unpacked",
        isDamage: true
      )
    }
    return given
  }

  private func step() throws(ReadFailure) {
    if atMemberStart, zlib.avail_in > 0, storedBytesRead > Int64(zlib.avail_in) {
      // Zeros behind the last member are padding, as tape and some rotations leave them.
      while zlib.avail_in > 0, zlib.next_in.pointee == 0 {
        zlib.next_in += 1
        zlib.avail_in -= 1
      }
      if zlib.avail_in == 0 { return }
    }
    switch inflate(&zlib, Z_NO_FLUSH) {
    case Z_OK, Z_BUF_ERROR: atMemberStart = false
    case Z_STREAM_END:
      inflateReset(&zlib)
      atMemberStart = true
    default:
      isFinished = true
      let detail = zlib.msg.map { String(cString: $0) } ?? "damaged data"
      throw ReadFailure(
        offset: storedBytesRead - Int64(zlib.avail_in),
        reason: "damaged gzip data (\(detail))",
        isDamage: true
      )
    }
  }

  private func refill() throws(ReadFailure) -> Bool {
    let count = try file.read(into: input)
    storedBytesRead += Int64(count)
    zlib.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    zlib.avail_in = UInt32(count)
    return count > 0
  }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: produced, to: offset)
  }
}
