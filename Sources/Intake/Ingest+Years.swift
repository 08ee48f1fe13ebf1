import MailModel
import Store

/// The year of stamps that state none (RFC 3164).
extension Ingest {
  /// Finds the year of the first year-less stamp.
  func setFirstYear(of log: inout LogInput, file: OpenFile) {
    log.firstYear = CivilTime(options.now).year
    guard let first = Ingest.firstDay(log.head) else { return }
    let written = written(modified: log.identity.modified)
    let found = YearCounter.firstYear(
      first: first,
      last: lastDay(of: log, file: file, first: first),
      latest: min(options.now, written).advanced(bySeconds: 25 * 3600),
      statedLastYear: options.year
    )
    log.firstYear = found.year
    log.isYearByLeapDay = found.isByLeapDay
  }

  /// When a file was last written to, as far as its date tells: archives and images are made with none.
  func written(modified: Int64?) -> Timestamp {
    guard let modified, modified > Ingest.noDate else { return options.now }
    return Timestamp(microseconds: modified / 1000)
  }

  /// A year behind the epoch, in nanoseconds: no log is as old, and zones are shorter.
  private static let noDate: Int64 = 31_536_000_000_000_000

  /// Month and day of the last stamp: a packed log is unpacked for it only where the year may have
  /// turned inside, that is where it begins in the second half of a year and is not far too short.
  private func lastDay(
    of log: LogInput,
    file: OpenFile,
    first: (month: Int, day: Int)
  ) -> (month: Int, day: Int)? {
    if log.compression == .none {
      let length = Int(min(log.identity.size, 1 << 16))
      return Ingest.lastDay(file.bytes(at: log.identity.size - Int64(length), count: length))
    }
    guard first.month >= 7, let again = try? OpenFile(path: log.input.path),
      let stream = try? log.compression.stream(again, isSeekable: true)
    else { return nil }
    if let packed = stream as? UnpackedStream {
      let pace = PackedPace(packed, size: log.identity.size, envelopeReader(firstYear: 2001))
      if pace.endsBeforeNewYear(first: first) { return nil }
    }
    return Ingest.lastDay(Ingest.readTail(stream))
  }

  static func firstDay(_ bytes: [UInt8]) -> (month: Int, day: Int)? {
    var day: (month: Int, day: Int)?
    forEachLine(bytes) { line in
      day = EnvelopeReader.monthAndDay(line.span)
      return day == nil
    }
    return day
  }

  static func lastDay(_ bytes: [UInt8]) -> (month: Int, day: Int)? {
    var day: (month: Int, day: Int)?
    forEachLine(bytes) { line in
      day = EnvelopeReader.monthAndDay(line.span) ?? day
      return true
    }
    return day
  }

  private static func readTail(_ stream: any ByteStream) -> [UInt8] {
    var tail: [UInt8] = []
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { chunk.deallocate() }
    let length = 1 << 16
    while let count = try? stream.read(into: chunk), count > 0 {
      tail =
        count >= length
        ? Array(chunk[(count - length)..<count]) : Array((tail + chunk[..<count]).suffix(length))
    }
    return tail
  }

  /// The year of the first line of what cannot be opened again: how it ends is not known.
  func firstYear(
    ofStream head: [UInt8],
    written: Timestamp,
    path: String,
    _ report: inout InputReport
  ) -> Int {
    let first = Ingest.firstDay(head) ?? (1, 1)
    let latest = min(options.now, written).advanced(bySeconds: 25 * 3600)
    let found = YearCounter.firstYear(
      first: first,
      last: Ingest.lastDay(head),
      latest: latest,
      statedLastYear: options.year
    )
    if found.isByLeapDay {
      report.troubles.append(Ingest.leapDay(path: path, year: found.year))
    }
    // The year that is stated for the last line turns behind what was looked at.
    let start = CivilTime(year: found.year, month: first.month, day: first.day).timestamp()
    let isAhead = start > latest.advanced(bySeconds: Ingest.halfYear)
    return options.year != nil && isAhead ? found.year - 1 : found.year
  }

  private static let halfYear = 183 * 86_400.0

  static func leapDay(path: String, year: Int) -> InputTrouble {
    InputTrouble(
      .warning,
      path: path,
      "it is of a 29 February, which the year of its date does not have: its first line is taken for "
        + "one of \(year); --year states the year of its last line"
    )
  }
}
