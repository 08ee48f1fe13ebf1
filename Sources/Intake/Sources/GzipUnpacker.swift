import CISAL

/// gzip (RFC 1952) through ISA-L, each member checked against its CRC and length.
final class GzipUnpacker: Unpacker {
  let name = "gzip"
  /// In a place of its own: it is 88 kB and holds what does not fit the output.
  private let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)

  init() { begin() }

  deinit { state.deallocate() }

  func begin() {
    isal_inflate_init(state)
    state.pointee.crc_flag = UInt32(ISAL_GZIP)
  }

  func unpack(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) -> Unpacked {
    let most = Int(UInt32.max)
    let (given, room) = (min(input.count, most), min(output.count, most))
    state.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?
      .assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_in = UInt32(given)
    state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = UInt32(room)
    let code = isal_inflate(state)
    var step = Unpacked(
      used: given - Int(state.pointee.avail_in),
      made: room - Int(state.pointee.avail_out)
    )
    if code != ISAL_DECOMP_OK {
      step.next = .damage(GzipUnpacker.words(code))
    } else if state.pointee.block_state == ISAL_BLOCK_FINISH {
      step.next = .memberEnd
    }
    return step
  }

  private static func words(_ code: Int32) -> String {
    switch code {
    case ISAL_INVALID_BLOCK: "invalid block"
    case ISAL_INVALID_SYMBOL: "invalid code"
    case ISAL_INVALID_LOOKBACK: "invalid distance too far back"
    case ISAL_INVALID_WRAPPER: "incorrect header"
    case ISAL_UNSUPPORTED_METHOD: "unknown compression method"
    case ISAL_INCORRECT_CHECKSUM: "incorrect data check"
    default: "error \(code)"
    }
  }
}
