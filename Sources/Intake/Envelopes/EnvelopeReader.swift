package import MailModel

/// Reads envelopes, line by line, whatever form each line has. Stamps without a year or a zone need
/// the ``YearCounter`` and ``ZoneClock`` of their source.
package struct EnvelopeReader {
  private var clock: ZoneClock
  private var years: YearCounter
  /// The bytes of the last RFC 3164 stamp, its second and its moment: most lines share a second, and
  /// nearly all a minute.
  private var lastStamp: (UInt64, UInt64) = (0, 0)
  private var lastSecond = 0
  private var lastMoment = Timestamp(microseconds: 0)
  /// The bytes of the last ISO stamp without its fraction, and its moment if it were UTC.
  private var lastISO: (UInt64, UInt64, UInt64) = (0, 0, 0)
  private var lastNaive = Timestamp(microseconds: 0)

  /// A reader for a source whose first line is of `firstYear`.
  package init(clock: ZoneClock, firstYear: Int) {
    self.clock = clock
    years = YearCounter(firstYear: firstYear)
  }

  /// A reader that goes on behind a line of which the moment is known.
  package init(clock: ZoneClock, after last: Timestamp) {
    self.clock = clock
    self.clock.note(last)
    years = YearCounter(after: last)
  }

  /// The envelope of `line`, or nil where it has none of the known forms.
  package mutating func read(_ line: Span<UInt8>) -> Envelope? {
    guard line.count >= 16 else { return nil }
    var start = 0
    if line[0] == 0xef, line[1] == 0xbb, line[2] == 0xbf { start = 3 }
    switch line[start] {
    case UInt8(ascii: "A")...UInt8(ascii: "S"): return rfc3164(line, from: start)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return iso(line, from: start)
    case UInt8(ascii: "<"): return priority(line, from: start)
    default: return nil
    }
  }

  // MARK: - RFC 3164

  @inline(__always)
  private mutating func rfc3164(_ line: Span<UInt8>, from start: Int) -> Envelope? {
    guard let moment = stamp(line, from: start) else { return nil }
    var at = start + 15
    // `Mar  2 2026 09:14:05` and fractions are not of RFC 3164, but some relays write the latter.
    if at < line.count, line[at] == UInt8(ascii: "."),
      let (_, end) = line.number(at: at + 1, to: line.count)
    {
      at = end
    }
    guard at < line.count, line[at] == UInt8(ascii: " ") else { return nil }
    return hostTagText(line, from: at + 1, form: .rfc3164, moment: moment)
  }

  private mutating func stamp(_ line: Span<UInt8>, from start: Int) -> Timestamp? {
    guard line.count - start >= 15 else { return nil }
    let key = line.withUnsafeBytes { raw in
      (
        raw.loadUnaligned(fromByteOffset: start, as: UInt64.self).littleEndian,
        raw.loadUnaligned(fromByteOffset: start + 7, as: UInt64.self).littleEndian
      )
    }
    if key == lastStamp { return lastMoment }
    // Time does not run back within a minute, or the clock was changed.
    if key.0 == lastStamp.0, key.1 &<< 16 == lastStamp.1 &<< 16,
      let second = line.digits(2, at: start + 13), second > lastSecond, second <= 60
    {
      lastMoment.microseconds += Int64(second - lastSecond) * 1_000_000
      clock.note(lastMoment)
      lastStamp = key
      lastSecond = second
      return lastMoment
    }
    guard let month = EnvelopeReader.month(line, at: start), line[start + 3] == UInt8(ascii: " "),
      line[start + 6] == UInt8(ascii: " "), line[start + 9] == UInt8(ascii: ":"),
      line[start + 12] == UInt8(ascii: ":"), let hour = line.digits(2, at: start + 7),
      let minute = line.digits(2, at: start + 10), let second = line.digits(2, at: start + 13),
      let low = line.digits(1, at: start + 5)
    else { return nil }
    let high = line[start + 4] == UInt8(ascii: " ") ? 0 : line.digits(1, at: start + 4)
    guard let high else { return nil }
    var civil = CivilTime(
      year: years.year(month: month),
      month: month,
      day: high * 10 + low,
      hour: hour,
      minute: minute,
      second: second
    )
    if month == 2, civil.day == 29, !civil.isPlausible {
      // The year is a wrong one; the line is there all the same, behind those of the 28th.
      civil.month = 3
      civil.day = 1
    }
    guard civil.isPlausible else { return nil }
    lastStamp = key
    lastSecond = second
    lastMoment = clock.moment(civil)
    return lastMoment
  }

  /// The month and day of an RFC 3164 stamp at the start of `line`, for the search for the year.
  static func monthAndDay(_ line: Span<UInt8>) -> (month: Int, day: Int)? {
    var start = 0
    if line.count > 3, line[0] == 0xef, line[1] == 0xbb, line[2] == 0xbf { start = 3 }
    if line.count > start, line[start] == UInt8(ascii: "<"),
      let close = line.firstIndex(
        of: UInt8(ascii: ">"),
        from: start,
        to: min(line.count, start + 6)
      )
    {
      start = close + 1
    }
    guard line.count >= start + 16, let month = month(line, at: start),
      line[start + 9] == UInt8(ascii: ":"), line[start + 12] == UInt8(ascii: ":"),
      let low = line.digits(1, at: start + 5)
    else { return nil }
    let high = line[start + 4] == UInt8(ascii: " ") ? 0 : line.digits(1, at: start + 4) ?? 0
    return (month, high * 10 + low)
  }

  private static func month(_ line: Span<UInt8>, at start: Int) -> Int? {
    let names: [StaticString] = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    for (index, name) in names.enumerated() where line.has(name, at: start, to: line.count) {
      return index + 1
    }
    return nil
  }

  // MARK: - ISO and bare stamps

  private mutating func iso(_ line: Span<UInt8>, from start: Int) -> Envelope? {
    guard let (naive, afterSeconds) = naiveMoment(line, from: start) else { return nil }
    let isBare = line[start + 10] == UInt8(ascii: " ")
    if isBare { return bare(line, naive: naive, from: afterSeconds) }
    var moment: Timestamp
    var at = afterSeconds
    if let (offset, end) = Timestamp.zoneOffset(line, from: at) {
      moment = naive.shifted(bySeconds: -offset)
      at = end
    } else {
      moment = clock.moment(naive: naive)
    }
    guard at < line.count, line[at] == UInt8(ascii: " ") else { return nil }
    return hostTagText(line, from: at + 1, form: .iso, moment: moment)
  }

  /// The moment of an ISO stamp if it were UTC, and where what follows begins. Most lines share a
  /// second.
  private mutating func naiveMoment(
    _ line: Span<UInt8>,
    from start: Int
  ) -> (Timestamp, end: Int)? {
    guard line.count - start >= CivilTime.secondLength else { return nil }
    let key = line.withUnsafeBytes { raw in
      (
        raw.loadUnaligned(fromByteOffset: start, as: UInt64.self),
        raw.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self),
        raw.loadUnaligned(fromByteOffset: start + 11, as: UInt64.self)
      )
    }
    if key != lastISO {
      guard let civil = CivilTime.parseSecond(line, from: start) else { return nil }
      lastISO = key
      lastNaive = civil.timestamp()
    }
    guard
      let (fraction, end) = CivilTime.fraction(line, from: start + CivilTime.secondLength)
    else { return nil }
    return (Timestamp(microseconds: lastNaive.microseconds + Int64(fraction)), end)
  }

  /// `2026-03-02 09:14:05.123 +0100 [1234] text`
  private mutating func bare(
    _ line: Span<UInt8>,
    naive: Timestamp,
    from afterSeconds: Int
  ) -> Envelope? {
    var at = afterSeconds
    guard at < line.count, line[at] == UInt8(ascii: " ") else { return nil }
    var moment: Timestamp?
    if let (offset, end) = Timestamp.zoneOffset(line, from: at + 1),
      line[at + 1] == UInt8(ascii: "+") || line[at + 1] == UInt8(ascii: "-")
    {
      moment = naive.shifted(bySeconds: -offset)
      at = end
      guard at < line.count, line[at] == UInt8(ascii: " ") else { return nil }
    }
    let known = moment ?? clock.moment(naive: naive)
    // Some syslog templates write the date so too; only a process and colon tell them from a text.
    if let named = hostTagText(line, from: at + 1, form: .iso, moment: known),
      !named.tag.isEmpty, named.pid > 0
    {
      return named
    }
    var pid: Int32 = 0
    if at + 2 < line.count, line[at + 1] == UInt8(ascii: "["),
      let (number, end) = line.number(at: at + 2, to: line.count), end + 1 < line.count,
      line[end] == UInt8(ascii: "]"), line[end + 1] == UInt8(ascii: " ")
    {
      pid = Int32(truncatingIfNeeded: number)
      at = end + 1
    }
    return Envelope(
      form: .bare,
      moment: known,
      pid: pid,
      text: (at + 1)..<line.count
    )
  }

  // MARK: - RFC 5424 and priorities

  private mutating func priority(_ line: Span<UInt8>, from start: Int) -> Envelope? {
    guard let (_, close) = line.number(at: start + 1, to: min(line.count, start + 5)),
      close < line.count, line[close] == UInt8(ascii: ">")
    else { return nil }
    let at = close + 1
    if line.has("1 ", at: at, to: line.count) { return rfc5424(line, from: at + 2) }
    guard at < line.count else { return nil }
    switch line[at] {
    case UInt8(ascii: "A")...UInt8(ascii: "S"): return rfc3164(line, from: at)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return iso(line, from: at)
    default: return nil
    }
  }

  /// `STAMP HOST TAG PID MSGID STRUCTURED-DATA text`, `-` for what is absent.
  private func rfc5424(_ line: Span<UInt8>, from start: Int) -> Envelope? {
    guard let (moment, afterStamp) = Timestamp.parse(line, from: start) else { return nil }
    var at = afterStamp
    var fields: [Range<Int>] = []
    for _ in 0..<4 {
      guard at < line.count, line[at] == UInt8(ascii: " "),
        let end = line.firstIndex(of: UInt8(ascii: " "), from: at + 1, to: line.count)
      else { return nil }
      fields.append((at + 1)..<end)
      at = end
    }
    guard let text = afterStructuredData(line, from: at + 1) else { return nil }
    func value(_ range: Range<Int>) -> Range<Int> {
      line.equals("-", in: range) ? range.lowerBound..<range.lowerBound : range
    }
    let pid = line.number(at: fields[2].lowerBound, to: fields[2].upperBound)?.value ?? 0
    return Envelope(
      form: .rfc5424,
      moment: moment,
      host: value(fields[0]),
      tag: value(fields[1]),
      pid: Int32(truncatingIfNeeded: pid),
      text: text..<line.count
    )
  }

  private func afterStructuredData(_ line: Span<UInt8>, from start: Int) -> Int? {
    var at = start
    if at < line.count, line[at] == UInt8(ascii: "-") {
      at += 1
    } else {
      while at < line.count, line[at] == UInt8(ascii: "[") {
        var isQuoted = false
        at += 1
        while at < line.count, isQuoted || line[at] != UInt8(ascii: "]") {
          if line[at] == UInt8(ascii: "\\") {
            at += 1
          } else if line[at] == UInt8(ascii: "\"") {
            isQuoted.toggle()
          }
          at += 1
        }
        at += 1
      }
    }
    guard at <= line.count else { return nil }
    if at < line.count, line[at] == UInt8(ascii: " ") { at += 1 }
    if line.count - at >= 3, line[at] == 0xef, line[at + 1] == 0xbb, line[at + 2] == 0xbf {
      at += 3
    }
    return at
  }

  // MARK: - `host tag[pid]: text`

  private func hostTagText(
    _ line: Span<UInt8>,
    from start: Int,
    form: Envelope.Form,
    moment: Timestamp
  ) -> Envelope? {
    guard let hostEnd = line.firstIndex(near: UInt8(ascii: " "), from: start, to: line.count)
    else { return nil }
    let tagStart = hostEnd + 1
    let limit = min(line.count, tagStart + 160)
    var at =
      line.firstIndex(
        near: UInt8(ascii: ":"),
        UInt8(ascii: "["),
        UInt8(ascii: " "),
        from: tagStart,
        to: limit
      ) ?? limit
    let tag = tagStart..<at
    var pid: Int32 = 0
    if at < line.count, line[at] == UInt8(ascii: "["),
      let (number, end) = line.number(at: at + 1, to: line.count), end < line.count,
      line[end] == UInt8(ascii: "]")
    {
      pid = Int32(truncatingIfNeeded: number)
      at = end + 1
    }
    guard at < line.count, line[at] == UInt8(ascii: ":") else {
      // `last message repeated 3 times` and kernel chatter: a host, no tag.
      return Envelope(
        form: form,
        moment: moment,
        host: start..<hostEnd,
        text: tagStart..<line.count
      )
    }
    at += 1
    if at < line.count, line[at] == UInt8(ascii: " ") { at += 1 }
    // Solaris: `[ID 197553 mail.info] text`.
    if line.has("[ID ", at: at, to: line.count),
      let close = line.firstIndex(of: "] ", from: at, to: min(line.count, at + 60))
    {
      at = close + 2
    }
    return Envelope(
      form: form,
      moment: moment,
      host: start..<hostEnd,
      tag: tag,
      pid: pid,
      text: at..<line.count
    )
  }
}
