import MailModel

/// `exim -bp` (mailq): age, size, id and sender on one line, then a recipient per line, `D` before
/// those that are done, and an empty line. Source: the Exim specification, chapter 5, -bp.
enum EximQueueListing {
  /// Whether a file begins like a listing.
  static func begins(_ head: Span<UInt8>) -> Bool {
    let end = head.firstIndex(of: 0x0a, from: 0, to: head.count) ?? head.count
    guard end < head.count, entry(head, to: end) != nil else { return false }
    return head.has("          ", at: end + 1, to: head.count) || head[end + 1] == 0x0a
      || head.has("        D ", at: end + 1, to: head.count)
  }

  static func read(_ bytes: [UInt8], path: String, now: Timestamp) -> QueueSnapshot {
    var snapshot = QueueSnapshot(server: MailServerID("exim"), path: path, takenAt: now)
    var offset: Int64 = 0
    for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).prefix(10_000_000) {
      defer { offset += Int64(line.count) + 1 }
      let span = line.span
      if span.has("          ", at: 0, to: span.count), let last = snapshot.messages.indices.last {
        add(line.dropFirst(10), isDone: false, to: &snapshot.messages[last])
      } else if span.has("        D ", at: 0, to: span.count),
        let last = snapshot.messages.indices.last
      {
        add(line.dropFirst(10), isDone: true, to: &snapshot.messages[last])
      } else if span.has("        +D ", at: 0, to: span.count) {
        // A child of an alias, shown by -bpa; its parent is what counts.
        continue
      } else if let found = entry(span, to: span.count) {
        snapshot.messages.append(message(found, line, now: now))
      } else if line.contains(where: { $0 > 0x20 }) {
        snapshot.troubles.append(
          ReadTrouble(path: path, offset: offset, reason: "not an entry of exim -bp")
        )
      }
    }
    return snapshot
  }

  private struct Entry {
    var age: Double
    var size: Int?
    var id: Range<Int>
    var sender: Range<Int>
    var isFrozen: Bool
  }

  /// ` 5m  4.6K 1xVT8E-0002Zf-20 <a@b.example> *** frozen ***`
  private static func entry(_ bytes: Span<UInt8>, to end: Int) -> Entry? {
    var at = blanks(bytes, from: 0, to: end)
    guard let (age, unit) = bytes.number(at: at, to: end), unit < end else { return nil }
    let units: [UInt8: Double] = [
      UInt8(ascii: "m"): 60, UInt8(ascii: "h"): 3600, UInt8(ascii: "d"): 86_400,
      UInt8(ascii: "w"): 604_800, UInt8(ascii: "s"): 1,
    ]
    guard let factor = units[bytes[unit]], age < 1_000_000 else { return nil }
    at = blanks(bytes, from: unit + 1, to: end)
    // A message that is just being received has no size yet.
    let sizeEnd = bytes.firstIndex(of: 0x20, from: at, to: end) ?? end
    var size: Int?
    if EximMessageID.at(at, in: bytes, to: end) == nil {
      size = readSize(bytes, at..<sizeEnd)
      guard size != nil else { return nil }
      at = blanks(bytes, from: sizeEnd, to: end)
    }
    guard let id = EximMessageID.at(at, in: bytes, to: end), id.upperBound + 1 < end,
      bytes[id.upperBound + 1] == UInt8(ascii: "<"),
      let close = bytes.firstIndex(of: UInt8(ascii: ">"), from: id.upperBound, to: end)
    else { return nil }
    return Entry(
      age: Double(age) * factor,
      size: size,
      id: id,
      sender: (id.upperBound + 2)..<close,
      isFrozen: bytes.has("*** frozen ***", in: close..<end)
    )
  }

  /// `663`, `4.8K`, `12M`.
  private static func readSize(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    guard let (whole, after) = bytes.number(at: range.lowerBound, to: range.upperBound),
      whole < 1_000_000_000
    else { return nil }
    var value = Double(whole)
    var at = after
    if at < range.upperBound, bytes[at] == UInt8(ascii: "."),
      let (tenths, stop) = bytes.number(at: at + 1, to: range.upperBound), stop == at + 2
    {
      value += Double(tenths) / 10
      at = stop
    }
    guard at < range.upperBound else { return Int(value) }
    switch bytes[at] {
    case UInt8(ascii: "K"): return Int(value * 1024)
    case UInt8(ascii: "M"): return Int(value * 1_048_576)
    case UInt8(ascii: "G"): return Int(value * 1_073_741_824)
    default: return nil
    }
  }

  private static func blanks(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var at = start
    while at < end, bytes[at] == 0x20 { at += 1 }
    return at
  }

  private static func message(
    _ entry: Entry,
    _ line: ArraySlice<UInt8>,
    now: Timestamp
  ) -> QueuedMessage {
    let bytes = Array(line)
    let id = String(decoding: bytes[entry.id], as: UTF8.self)
    return QueuedMessage(
      queueID: id,
      state: entry.isFrozen ? .held : .deferred,
      sender: String(decoding: bytes[entry.sender].prefix(2000), as: UTF8.self),
      arrivedAt: EximMessageID.creation(id, near: now.advanced(bySeconds: -entry.age)),
      size: entry.size,
      recipients: []
    )
  }

  private static func add(
    _ address: ArraySlice<UInt8>,
    isDone: Bool,
    to message: inout QueuedMessage
  ) {
    let text = String(decoding: address.prefix(2000), as: UTF8.self).trimmed
    guard !text.isEmpty, message.recipients.count < 100_000 else { return }
    message.recipients.append(QueuedRecipient(address: text, isDone: isDone))
  }
}
