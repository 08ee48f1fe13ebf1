import MailModel

/// `exim_dumpdb SPOOL retry`: two lines per record, key, errno and text, then first failure, last try
/// and next try, with a star where the record is past its last cutoff.
enum EximRetryDump {
  /// Whether a file begins like a dump: a key line, and a line of three stamps.
  static func begins(_ head: Span<UInt8>) -> Bool {
    let first = head.firstIndex(of: 0x0a, from: 0, to: head.count) ?? head.count
    guard first > 6, head.has("  T:", at: 0, to: first) || head.has("  R:", at: 0, to: first) else {
      return false
    }
    let second = head.firstIndex(of: 0x0a, from: first + 1, to: head.count) ?? head.count
    return stamp(head, at: first + 1, to: second) != nil
  }

  static func read(_ bytes: [UInt8]) -> [RetryRecord] {
    var records: [RetryRecord] = []
    var key: (subject: RetryRecord.Subject, key: String, text: String)?
    for line in bytes.split(separator: 0x0a).prefix(2_000_000) {
      let span = line.span
      if span.has("  T:", at: 0, to: span.count) || span.has("  R:", at: 0, to: span.count) {
        key = keyLine(String(decoding: line.dropFirst(2).prefix(2000), as: UTF8.self))
      } else if let known = key, let times = times(span) {
        records.append(
          RetryRecord(
            subject: known.subject,
            key: known.key,
            firstFailed: times.first,
            lastAttempt: times.last,
            nextAttempt: times.next,
            isExpired: times.isExpired,
            text: known.text
          )
        )
        key = nil
      }
    }
    return records
  }

  private static func keyLine(
    _ line: String
  ) -> (subject: RetryRecord.Subject, key: String, text: String)? {
    // A sender in an `R:` key may hold blanks; the key ends where a number follows.
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    guard let number = words.dropFirst().firstIndex(where: { Int($0) != nil }) else { return nil }
    let key = words[..<number].joined(separator: " ")
    let text = words.dropFirst(number + 2).joined(separator: " ")
    return (subject(of: key), key, text)
  }

  /// What a key is about: `R:` an address or a domain, `T:` a host, for one message or for all.
  static func subject(of key: String) -> RetryRecord.Subject {
    let body = key.dropFirst(2)
    if key.hasPrefix("R:") { return body.contains("@") ? .address : .domain }
    guard let last = body.split(separator: ":").last else { return .host }
    let bytes = Array(last.utf8)
    return EximMessageID.at(0, in: bytes.span, to: bytes.count) != nil ? .hostAndMessage : .host
  }

  private static func times(
    _ line: Span<UInt8>
  ) -> (first: Timestamp, last: Timestamp, next: Timestamp, isExpired: Bool)? {
    guard let first = stamp(line, at: 0, to: line.count),
      let last = stamp(line, at: 22, to: line.count), let next = stamp(line, at: 44, to: line.count)
    else { return nil }
    let isExpired = line.firstIndex(of: UInt8(ascii: "*"), from: 62, to: line.count) != nil
    return (first, last, next, isExpired)
  }

  /// `17-Nov-2026 08:02:50`, read as UTC.
  private static func stamp(_ line: Span<UInt8>, at start: Int, to end: Int) -> Timestamp? {
    guard start + 20 <= end, let day = line.digits(2, at: start),
      let year = line.digits(4, at: start + 7), let hour = line.digits(2, at: start + 12),
      let minute = line.digits(2, at: start + 15), let second = line.digits(2, at: start + 18)
    else { return nil }
    let names: [StaticString] = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    for (index, name) in names.enumerated() where line.has(name, at: start + 3, to: end) {
      let civil = CivilTime(
        year: year,
        month: index + 1,
        day: day,
        hour: hour,
        minute: minute,
        second: second
      )
      return civil.isPlausible ? civil.timestamp() : nil
    }
    return nil
  }
}
