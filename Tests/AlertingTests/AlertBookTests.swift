import Alerting
import MailModel
import Testing

private let noon = Timestamp(seconds: 1_772_452_800)

private func condition(
  _ key: String = "new-incident/a.example",
  severity: AlertSeverity = .warning,
  count: Int = 10,
  standing: AlertCondition.Standing = .present
) -> AlertCondition {
  AlertCondition(
    key: key,
    rule: .newIncident,
    severity: severity,
    destination: "a.example",
    failureClass: .certificateExpired,
    count: count,
    firstSeen: noon,
    summary: "mail waits",
    standing: standing
  )
}

struct AlertBookTests {
  @Test func `one incident fires once`() {
    var book = AlertBook(settle: 900)
    #expect(book.update([condition()], now: noon).map(\.state) == [.firing])
    for minute in 1...20 {
      let now = noon.advanced(bySeconds: Double(minute) * 60)
      #expect(book.update([condition()], now: now).isEmpty)
    }
  }

  @Test func `it fires again when its severity rises or its mail doubles`() {
    var book = AlertBook(settle: 900)
    let first = book.update([condition(count: 10)], now: noon)
    #expect(book.update([condition(count: 19)], now: noon).isEmpty)
    let doubled = book.update([condition(count: 20)], now: noon)
    #expect(doubled.map(\.state) == [.firing])
    #expect(doubled.first?.id == first.first?.id)
    #expect(book.update([condition(count: 39)], now: noon).isEmpty)
    #expect(book.update([condition(severity: .critical, count: 39)], now: noon).count == 1)
    #expect(book.update([condition(severity: .warning, count: 39)], now: noon).isEmpty)
  }

  @Test func `it ends once, after it has settled`() {
    var book = AlertBook(settle: 900)
    let id = book.update([condition()], now: noon).first?.id
    #expect(book.update([], now: noon.advanced(bySeconds: 60)).isEmpty)
    #expect(book.update([], now: noon.advanced(bySeconds: 959)).isEmpty)
    let end = book.update([], now: noon.advanced(bySeconds: 960))
    #expect(end.map(\.state) == [.resolved])
    #expect(end.first?.id == id)
    #expect(book.update([], now: noon.advanced(bySeconds: 2000)).isEmpty)
    #expect(book.open.isEmpty)
  }

  @Test func `what comes back before it has settled stays one alert`() {
    var book = AlertBook(settle: 900)
    _ = book.update([condition()], now: noon)
    for round in 1...10 {
      let now = noon.advanced(bySeconds: Double(round) * 600)
      #expect(book.update(round.isMultiple(of: 2) ? [condition()] : [], now: now).isEmpty)
    }
  }

  @Test func `the data's own end counts, and says how it ended`() {
    var book = AlertBook(settle: 900)
    _ = book.update([condition()], now: noon)
    let over = condition(
      standing: .over(.endedInBounces, since: noon.advanced(bySeconds: 100))
    )
    let end = book.update([over], now: noon.advanced(bySeconds: 1100))
    #expect(end.map(\.state) == [.endedInBounces])
  }

  @Test func `an end that was never fired is not told`() {
    var book = AlertBook(settle: 0)
    #expect(book.update([condition(standing: .over(.resolved, since: noon))], now: noon).isEmpty)
  }

  /// Whatever happens, each alert alternates: fired, then ended, and nothing ends unfired.
  @Test(arguments: 0..<50)
  func `each firing ends at most once and each end was fired`(_ seed: UInt64) {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    func random(_ bound: UInt64) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % bound)
    }
    var book = AlertBook(settle: Double(random(1200)))
    var live: Set<String> = []
    var now = noon
    for _ in 0..<300 {
      now = now.advanced(bySeconds: Double(random(900)))
      let present = (0..<4).filter { _ in random(3) > 0 }
      let conditions = present.map { condition("k\($0)", count: random(100)) }
      for alert in book.update(conditions, now: now) {
        switch alert.state {
        case .firing: live.insert(alert.condition.key)
        case .resolved, .endedInBounces: #expect(live.remove(alert.condition.key) != nil)
        }
      }
      #expect(Set(book.open.keys) == live)
    }
  }
}
