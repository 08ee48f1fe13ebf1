import FoundationEssentials
package import MailModel

#if canImport(FoundationInternationalization)
  import FoundationInternationalization
#endif

/// Turns civil time of one zone into moments. The zone database is slow to ask, so the answer is kept
/// for the quarter of an hour it holds for.
package struct ZoneClock {
  private let zone: TimeZone
  private var cachedQuarter = Int64.min
  private var cachedOffsets: (Int, Int) = (0, 0)
  private var last: Timestamp?

  /// A clock for an IANA zone (`Europe/Berlin`), `UTC` or `+01:00`; nil where there is no such zone.
  package init?(zone name: String) {
    let bytes = Array(name.utf8)
    if name == "UTC" || name == "Z" || name == "GMT" {
      guard let utc = TimeZone(secondsFromGMT: 0) else { return nil }
      zone = utc
    } else if let (offset, end) = Timestamp.zoneOffset(bytes.span, from: 0), end == bytes.count,
      let fixed = TimeZone(secondsFromGMT: offset)
    {
      zone = fixed
    } else if let named = TimeZone(identifier: name) {
      zone = named
    } else {
      return nil
    }
  }

  /// A clock for a zone at hand.
  init(_ zone: TimeZone) { self.zone = zone }

  /// The clock of UTC.
  static var utc: ZoneClock { ZoneClock(.gmt) }

  /// Tells the clock the moment of the line above.
  mutating func note(_ moment: Timestamp) { last = moment }

  /// The moment of `civil`. In the hour that a clock change repeats, the order of the calls decides:
  /// time does not run back.
  package mutating func moment(_ civil: CivilTime) -> Timestamp {
    moment(naive: civil.timestamp())
  }

  /// The moment of a civil time that was read as if it were UTC.
  mutating func moment(naive: Timestamp) -> Timestamp {
    let quarter = naive.microseconds / 900_000_000
    if quarter != cachedQuarter {
      cachedQuarter = quarter
      cachedOffsets = offsets(around: naive)
    }
    let first = Timestamp(microseconds: naive.microseconds - Int64(cachedOffsets.0) * 1_000_000)
    var moment = first
    if cachedOffsets.0 != cachedOffsets.1, let last, isBehindChange(last, first) {
      moment = Timestamp(microseconds: naive.microseconds - Int64(cachedOffsets.1) * 1_000_000)
    }
    last = moment
    return moment
  }

  /// Whether `last`, the moment of the line above, shows that the repeated hour is in its second turn:
  /// time would run backwards, or the clock had been changed by then.
  private func isBehindChange(_ last: Timestamp, _ first: Timestamp) -> Bool {
    let gap = first.seconds(since: last)
    if gap < -120 { return true }
    let then = Date(timeIntervalSince1970: Double(last.seconds))
    return gap < 43_200 && zone.secondsFromGMT(for: then) == cachedOffsets.1
  }

  /// The offsets that may hold at a civil time: one, or the two of a repeated hour, earlier first.
  private func offsets(around naive: Timestamp) -> (Int, Int) {
    func offset(_ shift: Double) -> Int {
      zone.secondsFromGMT(
        for: Date(timeIntervalSince1970: Double(naive.seconds) + shift)
      )
    }
    let before = offset(-86_400)
    let after = offset(86_400)
    if before == after { return (before, before) }
    func holds(_ candidate: Int) -> Bool { offset(-Double(candidate)) == candidate }
    switch (holds(before), holds(after)) {
    case (true, true): return (before, after)
    case (true, false): return (before, before)
    default: return (after, after)
    }
  }
}
