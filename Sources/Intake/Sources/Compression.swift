/// How a file is packed, by its first bytes; never by its name.
enum Compression: String, Hashable, Sendable {
  case none
  case gzip
  case bzip2
  case xz
  case zstd
  case lz4
  case zip
  case tar

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
    } else if starts([0x28, 0xb5, 0x2f, 0xfd]) {
      self = .zstd
    } else if starts([0x04, 0x22, 0x4d, 0x18]) {
      self = .lz4
    } else if starts([0x50, 0x4b, 0x03, 0x04]) {
      self = .zip
    } else if head.count >= 262, Array(head[257..<262]) == Array("ustar".utf8) {
      self = .tar
    } else {
      self = .none
    }
  }

  /// A stream over the whole content. A packed tar is found out by the caller from the content.
  func stream(_ file: OpenFile, isSeekable: Bool) throws(ReadFailure) -> any ByteStream {
    switch self {
    case .none: PlainStream(file, isSeekable: isSeekable)
    case .gzip: GzipStream(file)
    case .bzip2, .xz, .zstd, .lz4: try ArchiveStream(file, isSingle: true)
    case .zip, .tar: try ArchiveStream(file, isSingle: false)
    }
  }
}
