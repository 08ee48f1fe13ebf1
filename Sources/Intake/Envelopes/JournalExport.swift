import MailModel

/// Entries of the systemd journal as `journalctl -o export` writes them: a line `FIELD=value` per field,
/// or `FIELD`, a length of eight bytes (little endian) and as many bytes of any kind; an empty line ends
/// an entry.
///
///     __CURSOR=s=739ad463348b4ceca5a9e69c95a3c93f;i=4ece7
///     __REALTIME_TIMESTAMP=1342540861416351
///     _HOSTNAME=mx1
///     SYSLOG_IDENTIFIER=postfix/smtp
///     MESSAGE=4ABC1D2E3F: to=<b@b.example>, …
///
/// Source: systemd's "Journal Export Formats".
package struct JournalExport {
  /// Bytes kept of one field.
  private static let longestField = 1 << 16
  /// What journald allows a field to be (DATA_SIZE_MAX); a longer one is damage.
  private static let largestField: UInt64 = 768 << 20

  private struct OpenField {
    var name: String
    /// The offset of the eight bytes.
    var start: Int64
    var bytes: [UInt8] = []

    /// Adds a line and its end; the line reader takes a CR away with the newline.
    mutating func add(_ line: UnsafeBufferPointer<UInt8>, isBehindCR: Bool) {
      let room = JournalExport.longestField + 8 - bytes.count
      guard room > 0 else { return }
      bytes.append(contentsOf: line.prefix(room))
      if room > line.count, isBehindCR { bytes.append(0x0d) }
      if room > line.count { bytes.append(0x0a) }
    }

    /// The offset behind its last byte, once the length is known; nil before.
    var end: Int64? { size.map { start + 8 + Int64($0) } }
    var size: UInt64? {
      guard bytes.count >= 8 else { return nil }
      return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  private static let wanted: Set<String> = [
    "__REALTIME_TIMESTAMP", "_HOSTNAME", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "_PID", "MESSAGE",
  ]

  /// Inside an entry: a cursor may not stand here.
  private(set) var isOpen = false
  private var fields: [String: [UInt8]] = [:]
  private var messageOffset: Int64 = 0
  private var open: OpenField?

  /// Whether an entry begins with this line.
  static func begins(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard line.first == UInt8(ascii: "_") else { return false }
    let span = line.span
    return span.has("__CURSOR=", at: 0, to: line.count)
      || span.has("__REALTIME_TIMESTAMP=", at: 0, to: line.count)
  }

  /// The moment that the line states; nil where it states none.
  static func moment(_ line: UnsafeBufferPointer<UInt8>) -> Timestamp? {
    let name = "__REALTIME_TIMESTAMP="
    guard line.span.has("__REALTIME_TIMESTAMP=", at: 0, to: line.count) else { return nil }
    return JournalLine.moment(line[name.utf8.count...])
  }

  /// Whether a line can belong to the open entry: a field's name is capitals, digits and underscores.
  /// Any other line is of another log, which an entry without an end must not swallow.
  func continues(with line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard open == nil, !line.isEmpty else { return true }
    let name = line.prefix(65).prefix { $0 != UInt8(ascii: "=") }
    return name.count <= 64
      && name.allSatisfy {
        switch $0 {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  /// Takes a line of an entry; `end` is the offset behind its line end. Gives the entry that this
  /// line ended, and where its message lies.
  package mutating func take(
    _ line: UnsafeBufferPointer<UInt8>,
    at offset: Int64,
    end: Int64
  ) -> (line: JournalLine, offset: Int64)? {
    isOpen = true
    if let taken = continueField(line, at: offset, end: end), taken { return nil }
    if line.isEmpty { return finish() }
    if let equals = line.firstIndex(of: UInt8(ascii: "=")) {
      let name = String(decoding: line[..<equals], as: UTF8.self)
      keep(name, Array(line[(equals + 1)...].prefix(JournalExport.longestField)), at: offset)
    } else {
      open = OpenField(name: String(decoding: line.prefix(64), as: UTF8.self), start: end)
    }
    return nil
  }

  package init() {}

  /// Ends the entry; nil where it lacks what an event needs.
  package mutating func finish() -> (line: JournalLine, offset: Int64)? {
    if let field = open { close(field) }
    defer { self = JournalExport() }
    guard let moment = fields["__REALTIME_TIMESTAMP"].flatMap({ JournalLine.moment($0[...]) }),
      let message = fields["MESSAGE"], let identifier = fields["SYSLOG_IDENTIFIER"]
    else { return nil }
    let line = JournalLine(
      moment: moment,
      host: fields["_HOSTNAME"] ?? [],
      identifier: identifier,
      pid: (fields["SYSLOG_PID"] ?? fields["_PID"]).map { String(decoding: $0, as: UTF8.self) },
      message: message
    )
    return (line, messageOffset)
  }

  /// Adds a line to the open field; false where the field ended before it, nil where none is open.
  private mutating func continueField(
    _ line: UnsafeBufferPointer<UInt8>,
    at offset: Int64,
    end: Int64
  ) -> Bool? {
    guard open != nil else { return nil }
    if let field = open, let last = field.end, offset > last {
      close(field)
      return false
    }
    open?.add(line, isBehindCR: end - offset == Int64(line.count) + 2)
    if let size = open?.size, size > JournalExport.largestField {
      self = JournalExport()
    } else if let field = open, let last = field.end, end > last {
      close(field)
    }
    return true
  }

  private mutating func close(_ field: OpenField) {
    open = nil
    guard let size = field.size else { return }
    let bytes = field.bytes.dropFirst(8).prefix(Int(clamping: size))
    keep(field.name, Array(bytes), at: field.start + 8)
  }

  private mutating func keep(_ name: String, _ value: [UInt8], at offset: Int64) {
    // The first of several is the one that journald itself put there.
    guard JournalExport.wanted.contains(name), fields[name] == nil else { return }
    fields[name] = value
    if name == "MESSAGE" { messageOffset = offset }
  }
}
