import MailModel

/// The kinds of database that Exim may have been built to keep its hints in, told by how they begin.
/// Source: Exim src/hintsdb/ (4.98), src/dbfunctions.h; each library's file header.
enum EximHintsKind: String, CaseIterable {
  case berkeleyBTree = "Berkeley DB btree"
  case ndbm
  case gdbm
  case tdb
  case sqlite = "SQLite"

  /// Nil where the bytes are of none of them.
  init?(_ bytes: [UInt8]) {
    func begins(_ text: String, at start: Int = 0) -> Bool {
      bytes.dropFirst(start).prefix(text.utf8.count).elementsEqual(text.utf8)
    }
    if begins("SQLite format 3\u{0}") {
      self = .sqlite
    } else if begins("TDB file\n") {
      self = .tdb
    } else if EximHintsKind.isGDBM(Array(bytes.prefix(4))) {
      self = .gdbm
    } else if EximHintsKind.bTreeMagic.contains(Array(bytes.dropFirst(12).prefix(4))) {
      self = .berkeleyBTree
    } else {
      return nil
    }
  }

  /// 0x13579acd to 0x13579ad1 in either byte order: old, 64-bit and numsync files.
  private static func isGDBM(_ bytes: [UInt8]) -> Bool {
    let number: UInt32 = bytes.reduce(0) { $0 << 8 | UInt32($1) }
    let gdbm: ClosedRange<UInt32> = 0x1357_9acd...0x1357_9ad1
    return bytes.count == 4 && (gdbm.contains(number) || gdbm.contains(number.byteSwapped))
  }

  private static let bTreeMagic: [[UInt8]] = [[0x62, 0x31, 0x05, 0x00], [0x00, 0x05, 0x31, 0x62]]

  /// What to do about a retry database of this kind, which is not read here.
  func advice(spool: String) -> String {
    "the retry database is of kind \(rawValue), which is not read: " + EximHintsKind.dump(spool)
  }

  /// What to give in place of a database that cannot be read.
  static func dump(_ spool: String) -> String {
    "give the output of `exim_dumpdb \(spool) retry`"
  }
}
