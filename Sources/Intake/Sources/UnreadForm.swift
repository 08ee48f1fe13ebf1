import MailModel

/// What is no log as it lies there and would be one, or holds what looks like one: told by its first bytes,
/// with what to do instead.
enum UnreadForm: String, CustomStringConvertible {
  case journal
  case journalPrinted
  case database
  case packedUTF16
  case packedTwice
  case emptyZip
  case sevenZip
  case rar
  case lzma
  case lzip
  case lzop
  case compress

  private static let beginnings: [(bytes: [UInt8], form: UnreadForm)] = [
    (Array("LPKSHHRH".utf8), .journal),
    (Array("SQLite format 3\0".utf8), .database),
    // Its write-ahead log and its rollback journal.
    ([0x37, 0x7f, 0x06, 0x82], .database),
    ([0x37, 0x7f, 0x06, 0x83], .database),
    ([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7], .database),
    ([0x50, 0x4b, 0x05, 0x06], .emptyZip),
    ([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], .sevenZip),
    (Array("Rar!\u{1a}".utf8), .rar),
    ([0x5d, 0x00, 0x00], .lzma),
    (Array("LZIP".utf8), .lzip),
    ([0x89, 0x4c, 0x5a, 0x4f, 0x00], .lzop),
    ([0x1f, 0x9d], .compress),
  ]

  /// What a file is that begins with `head`; nil where it may be read.
  init?(head: [UInt8]) {
    let found = UnreadForm.beginnings.first { head.starts(with: $0.bytes) }
    guard let found else { return nil }
    self = found.form
  }

  /// What unpacked content is that holds no log.
  init?(unpacked head: [UInt8]) {
    if let form = UnreadForm(head: head) {
      self = form
      return
    }
    let packing = Compression(head: head)
    if packing.isUTF16 {
      self = .packedUTF16
    } else if packing != .none {
      self = .packedTwice
    } else if head.span.firstIndex(of: "\"__REALTIME_TIMESTAMP\"", from: 0, to: head.count) != nil {
      self = .journalPrinted
    } else {
      return nil
    }
  }

  var description: String {
    switch self {
    case .journal: "it is a file of the systemd journal: name it with `journal:` before its path"
    case .journalPrinted:
      "it is the journal, an entry over several lines: write it with `journalctl -o json`"
    case .database: "it is an SQLite database, not a log"
    case .packedUTF16:
      "it is packed UTF-16: unpack it, or convert with `iconv -f UTF-16 -t UTF-8` what is in it"
    case .packedTwice: "it is packed twice: unpack it once"
    case .emptyZip: "it is an archive without a file in it"
    case .sevenZip: "it is a 7z archive, which is not read here: unpack it with `7z x`"
    case .rar: "it is a RAR archive, which is not read here: unpack it first"
    case .lzma: "it is packed as LZMA, which is not read here: unpack it with `xz -d -F lzma`"
    case .lzip: "it is packed by lzip, which is not read here: unpack it with `lzip -d`"
    case .lzop: "it is packed by lzop, which is not read here: unpack it with `lzop -d`"
    case .compress: "it is packed by compress, which is not read here: unpack it with `gzip -d`"
    }
  }
}
