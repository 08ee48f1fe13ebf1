import FoundationEssentials
import MailModel

/// One entry of the systemd journal as `journalctl -o json` writes it: an object per line, times in
/// microseconds as text, a MESSAGE that is text, an array of bytes, or null.
/// Source: systemd.journal-fields(7), journalctl(1).
package struct JournalLine {
  /// The envelope; its ranges index ``bytes``.
  package let envelope: Envelope
  /// `HOST TAG: text`, put together from the entry's fields.
  package let bytes: [UInt8]
  let host: String

  /// Whether a line looks like an entry.
  static func isOne(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard line.first == UInt8(ascii: "{"), line.count > 30 else { return false }
    return line.span.firstIndex(of: "__REALTIME_TIMESTAMP", from: 0, to: line.count) != nil
  }

  private struct Entry: Decodable {
    var realtime: String?
    var source: String?
    var host: String?
    var identifier: String?
    var syslogPID: String?
    var pid: String?
    var message: [UInt8]?

    enum CodingKeys: String, CodingKey {
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
      func text(_ key: CodingKeys) -> String? { try? values.decode(String.self, forKey: key) }
      realtime = text(.realtime)
      source = text(.source)
      host = text(.host)
      identifier = text(.identifier)
      syslogPID = text(.syslogPID)
      pid = text(.pid)
      message =
        text(.message).map { Array($0.utf8) }
        ?? (try? values.decode([UInt8].self, forKey: .message))
    }
  }

  /// Reads an entry; nil where the line is none, or has no message (too large, or null).
  package init?(_ line: UnsafeBufferPointer<UInt8>) {
    guard JournalLine.isOne(line),
      let entry = try? JSONDecoder().decode(Entry.self, from: Data(line)),
      let micros = entry.realtime.flatMap({ Int64($0) }), micros > 0, micros < 1 << 60,
      let message = entry.message, let identifier = entry.identifier
    else { return nil }
    let host = entry.host ?? ""
    var bytes = Array(host.utf8)
    let hostRange = 0..<bytes.count
    bytes.append(UInt8(ascii: " "))
    let tagStart = bytes.count
    bytes.append(contentsOf: identifier.utf8)
    let tag = tagStart..<bytes.count
    bytes.append(contentsOf: ": ".utf8)
    let text = bytes.count
    // A message may hold newlines; a log line does not.
    bytes.append(contentsOf: message.prefix(1 << 16).map { $0 == 0x0a ? 0x20 : $0 })
    let pid = (entry.syslogPID ?? entry.pid).flatMap { Int32($0) } ?? 0
    self.host = host
    self.bytes = bytes
    envelope = Envelope(
      form: .journal,
      moment: Timestamp(microseconds: micros),
      host: hostRange,
      tag: tag,
      pid: pid,
      text: text..<bytes.count
    )
  }
}
