package import MailModel
package import Store

extension MailFlow {
  /// Hours of one day, and days that are looked back.
  private static let day: Int64 = 24
  private static let days: Int64 = 7
  /// Fewer hours than these tell nothing of what is usual.
  private static let fewestDays = 3
  private static let fewestHours = 6

  /// What the store tells of the flow at `now`. Throws ``StoreError``.
  package init(_ store: TriageStore, now: Timestamp, newest: Timestamp?) throws {
    let waiting = try store.waiting(at: [now, now.advanced(bySeconds: -3600)])
    let last = min(newest ?? now, now)
    // The hour in which the input ends is not whole.
    let hour = last.seconds.dividedDown(by: 3600) - 1
    let arrivals = try store.arrivals(
      in: Window(from: last.advanced(bySeconds: -3600 * 24 * 8), to: last)
    )
    self.init(
      waiting: waiting.first ?? 0,
      waitingBefore: waiting.last ?? 0,
      arrivals: arrivals.keys.contains { $0 <= hour } ? arrivals[hour] ?? 0 : nil,
      usualArrivals: MailFlow.usual(arrivals, before: hour)
    )
  }

  /// The median of the same hour on the days before, else of the day before.
  static func usual(_ arrivals: [Int64: Int], before hour: Int64) -> Int? {
    guard let first = arrivals.keys.min() else { return nil }
    let sameHour = (1...days).map { hour - $0 * day }.filter { $0 >= first }
    if sameHour.count >= fewestDays { return median(sameHour.map { arrivals[$0] ?? 0 }) }
    let dayBefore = (1...day).map { hour - $0 }.filter { $0 >= first }
    return dayBefore.count >= fewestHours ? median(dayBefore.map { arrivals[$0] ?? 0 }) : nil
  }

  private static func median(_ counts: [Int]) -> Int? {
    let sorted = counts.sorted()
    return sorted.isEmpty ? nil : sorted[sorted.count / 2]
  }
}

extension Int64 {
  /// Division that rounds towards negative infinity.
  fileprivate func dividedDown(by divisor: Int64) -> Int64 {
    self >= 0 ? self / divisor : (self - divisor + 1) / divisor
  }
}
