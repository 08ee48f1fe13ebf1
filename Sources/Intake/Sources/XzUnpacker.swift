import CLZMA

/// xz through liblzma. Source: lzma/base.h and lzma/container.h.
final class XzUnpacker: Unpacker {
  let name = "xz"
  /// In a place of its own: liblzma keeps the address.
  private let lzma = UnsafeMutablePointer<lzma_stream>.allocate(capacity: 1)
  private var opened = LZMA_OK

  /// What unpacking may take: `xz -9` asks for 65 MB, and a forged header for any amount.
  private static let mostMemory: UInt64 = 256 << 20

  init() {
    lzma.initialize(to: lzma_stream())
    begin()
  }

  deinit {
    lzma_end(lzma)
    lzma.deinitialize(count: 1)
    lzma.deallocate()
  }

  func begin() { opened = lzma_stream_decoder(lzma, XzUnpacker.mostMemory, 0) }

  func unpack(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) -> Unpacked {
    guard opened == LZMA_OK else { return Unpacked(used: 0, made: 0, next: .damage("no memory")) }
    lzma.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    lzma.pointee.avail_in = input.count
    lzma.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    lzma.pointee.avail_out = output.count
    let code = lzma_code(lzma, LZMA_RUN)
    var step = Unpacked(
      used: input.count - lzma.pointee.avail_in,
      made: output.count - lzma.pointee.avail_out
    )
    switch code {
    case LZMA_OK, LZMA_BUF_ERROR: break
    case LZMA_STREAM_END: step.next = .memberEnd
    case LZMA_FORMAT_ERROR: step.next = .damage("no xz header")
    case LZMA_OPTIONS_ERROR: step.next = .damage("a kind of xz that is not known here")
    case LZMA_MEMLIMIT_ERROR: step.next = .refusal("it takes more than 256 MB to unpack")
    case LZMA_DATA_ERROR: step.next = .damage("the data does not fit its checksum or form")
    default: step.next = .damage("error \(code.rawValue)")
    }
    return step
  }
}
