import CZlib
import Glibc

/// A gzip file, members one after another, each checked against its CRC. zlib and not libarchive,
/// which was seen to give a damaged file as good.
final class GzipStream: ByteStream {
  private let file: OpenFile
  /// In a place of its own: zlib keeps the address.
  private let zlib = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var failure: ReadFailure?
  private var input: UnsafeMutableRawBufferPointer
  private var isInitialised = false
  private var isFinished = false
  private var atMemberStart = true
  private var produced: Int64 = 0
  private(set) var storedBytesRead: Int64 = 0

  /// Bytes of the file that were unpacked, what is read but waits left out.
  var storedBytesUnpacked: Int64 { storedBytesRead - Int64(zlib.pointee.avail_in) }

  /// A gigabyte of zeros fits in a megabyte of gzip; no log does. Beyond a first megabyte, more than
  /// this is taken for an attack.
  static let largestRatio: Int64 = 1000

  init(_ file: OpenFile) {
    self.file = file
    input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
    // 15 bits of window, +16: a gzip header is expected.
    zlib.initialize(to: z_stream())
    isInitialised =
      inflateInit2_(zlib, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    isFinished = !isInitialised
  }

  deinit {
    if isInitialised { inflateEnd(zlib) }
    zlib.deinitialize(count: 1)
    zlib.deallocate()
    input.deallocate()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    if let failure { throw failure }
    guard !isFinished, buffer.count > 0 else { return 0 }
    let room = min(buffer.count, Int(UInt32.max))
    zlib.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
    zlib.pointee.avail_out = UInt32(room)
    do throws(ReadFailure) {
      while zlib.pointee.avail_out > 0, !isFinished { try step() }
    } catch {
      failure = error
    }
    let given = room - Int(zlib.pointee.avail_out)
    produced += Int64(given)
    if produced > 1 << 20, produced / GzipStream.largestRatio > storedBytesRead, failure == nil {
      failure = damage("it grows more than a thousandfold when unpacked")
    }
    // What came out before a fault is given first; the next call tells of the fault.
    if given == 0, let failure { throw failure }
    return given
  }

  private func step() throws(ReadFailure) {
    if zlib.pointee.avail_in == 0 {
      let count = try file.read(into: input)
      if count == 0 {
        guard atMemberStart else { throw damage("the gzip file ends too early") }
        isFinished = true
        return
      }
      storedBytesRead += Int64(count)
      zlib.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
      zlib.pointee.avail_in = UInt32(count)
    }
    if atMemberStart, storedBytesRead > Int64(zlib.pointee.avail_in) {
      // Zeros behind the last member are padding, as tape and some rotations leave them.
      while zlib.pointee.avail_in > 0, zlib.pointee.next_in.pointee == 0 {
        zlib.pointee.next_in += 1
        zlib.pointee.avail_in -= 1
      }
      if zlib.pointee.avail_in == 0 { return }
    }
    switch inflate(zlib, Z_NO_FLUSH) {
    case Z_OK, Z_BUF_ERROR: atMemberStart = false
    case Z_STREAM_END:
      inflateReset(zlib)
      atMemberStart = true
    default:
      let detail = zlib.pointee.msg.map { String(cString: $0) } ?? "damaged data"
      throw damage("damaged gzip data (\(detail))")
    }
  }

  private func damage(_ reason: String) -> ReadFailure {
    ReadFailure(
      offset: storedBytesRead - Int64(zlib.pointee.avail_in),
      reason: reason,
      isDamage: true
    )
  }

  var isPacked: Bool { true }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: produced, to: offset)
  }
}
