import MailModel

/// The envelope of a Postfix queue file. Source: Postfix src/global/rec_type.h, record.c.
///
/// Records are a type byte, a length in little-endian groups of seven bits, and the data. Recipients
/// stand before the content (`M`), behind it (`X`), or behind a pointer (`p`).
struct PostfixQueueFile {
  var arrivedAt: Timestamp?
  var createdAt: Timestamp?
  var sender: String?
  var size: Int?
  var warningDueAt: Timestamp?
  /// Delay warnings are wanted: none was sent and the record is there.
  var warningSent = false
  var requiresTLS = false
  var recipients: [(address: String, isDone: Bool, wantsDelay: Bool, wantsFailure: Bool)] = []
  /// The end marker was met: the file is whole.
  var isComplete = false

  /// Records read at most: a message has its recipients, and a few dozen more.
  private static let mostRecords = 200_000
  private static let mostRecipients = 100_000
  private static let mostJumps = 10_000
  /// Parts of the file asked for: one behind the content does, a pointer or two may follow.
  private static let mostReads = 16

  /// Reads the envelope of a file that begins with `head`. What lies behind that is asked for by its
  /// offset: the content is never read.
  init(_ head: [UInt8], behind: (_ offset: Int) -> [UInt8] = { _ in [] }) {
    // The part at hand, and where it begins in the file.
    var bytes = head
    var base = 0
    var at = 0
    var jumps = 0
    var contentEnd: Int?
    var notify: Int?
    var reads = 0
    func move(to offset: Int) {
      if offset < base || offset >= base + bytes.count {
        reads += 1
        let isInHead = offset < head.count
        let isAllowed = reads <= PostfixQueueFile.mostReads
        (bytes, base) = isInHead ? (head, 0) : (isAllowed ? behind(offset) : [], offset)
      }
      at = offset - base
    }
    for _ in 0..<PostfixQueueFile.mostRecords {
      guard let record = PostfixQueueFile.record(bytes, at: at) else { return }
      at = record.data.upperBound
      let data = bytes[record.data]
      switch record.type {
      case UInt8(ascii: "C"):
        let fields = data.split(separator: 0x20).compactMap {
          Int(String(decoding: $0, as: UTF8.self))
        }
        size = fields.first
        if fields.count >= 2, fields[0] >= 0, fields[1] >= 0, fields[0] <= 1 << 40,
          fields[1] <= 1 << 40
        {
          contentEnd = fields[0] + fields[1]
        }
      case UInt8(ascii: "T"): arrivedAt = PostfixQueueFile.time(data)
      case UInt8(ascii: "S"): sender = String(decoding: data.prefix(1000), as: UTF8.self)
      case UInt8(ascii: "W"):
        let due = Int64(String(decoding: data, as: UTF8.self).filter { $0 != " " }) ?? 0
        warningSent = due < 0
        warningDueAt = due > 0 ? Timestamp(seconds: due) : nil
      case UInt8(ascii: "A"): attribute(data, notify: &notify)
      case UInt8(ascii: "R"), UInt8(ascii: "D"), UInt8(ascii: "/"):
        if recipients.count < PostfixQueueFile.mostRecipients {
          // NOTIFY bits: NEVER 1, SUCCESS 2, FAILURE 4, DELAY 8; none given: failure and delay.
          recipients.append(
            (
              String(decoding: data.prefix(1000), as: UTF8.self),
              record.type != UInt8(ascii: "R"), notify.map { $0 & 8 != 0 } ?? true,
              notify.map { $0 & 4 != 0 } ?? true
            )
          )
        }
        notify = nil
      case UInt8(ascii: "M"):
        guard let contentEnd, contentEnd >= base + at else { return }
        move(to: contentEnd)
      case UInt8(ascii: "p"):
        let target = Int(String(decoding: data, as: UTF8.self).filter { $0 != " " }) ?? 0
        if target > 0 {
          jumps += 1
          guard jumps < PostfixQueueFile.mostJumps else { return }
          move(to: target)
        }
      case UInt8(ascii: "E"):
        isComplete = true
        return
      default: break
      }
    }
  }

  private mutating func attribute(_ data: ArraySlice<UInt8>, notify: inout Int?) {
    guard let equals = data.firstIndex(of: UInt8(ascii: "=")) else { return }
    let value = String(decoding: data[(equals + 1)...].prefix(200), as: UTF8.self)
    switch String(decoding: data[..<equals], as: UTF8.self) {
    case "create_time": createdAt = Int64(value).map { Timestamp(seconds: $0) }
    case "notify_flags": notify = Int(value)
    case "sendopts":
      // SOPT_REQUIRETLS_HEADER and _ESMTP of 3.10 and later: bits 1 and 2.
      requiresTLS = (Int(value) ?? 0) & 6 != 0
    default: break
    }
  }

  /// The record at an offset; nil where there is no whole one.
  static func record(
    _ bytes: [UInt8],
    at start: Int
  ) -> (type: UInt8, data: Range<Int>)? {
    guard start >= 0, start + 1 < bytes.count else { return nil }
    var length = 0
    var at = start + 1
    for group in 0..<4 {
      guard at < bytes.count else { return nil }
      length |= Int(bytes[at] & 0x7f) << (7 * group)
      at += 1
      if bytes[at - 1] & 0x80 == 0 {
        guard length <= bytes.count - at else { return nil }
        return (bytes[start], at..<(at + length))
      }
    }
    return nil
  }

  /// `sec usec`.
  private static func time(_ data: ArraySlice<UInt8>) -> Timestamp? {
    let fields = data.split(separator: 0x20).compactMap {
      Int64(String(decoding: $0, as: UTF8.self))
    }
    guard let seconds = fields.first else { return nil }
    let micros = fields.count > 1 && (0..<1_000_000).contains(fields[1]) ? fields[1] : 0
    let whole = Timestamp(seconds: seconds)
    return Timestamp(microseconds: whole.microseconds + micros)
  }
}

/// The `defer/` log of a message: why each recipient waits. Source: src/global/bounce_log.c.
struct PostfixDeferLog {
  /// By recipient.
  private(set) var reasons: [String: (reason: String, status: EnhancedStatusCode?)] = [:]

  init(_ bytes: [UInt8]) {
    var recipient: String?
    var reason: String?
    var status: EnhancedStatusCode?
    func value(_ line: ArraySlice<UInt8>, _ name: StaticString) -> String? {
      let length = name.utf8CodeUnitCount
      guard line.count >= length,
        line.prefix(length).elementsEqual(
          UnsafeBufferPointer(start: name.utf8Start, count: length)
        )
      else { return nil }
      return String(decoding: line.dropFirst(length).prefix(1000), as: UTF8.self)
    }
    for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
      if line.isEmpty {
        if let recipient, let reason { reasons[recipient] = (reason, status) }
        recipient = nil
        reason = nil
        status = nil
      } else if let text = value(line, "recipient=") {
        recipient = text
      } else if let text = value(line, "status=") {
        status = EnhancedStatusCode(text)
      } else if let text = value(line, "reason=") {
        reason = text
      }
    }
    if let recipient, let reason { reasons[recipient] = (reason, status) }
  }
}
