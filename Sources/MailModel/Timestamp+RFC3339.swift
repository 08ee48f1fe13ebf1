extension Timestamp: CustomStringConvertible {
  /// RFC 3339 in UTC, with as many of six decimals as carry information.
  package var description: String { rfc3339 }

  /// RFC 3339 in UTC: `2026-11-23T11:57:50Z`, or with a fraction where there is one.
  package var rfc3339: String {
    let civil = CivilTime(self)
    var text =
      padded(civil.year, 4) + "-" + padded(civil.month, 2) + "-" + padded(civil.day, 2) + "T"
      + padded(civil.hour, 2) + ":" + padded(civil.minute, 2) + ":" + padded(civil.second, 2)
    if civil.microsecond != 0 {
      var fraction = padded(civil.microsecond, 6)
      while fraction.last == "0" { fraction.removeLast() }
      text += "." + fraction
    }
    return text + "Z"
  }

  /// Reads RFC 3339 (`2026-11-23T11:57:50.5+01:00`), a space for the `T` and a zone without colon
  /// allowed; nil where the text is anything else.
  package init?(rfc3339 text: String) {
    let bytes = Array(text.utf8)
    guard let (moment, end) = Timestamp.parse(bytes.span, from: 0), end == bytes.count else {
      return nil
    }
    self = moment
  }

  /// Reads `YYYY-MM-DD[T ]hh:mm:ss[.f…](Z|±hh[:]mm)` at `start`; gives the moment and the index
  /// behind it, nil where the bytes are no such stamp.
  package static func parse(_ bytes: Span<UInt8>, from start: Int) -> (Timestamp, end: Int)? {
    guard let (civil, afterSeconds) = CivilTime.parse(bytes, from: start) else { return nil }
    guard let (offset, end) = zoneOffset(bytes, from: afterSeconds) else { return nil }
    return (civil.timestamp(offsetSeconds: offset), end)
  }

  /// Reads `Z`, `+01:00`, `+0100` or `-0330` at `start`: seconds east of UTC and the index behind.
  package static func zoneOffset(
    _ bytes: Span<UInt8>,
    from start: Int
  ) -> (seconds: Int, end: Int)? {
    guard start < bytes.count else { return nil }
    let sign = bytes[start]
    if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return (0, start + 1) }
    guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
      let hours = bytes.digits(2, at: start + 1)
    else { return nil }
    var at = start + 3
    if at < bytes.count, bytes[at] == UInt8(ascii: ":") { at += 1 }
    guard let minutes = bytes.digits(2, at: at), hours <= 23, minutes <= 59 else { return nil }
    let seconds = hours * 3600 + minutes * 60
    return (sign == UInt8(ascii: "-") ? -seconds : seconds, at + 2)
  }
}

extension CivilTime {
  /// Reads `YYYY-MM-DD[T ]hh:mm:ss[.fraction]` at `start`, a comma allowed for the point; nil where
  /// the bytes are no such stamp or name a day that does not exist.
  package static func parse(_ bytes: Span<UInt8>, from start: Int) -> (CivilTime, end: Int)? {
    guard var civil = parseSecond(bytes, from: start),
      let (microsecond, end) = fraction(bytes, from: start + secondLength)
    else { return nil }
    civil.microsecond = microsecond
    return (civil, end)
  }

  /// Bytes of a stamp without its fraction.
  package static var secondLength: Int { 19 }

  /// Reads `YYYY-MM-DD[T ]hh:mm:ss` at `start`; nil where the bytes are no such stamp or name a day
  /// that does not exist.
  package static func parseSecond(_ bytes: Span<UInt8>, from start: Int) -> CivilTime? {
    guard bytes.count - start >= secondLength, bytes[start + 4] == UInt8(ascii: "-"),
      bytes[start + 7] == UInt8(ascii: "-"),
      bytes[start + 10] == UInt8(ascii: "T") || bytes[start + 10] == UInt8(ascii: " ")
        || bytes[start + 10] == UInt8(ascii: "t"),
      bytes[start + 13] == UInt8(ascii: ":"), bytes[start + 16] == UInt8(ascii: ":"),
      let year = bytes.digits(4, at: start), let month = bytes.digits(2, at: start + 5),
      let day = bytes.digits(2, at: start + 8), let hour = bytes.digits(2, at: start + 11),
      let minute = bytes.digits(2, at: start + 14), let second = bytes.digits(2, at: start + 17)
    else { return nil }
    let civil = CivilTime(
      year: year,
      month: month,
      day: day,
      hour: hour,
      minute: minute,
      second: second
    )
    return civil.isPlausible ? civil : nil
  }

  /// Reads `.123456` or `,123456` at `start`: microseconds, and the index behind; 0 where there is no
  /// fraction, nil where a point has no digits.
  @inlinable package static func fraction(
    _ bytes: Span<UInt8>,
    from start: Int
  ) -> (microsecond: Int, end: Int)? {
    guard start < bytes.count,
      bytes[start] == UInt8(ascii: ".") || bytes[start] == UInt8(ascii: ",")
    else { return (0, start) }
    var at = start + 1
    var scale = 100_000
    var microsecond = 0
    while at < bytes.count, bytes[at] >= 48, bytes[at] <= 57 {
      microsecond += Int(bytes[at] - 48) * scale
      scale /= 10
      at += 1
    }
    return at == start + 1 ? nil : (microsecond, at)
  }
}

/// `value` in decimal, zero-padded to `width`.
private func padded(_ value: Int, _ width: Int) -> String {
  let text = String(value)
  return text.count >= width ? text : String(repeating: "0", count: width - text.count) + text
}
