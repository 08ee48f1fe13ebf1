package import FoundationEssentials
package import MailModel

/// Writes moments for people: local time with its zone.
package struct LocalTime: Sendable {
  package var zone: TimeZone

  package init(zone: TimeZone) { self.zone = zone }

  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private func civil(_ moment: Timestamp) -> (CivilTime, offset: Int) {
    let date = Date(timeIntervalSince1970: Double(moment.seconds))
    let offset = zone.secondsFromGMT(for: date)
    return (CivilTime(moment, offsetSeconds: offset), offset)
  }

  /// `+01:00`, or `UTC`.
  private func zoneName(_ offset: Int) -> String {
    guard offset != 0 else { return "UTC" }
    let minutes = offset.magnitude / 60
    return (offset < 0 ? "-" : "+") + two(Int(minutes / 60)) + ":" + two(Int(minutes % 60))
  }

  private func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

  /// `Tue 24 Nov 2026 14:00 +01:00`.
  package func long(_ moment: Timestamp) -> String {
    let (civil, offset) = civil(moment)
    return "\(weekday(civil)) \(civil.day) \(month(civil)) \(civil.year) "
      + "\(two(civil.hour)):\(two(civil.minute)) \(zoneName(offset))"
  }

  /// `Tue 24 Nov 14:00`, for tables whose heading or page names the zone.
  package func short(_ moment: Timestamp) -> String {
    let (civil, _) = civil(moment)
    return "\(weekday(civil)) \(civil.day) \(month(civil)) \(two(civil.hour)):\(two(civil.minute))"
  }

  /// `24 Nov`.
  package func day(_ moment: Timestamp) -> String {
    let (civil, _) = civil(moment)
    return "\(civil.day) \(month(civil))"
  }

  /// `14:00`.
  package func hour(_ moment: Timestamp) -> String {
    let (civil, _) = civil(moment)
    return "\(two(civil.hour)):\(two(civil.minute))"
  }

  /// `14:00:10`.
  package func second(_ moment: Timestamp) -> String {
    "\(hour(moment)):\(two(civil(moment).0.second))"
  }

  /// The first moment of a day of the calendar, in the zone; days may be counted beyond the month's.
  package func midnight(year: Int, month: Int, day: Int) -> Timestamp {
    let days = CivilTime.daysSinceEpoch(year: year, month: month, day: day)
    let naive = Timestamp(seconds: Int64(days) * 86_400)
    // The offset at the moment itself, which may differ from the one at the naive moment.
    var moment = naive
    for _ in 0..<2 {
      let date = Date(timeIntervalSince1970: Double(moment.seconds))
      moment = naive.advanced(bySeconds: -Double(zone.secondsFromGMT(for: date)))
    }
    return moment
  }

  /// The first moments of the `count` days before the day of `moment`, oldest first, and its own.
  package func daysBefore(_ moment: Timestamp, count: Int) -> [Timestamp] {
    let civil = civil(moment).0
    return (0...count).map {
      midnight(year: civil.year, month: civil.month, day: civil.day - count + $0)
    }
  }

  /// `2026-11-24`.
  package func isoDay(_ moment: Timestamp) -> String {
    let (civil, _) = civil(moment)
    return "\(civil.year)-\(two(civil.month))-\(two(civil.day))"
  }

  /// The zone's name and offset at that moment, for a page's heading.
  package func zone(at moment: Timestamp) -> String {
    let offset = civil(moment).offset
    let name = zoneName(offset)
    let identifier = OutsideText(zone.identifier).terminal(limit: 40)
    return ["GMT", "UTC", name].contains(identifier) ? name : "\(identifier) (\(name))"
  }

  /// `3 d 4 h`, `5 h 10 min`, `12 min`, `40 s`.
  package static func length(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds.magnitude < 1e12 else { return "for ever" }
    let total = Int(seconds.magnitude.rounded())
    switch total {
    case ..<60: return "\(total) s"
    case ..<3600: return "\(total / 60) min"
    case ..<86_400:
      let minutes = total % 3600 / 60
      return minutes == 0 ? "\(total / 3600) h" : "\(total / 3600) h \(minutes) min"
    default:
      let hours = total % 86_400 / 3600
      return hours == 0 ? "\(total / 86_400) d" : "\(total / 86_400) d \(hours) h"
    }
  }

  private func weekday(_ civil: CivilTime) -> String {
    let days = CivilTime.daysSinceEpoch(year: civil.year, month: civil.month, day: civil.day)
    return LocalTime.weekdays[((days % 7) + 7) % 7]
  }

  private func month(_ civil: CivilTime) -> String {
    LocalTime.months.indices.contains(civil.month - 1) ? LocalTime.months[civil.month - 1] : "?"
  }
}
