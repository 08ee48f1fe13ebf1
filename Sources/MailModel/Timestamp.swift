/// A moment in UTC with microsecond resolution.
///
/// Everything inside the house counts in these; text with a zone is made at the edge only.
package struct Timestamp: Hashable, Comparable, Sendable {
  /// Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
  package var microseconds: Int64

  /// A moment from POSIX microseconds.
  @inlinable package init(microseconds: Int64) { self.microseconds = microseconds }

  /// A moment from POSIX seconds; out-of-range values are clamped, so hostile input cannot trap.
  @inlinable package init(seconds: Int64) {
    let bounded = min(max(seconds, -9_000_000_000_000), 9_000_000_000_000)
    self.microseconds = bounded * 1_000_000
  }

  /// POSIX seconds, rounded down.
  @inlinable package var seconds: Int64 {
    microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
  }

  @inlinable package static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.microseconds < right.microseconds
  }

  /// The moment some whole seconds later, a day or two at most.
  @inlinable package func shifted(bySeconds seconds: Int) -> Timestamp {
    Timestamp(microseconds: microseconds + Int64(seconds) * 1_000_000)
  }

  /// The moment `duration` seconds later (earlier when negative).
  @inlinable package func advanced(bySeconds duration: Double) -> Timestamp {
    let shift = (duration * 1_000_000).rounded()
    guard shift.magnitude < 9e18 else { return self }
    let (sum, overflow) = microseconds.addingReportingOverflow(Int64(shift))
    return overflow ? self : Timestamp(microseconds: sum)
  }

  /// Seconds from `earlier` to this moment.
  @inlinable package func seconds(since earlier: Timestamp) -> Double {
    Double(microseconds) / 1e6 - Double(earlier.microseconds) / 1e6
  }
}
