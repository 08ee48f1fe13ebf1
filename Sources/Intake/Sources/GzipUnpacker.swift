import CZlib

/// gzip (RFC 1952) through zlib, each member checked against its CRC.
final class GzipUnpacker: Unpacker {
  let name = "gzip"
  /// In a place of its own: zlib keeps the address.
  private let zlib = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let isInitialised: Bool

  init() {
    // 15 bits of window, +16: a gzip header is expected.
    zlib.initialize(to: z_stream())
    isInitialised =
      inflateInit2_(zlib, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    if isInitialised { inflateEnd(zlib) }
    zlib.deinitialize(count: 1)
    zlib.deallocate()
  }

  func begin() { inflateReset(zlib) }

  func unpack(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) -> Unpacked {
    guard isInitialised else { return Unpacked(used: 0, made: 0, next: .damage("no memory")) }
    let most = Int(UInt32.max)
    let (given, room) = (min(input.count, most), min(output.count, most))
    zlib.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?
      .assumingMemoryBound(to: UInt8.self)
    zlib.pointee.avail_in = UInt32(given)
    zlib.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    zlib.pointee.avail_out = UInt32(room)
    let code = inflate(zlib, Z_NO_FLUSH)
    var step = Unpacked(
      used: given - Int(zlib.pointee.avail_in),
      made: room - Int(zlib.pointee.avail_out)
    )
    switch code {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: step.next = .memberEnd
    default:
      step.next = .damage(zlib.pointee.msg.map { String(cString: $0) } ?? "error \(code)")
    }
    return step
  }
}
