import MailModel
import Testing

struct TimestampTests {
  @Test(arguments: [
    ("2026-03-02T09:14:05Z", 1_772_442_845_000_000),
    ("2026-03-02T10:14:05.123456+01:00", 1_772_442_845_123_456),
    ("2026-03-02 04:44:05.5-0430", 1_772_442_845_500_000),
    ("1969-12-31T23:59:59.999999Z", -1),
    ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
  ])
  func `reads RFC 3339 in any zone`(_ text: String, _ microseconds: Int64) {
    #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
  }

  @Test(arguments: [
    "", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-02T24:00:00Z",
    "2026-03-02T09:14:05", "2026-03-02T09:14:05.Z", "2026-03-02T09:14:05+1:00",
    "2026-03-02T09:14:05Z ", "x026-03-02T09:14:05Z",
  ])
  func `refuses what is no moment`(_ text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test func `writes what it reads back`() {
    var state: UInt64 = 7
    for _ in 0..<2000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let moment = Timestamp(microseconds: Int64(state >> 13) - 60_000_000_000_000)
      #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
    }
  }
}
