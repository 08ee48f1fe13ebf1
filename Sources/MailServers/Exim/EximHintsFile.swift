import MailModel

/// Reads a Berkeley DB hash file as Exim keeps its hints in (`db/retry`): read-only, without a lock,
/// page by page, so that a page that is being written costs its own records only.
///
/// Layout: a metadata page (magic 0x061561 at byte 12, page size at 20), then pages of 26 bytes of
/// header and 16-bit offsets of key and data items, alternately, in either byte order.
/// Source: Berkeley DB 5.3 src/dbinc/db_page.h.
struct EximHintsFile {
  /// Key and data, as stored.
  private(set) var items: [(key: [UInt8], data: [UInt8])] = []
  /// What could not be read of a file that is one; nil where the bytes are no such file.
  private(set) var trouble: String?

  private let bytes: [UInt8]
  private let pageSize: Int
  private let isSwapped: Bool

  private enum Page {
    static let hashUnsorted: UInt8 = 2
    static let overflow: UInt8 = 7
    static let hash: UInt8 = 13
    static let header = 26
  }

  private static let magic = 0x061561

  /// nil where the bytes are no hash file of Berkeley DB.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 512 else { return nil }
    self.bytes = bytes
    let little = EximHintsFile.number(bytes, at: 12, size: 4, isSwapped: false)
    let big = EximHintsFile.number(bytes, at: 12, size: 4, isSwapped: true)
    guard little == EximHintsFile.magic || big == EximHintsFile.magic else { return nil }
    isSwapped = big == EximHintsFile.magic
    pageSize = EximHintsFile.number(bytes, at: 20, size: 4, isSwapped: isSwapped)
    guard pageSize >= 512, pageSize <= 65_536, pageSize & (pageSize - 1) == 0 else {
      trouble = "its page size, \(pageSize), is none of Berkeley DB's"
      return
    }
    var broken = 0
    for page in 1..<max(1, bytes.count / pageSize) where !readPage(page) { broken += 1 }
    if broken > 0 {
      trouble = "\(broken) pages were not whole (being written?); their records are left out"
    }
  }

  /// False where the page contradicts itself.
  private mutating func readPage(_ page: Int) -> Bool {
    let start = page * pageSize
    let type = bytes[start + 25]
    guard type == Page.hash || type == Page.hashUnsorted else { return true }
    let count = short(start + 20)
    guard count.isMultiple(of: 2), Page.header + 2 * count <= pageSize else { return false }
    // Items are stacked from the page's end downwards.
    var end = pageSize
    var isWhole = true
    var key: [UInt8]?
    for index in 0..<count {
      let at = short(start + Page.header + 2 * index)
      guard at >= Page.header + 2 * count, at < end else { return false }
      let value = item(start + at, length: end - at)
      end = at
      if index.isMultiple(of: 2) {
        key = value
      } else if let key, let value {
        items.append((key, value))
      } else {
        isWhole = false
      }
    }
    return isWhole
  }

  /// An item: its bytes on the page, or a chain of overflow pages.
  private func item(_ start: Int, length: Int) -> [UInt8]? {
    switch bytes[start] {
    case 1: return Array(bytes[(start + 1)..<(start + length)])
    case 3:
      guard length >= 12 else { return nil }
      return overflow(from: word(start + 4), length: word(start + 8))
    default: return nil
    }
  }

  private func overflow(from first: Int, length: Int) -> [UInt8]? {
    // A retry record is smaller than a page.
    guard length >= 0, length <= 1 << 20 else { return nil }
    var page = first
    var value: [UInt8] = []
    while page != 0, value.count < length {
      let start = page * pageSize
      guard start + pageSize <= bytes.count, bytes[start + 25] == Page.overflow else { return nil }
      let used = short(start + 22)
      guard used > 0, Page.header + used <= pageSize else { return nil }
      value += bytes[(start + Page.header)..<(start + Page.header + used)]
      page = word(start + 16)
    }
    return value.count >= length ? Array(value.prefix(length)) : nil
  }

  private func short(_ at: Int) -> Int {
    EximHintsFile.number(bytes, at: at, size: 2, isSwapped: isSwapped)
  }

  private func word(_ at: Int) -> Int {
    EximHintsFile.number(bytes, at: at, size: 4, isSwapped: isSwapped)
  }

  private static func number(_ bytes: [UInt8], at: Int, size: Int, isSwapped: Bool) -> Int {
    var value = 0
    for index in 0..<size {
      let byte = Int(bytes[at + index])
      value = isSwapped ? value << 8 | byte : value | byte << (8 * index)
    }
    return value
  }

  // MARK: - Retry records

  /// What the file holds as retry records of a 64-bit Exim: four 64-bit times (written, first
  /// failure, last try, next try), the expired flag, errno and its supplement in 32 bits each, and the
  /// text. Source: Exim src/dbstuff.h, dbdata_retry.
  var retryRecords: [RetryRecord] {
    items.compactMap { item in
      let key = String(decoding: item.key.prefix { $0 != 0 }.prefix(2000), as: UTF8.self)
      guard key.hasPrefix("T:") || key.hasPrefix("R:"), item.data.count >= 44 else { return nil }
      func time(_ at: Int) -> Int64 {
        let low = EximHintsFile.number(item.data, at: at, size: 4, isSwapped: isSwapped)
        let high = EximHintsFile.number(item.data, at: at + 4, size: 4, isSwapped: isSwapped)
        return Int64(isSwapped ? low << 32 | high : high << 32 | low)
      }
      let times = [time(8), time(16), time(24)]
      // From 1970 to 2200: anything else is no time, but a struct of another build.
      guard times.allSatisfy({ $0 > 0 && $0 < 7_258_118_400 }) else { return nil }
      return RetryRecord(
        subject: EximRetryDump.subject(of: key),
        key: key,
        firstFailed: Timestamp(seconds: times[0]),
        lastAttempt: Timestamp(seconds: times[1]),
        nextAttempt: Timestamp(seconds: times[2]),
        isExpired: EximHintsFile.number(item.data, at: 32, size: 4, isSwapped: isSwapped) != 0,
        text: String(decoding: item.data.dropFirst(44).prefix { $0 != 0 }, as: UTF8.self)
      )
    }
  }
}
