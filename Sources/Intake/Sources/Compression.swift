/// How a file is packed, by its first bytes; never by its name. UTF-16 is a packing too: its text is
/// told from its bytes by a stream.
enum Compression: String, Hashable, Sendable {
  case none
  case gzip
  case bzip2
  case xz
  case zstd
  case lz4
  case zip
  case tar
  case utf16LittleEndian
  case utf16BigEndian

  /// The packing of a file that begins with `head` (512 bytes tell all of them).
  init(head: [UInt8]) {
    func starts(_ magic: [UInt8]) -> Bool { head.starts(with: magic) }
    if starts([0x1f, 0x8b, 0x08]) {
      self = .gzip
    } else if starts([0x42, 0x5a, 0x68]), head.count > 4, head[3] >= 0x31, head[3] <= 0x39,
      head[4] == 0x31 || head[4] == 0x17
    {
      self = .bzip2
    } else if starts([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) {
      self = .xz
    } else if starts([0x28, 0xb5, 0x2f, 0xfd]) || Compression.isSkippableFrame(head) {
      self = .zstd
    } else if starts([0x04, 0x22, 0x4d, 0x18]) || starts([0x02, 0x21, 0x4c, 0x18]) {
      self = .lz4
    } else if starts([0x50, 0x4b, 0x03, 0x04]) {
      self = .zip
    } else if head.count >= 262, Array(head[257..<262]) == Array("ustar".utf8) {
      self = .tar
    } else {
      self = Compression(utf16: head) ?? .none
    }
  }

  /// pzstd begins what it packs with a frame that is to be skipped (RFC 8878, 3.1.2).
  private static func isSkippableFrame(_ head: [UInt8]) -> Bool {
    head.count >= 8 && head[0] & 0xf0 == 0x50 && head[1...3].elementsEqual([0x2a, 0x4d, 0x18])
  }

  /// UTF-16 by its mark, or without one by the zeros in its first characters, which are a stamp's.
  private init?(utf16 head: [UInt8]) {
    let start = head.prefix(16)
    func isText(_ places: StrideTo<Int>) -> Bool {
      places.allSatisfy { (0x20...0x7e).contains(start[$0]) }
    }
    func isZero(_ places: StrideTo<Int>) -> Bool { places.allSatisfy { start[$0] == 0 } }
    let (even, odd) = (stride(from: 0, to: 16, by: 2), stride(from: 1, to: 16, by: 2))
    if start.starts(with: [0xff, 0xfe]), !start.dropFirst(2).starts(with: [0, 0]) {
      self = .utf16LittleEndian
    } else if start.starts(with: [0xfe, 0xff]) {
      self = .utf16BigEndian
    } else if start.count == 16, isText(even), isZero(odd) {
      self = .utf16LittleEndian
    } else if start.count == 16, isText(odd), isZero(even) {
      self = .utf16BigEndian
    } else {
      return nil
    }
  }

  /// Whether the text is told in UTF-16.
  var isUTF16: Bool { self == .utf16LittleEndian || self == .utf16BigEndian }

  /// A stream over the whole content. A packed tar is found out by the caller from the content.
  func stream(_ file: OpenFile, isSeekable: Bool) throws(ReadFailure) -> any ByteStream {
    switch self {
    case .none: PlainStream(file, isSeekable: isSeekable)
    case .gzip: UnpackedStream(file, GzipUnpacker())
    case .xz: UnpackedStream(file, XzUnpacker())
    case .zstd: UnpackedStream(file, ZstdUnpacker())
    case .bzip2, .lz4: try ArchiveStream(file, isSingle: true)
    case .zip, .tar: try ArchiveStream(file, isSingle: false)
    case .utf16LittleEndian: UTF16Stream(file, isBigEndian: false)
    case .utf16BigEndian: UTF16Stream(file, isBigEndian: true)
    }
  }
}
