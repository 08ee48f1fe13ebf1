import MailModel

/// How fast a packed log with year-less stamps goes on at its beginning, and with that whether its end
/// can lie beyond New Year: to look at the end of a packed log is to unpack it twice.
struct PackedPace {
  /// Bytes that are looked at, in pieces of which the slowest counts: a burst tells nothing.
  private static let looked = 1 << 20
  private static let piece = 1 << 16
  /// Logs that begin later in the year than this many days before its end are always unpacked.
  private static let fewestDays = 28
  /// How many times longer than the pace says a log may be, for nights and holidays.
  private static let slack = 5.0

  /// Seconds that the whole log lasts at the pace of its slowest piece; nil where that is not known.
  private(set) var seconds: Double?

  /// Reads the beginning of `stream`; `size` is that of the packed file.
  init(_ stream: UnpackedStream, size: Int64, _ envelopes: EnvelopeReader) {
    var envelopes = envelopes
    var bytes = [UInt8](repeating: 0, count: PackedPace.looked)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes {
        try? stream.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
      }
      guard let got, got > 0 else { break }
      count += got
    }
    guard count == bytes.count, stream.storedBytesUnpacked > 0 else { return }
    var slowest = 0.0
    var last: Timestamp?
    for start in stride(from: 0, to: count, by: PackedPace.piece) {
      let moment = PackedPace.moment(bytes, from: start, &envelopes)
      if let moment, let last { slowest = max(slowest, moment.seconds(since: last)) }
      last = moment
    }
    let pieces =
      Double(size) / Double(stream.storedBytesUnpacked) * Double(count / PackedPace.piece)
    seconds = pieces * max(slowest, 1)
  }

  /// Whether a log that begins on this day ends before the year does, with much to spare.
  func endsBeforeNewYear(first: (month: Int, day: Int)) -> Bool {
    let days =
      CivilTime.daysSinceEpoch(year: 2002, month: 1, day: 1)
      - CivilTime.daysSinceEpoch(year: 2001, month: first.month, day: first.day)
    guard let seconds, days > PackedPace.fewestDays else { return false }
    return seconds * PackedPace.slack < Double(days) * 86_400
  }

  /// The moment of the first whole line behind `start`.
  private static func moment(
    _ bytes: [UInt8],
    from start: Int,
    _ envelopes: inout EnvelopeReader
  ) -> Timestamp? {
    bytes.withUnsafeBytes { all in
      let rest = UnsafeRawBufferPointer(rebasing: all[start...])
      let begin = start == 0 ? 0 : rest.firstByte(0x0a).map { $0 + 1 }
      guard let begin else { return nil }
      let line = UnsafeRawBufferPointer(rebasing: rest[begin...])
      let end = line.firstByte(0x0a) ?? line.count
      let text = UnsafeRawBufferPointer(rebasing: line[..<end])
      return text.withMemoryRebound(to: UInt8.self) { envelopes.read($0.span)?.moment }
    }
  }
}
