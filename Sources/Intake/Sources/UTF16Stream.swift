/// A log in UTF-16, as Windows writes it, given as UTF-8. What is no character becomes U+FFFD.
final class UTF16Stream: ByteStream {
  private let file: OpenFile
  private let isBigEndian: Bool
  /// The start of a character whose other half is not read yet.
  private var half: [UInt8] = []
  private var ready: ArraySlice<UInt8> = []
  private var produced: Int64 = 0
  private(set) var storedBytesRead: Int64 = 0
  private let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  init(_ file: OpenFile, isBigEndian: Bool) {
    self.file = file
    self.isBigEndian = isBigEndian
  }

  deinit { chunk.deallocate() }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    while ready.isEmpty {
      let count = try file.read(into: chunk)
      if count == 0, half.isEmpty { return 0 }
      storedBytesRead += Int64(count)
      ready = text(half + chunk[..<count], isLast: count == 0)[...]
    }
    let given = min(buffer.count, ready.count)
    buffer.copyBytes(from: ready.prefix(given))
    ready = ready.dropFirst(given)
    produced += Int64(given)
    return given
  }

  /// The whole characters of `bytes` as UTF-8; the rest is kept in ``half``.
  private func text(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
    var units = stride(from: 0, to: bytes.count - 1, by: 2).map { index in
      let (low, high) = isBigEndian ? (index + 1, index) : (index, index + 1)
      return UInt16(bytes[low]) | UInt16(bytes[high]) << 8
    }
    let endsInHighSurrogate = units.last.map { UTF16.isLeadSurrogate($0) } ?? false
    if endsInHighSurrogate, !isLast { units.removeLast() }
    half = isLast ? [] : Array(bytes[(units.count * 2)...])
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: produced, to: offset)
  }
}
