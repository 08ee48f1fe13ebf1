/// A date and time of day in the proleptic Gregorian calendar, without a zone.
///
/// Source of the day arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
package struct CivilTime: Hashable, Sendable {
  package var year: Int
  package var month: Int
  package var day: Int
  package var hour: Int
  package var minute: Int
  package var second: Int
  package var microsecond: Int

  @inlinable package init(
    year: Int,
    month: Int,
    day: Int,
    hour: Int = 0,
    minute: Int = 0,
    second: Int = 0,
    microsecond: Int = 0
  ) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
    self.microsecond = microsecond
  }

  /// Days from 1970-01-01 to the given date.
  @inlinable package static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// This civil time read as UTC, shifted back by `offsetSeconds` east of UTC.
  @inlinable package func timestamp(offsetSeconds: Int = 0) -> Timestamp {
    let days = CivilTime.daysSinceEpoch(year: year, month: month, day: day)
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - offsetSeconds
    return Timestamp(microseconds: Int64(seconds) * 1_000_000 + Int64(microsecond))
  }

  /// The civil time of `moment` in the zone `offsetSeconds` east of UTC.
  package init(_ moment: Timestamp, offsetSeconds: Int = 0) {
    let total = moment.seconds + Int64(offsetSeconds)
    var days = Int(total / 86_400)
    var rest = Int(total % 86_400)
    if rest < 0 {
      rest += 86_400
      days -= 1
    }
    let z = days + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    self.init(
      year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
      month: month,
      day: dayOfYear - (153 * monthIndex + 2) / 5 + 1,
      hour: rest / 3600,
      minute: rest / 60 % 60,
      second: rest % 60,
      microsecond: Int(moment.microseconds - moment.seconds * 1_000_000)
    )
  }

  /// Days in a month, leap years respected; 0 for a month that does not exist.
  @inlinable package static func daysIn(month: Int, year: Int) -> Int {
    switch month {
    case 1, 3, 5, 7, 8, 10, 12: 31
    case 4, 6, 9, 11: 30
    case 2: (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28
    default: 0
    }
  }

  /// Whether every field lies in its range (second 60 is allowed: leap seconds are written so).
  @inlinable package var isPlausible: Bool {
    (1...12).contains(month) && day >= 1 && day <= CivilTime.daysIn(month: month, year: year)
      && (0...23).contains(hour) && (0...59).contains(minute) && (0...60).contains(second)
  }
}
