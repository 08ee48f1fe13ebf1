import FoundationEssentials
import MailModel

/// One entry of the systemd journal as `journalctl -o json` writes it: an object per line, times in
/// microseconds as text, a MESSAGE that is text, an array of bytes, or null. Of a field that an entry has more
/// than once the values are in an array, of which the first counts: it is the one journald put there.
/// Source: systemd.journal-fields(7), journalctl(1).
package struct JournalLine {
  /// The envelope; its ranges index ``bytes``.
  package let envelope: Envelope
  /// `HOST TAG: text`, put together from the entry's fields.
  package let bytes: [UInt8]
  let host: String
  /// Where the entry stands in its journal; nil where the entry does not say.
  private(set) var cursor: String?

  /// Whether a line looks like an entry.
  static func isOne(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard line.first == UInt8(ascii: "{"), line.count > 30 else { return false }
    return line.span.firstIndex(of: "__REALTIME_TIMESTAMP", from: 0, to: line.count) != nil
  }

  private struct Entry: Decodable {
    var cursor: String?
    var realtime: String?
    var source: String?
    var host: String?
    var identifier: String?
    var syslogPID: String?
    var pid: String?
    var message: [UInt8]?

    enum CodingKeys: String, CodingKey {
      case cursor = "__CURSOR"
      case realtime = "__REALTIME_TIMESTAMP"
      case source = "_SOURCE_REALTIME_TIMESTAMP"
      case host = "_HOSTNAME"
      case identifier = "SYSLOG_IDENTIFIER"
      case syslogPID = "SYSLOG_PID"
      case pid = "_PID"
      case message = "MESSAGE"
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      func text(_ key: CodingKeys) -> String? {
        (try? values.decode(String.self, forKey: key)) ?? first(String.self, of: key)
      }
      func first<Value: Decodable>(_: Value.Type, of key: CodingKeys) -> Value? {
        var several = try? values.nestedUnkeyedContainer(forKey: key)
        return try? several?.decode(Value.self)
      }
      cursor = text(.cursor)
      realtime = text(.realtime)
      source = text(.source)
      host = text(.host)
      identifier = text(.identifier)
      syslogPID = text(.syslogPID)
      pid = text(.pid)
      message =
        text(.message).map { Array($0.utf8) }
        ?? (try? values.decode([UInt8].self, forKey: .message)) ?? first([UInt8].self, of: .message)
    }
  }

  /// Reads an entry; nil where the line is none, or has no message (too large, or null).
  package init?(_ line: UnsafeBufferPointer<UInt8>) {
    guard JournalLine.isOne(line),
      let entry = try? JSONDecoder().decode(Entry.self, from: Data(line)),
      let moment = entry.realtime.flatMap({ JournalLine.moment(Array($0.utf8)[...]) }),
      let message = entry.message, let identifier = entry.identifier
    else { return nil }
    self.init(
      moment: moment,
      host: Array((entry.host ?? "").utf8),
      identifier: Array(identifier.utf8),
      pid: entry.syslogPID ?? entry.pid,
      message: message
    )
    cursor = entry.cursor
  }

  /// Puts a line together from an entry's fields.
  init(moment: Timestamp, host: [UInt8], identifier: [UInt8], pid: String?, message: [UInt8]) {
    var bytes = host
    bytes.append(UInt8(ascii: " "))
    let tagStart = bytes.count
    bytes.append(contentsOf: identifier)
    let tag = tagStart..<bytes.count
    bytes.append(contentsOf: ": ".utf8)
    let text = bytes.count
    // A message may hold newlines, and end in one; a log line does not.
    let end = message.lastIndex { $0 != 0x0a && $0 != 0x0d }.map { $0 + 1 } ?? 0
    bytes.append(contentsOf: message[..<end].prefix(1 << 16).map { $0 == 0x0a ? 0x20 : $0 })
    self.host = String(decoding: host, as: UTF8.self)
    self.bytes = bytes
    envelope = Envelope(
      form: .journal,
      moment: moment,
      host: 0..<host.count,
      tag: tag,
      pid: pid.flatMap { Int32($0) } ?? 0,
      text: text..<bytes.count
    )
  }

  /// A moment in microseconds as the journal writes it; nil where it is none.
  static func moment(_ text: some Collection<UInt8>) -> Timestamp? {
    guard text.count <= 19, let micros = Int64(String(decoding: text, as: UTF8.self)),
      micros > 0, micros < 1 << 60
    else { return nil }
    return Timestamp(microseconds: micros)
  }
}
