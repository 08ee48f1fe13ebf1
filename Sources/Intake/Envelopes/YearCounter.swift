import MailModel

/// Gives year-less stamps (RFC 3164) their year: the first line's is given, and each December that
/// turns into January counts one on.
struct YearCounter {
  private(set) var year: Int
  private var month = 0

  /// Starts with the year of the first line.
  init(firstYear: Int) { year = firstYear }

  /// Goes on behind a line of which the moment is known.
  init(after last: Timestamp) {
    let civil = CivilTime(last)
    year = civil.year
    month = civil.month
  }

  /// The year of the next line. Lines a little out of order do not count a year.
  mutating func year(month next: Int) -> Int {
    if month - next >= 6 {
      year += 1
    } else if next - month >= 6, month != 0 {
      // A straggler of December behind the first line of January.
      return year - 1
    }
    month = next
    return year
  }

  /// The year of a file's first line.
  struct FirstYear: Hashable {
    var year: Int
    /// A 29 February says so, against the latest moment.
    var isByLeapDay = false
  }

  /// The year of a file's first line, from its first and last stamps and the latest moment at which
  /// the last line can have been written. `statedLastYear` is the operator's word, which nothing
  /// overrules; without it a 29 February is of a year that has one.
  static func firstYear(
    first: (month: Int, day: Int),
    last: (month: Int, day: Int)?,
    latest: Timestamp,
    statedLastYear: Int?
  ) -> FirstYear {
    let limit = CivilTime(latest)
    let end = last ?? first
    // The year turned inside the file.
    let turns = (first.month, first.day) > (end.month, end.day) ? 1 : 0
    if let statedLastYear { return FirstYear(year: statedLastYear - turns) }
    var lastYear = limit.year
    if (end.month, end.day) > (limit.month, limit.day) { lastYear -= 1 }
    func has(_ date: (month: Int, day: Int), in year: Int) -> Bool {
      date.day <= 28 || date != (2, 29) || CivilTime.daysIn(month: 2, year: year) == 29
    }
    let byDate = lastYear
    while !has(end, in: lastYear) || !has(first, in: lastYear - turns) { lastYear -= 1 }
    return FirstYear(year: lastYear - turns, isByLeapDay: lastYear != byDate)
  }
}
