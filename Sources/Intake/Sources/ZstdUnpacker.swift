import CZstd

/// zstd (RFC 8878) through libzstd. Source: zstd.h, "Streaming decompression".
final class ZstdUnpacker: Unpacker {
  let name = "zstd"
  private let context = ZSTD_createDCtx()
  /// Bytes up to the end of what can be unpacked next: a header, or one block. On a fault the library
  /// takes back all that a call has made, so that a call is given no more than that.
  private var wanted = ZstdUnpacker.smallestHeader

  private static let smallestHeader = 5

  deinit { ZSTD_freeDCtx(context) }

  func begin() {
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    wanted = ZstdUnpacker.smallestHeader
  }

  func unpack(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) -> Unpacked {
    guard let context else { return Unpacked(used: 0, made: 0, next: .damage("no memory")) }
    var from = ZSTD_inBuffer(src: input.baseAddress, size: min(input.count, wanted), pos: 0)
    var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let code = ZSTD_decompressStream(context, &to, &from)
    var step = Unpacked(used: from.pos, made: to.pos)
    if ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge {
      step.next = .refusal(
        "unpacking it takes more than 128 MiB of memory: unpack it with `zstd -d --long=31`"
      )
    } else if ZSTD_isError(code) != 0 {
      step.next = .damage(String(cString: ZSTD_getErrorName(code)))
    } else if code == 0 {
      step.next = .memberEnd
    } else {
      wanted = code
    }
    return step
  }
}
