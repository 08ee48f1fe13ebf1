import Forecast
import MailModel
import Testing

/// Until when a destination's mail can be saved.
struct DestinationForecastTests {
  private static let now = Timestamp(seconds: 1_772_442_845)

  /// A message with attempts and an NDR at these hours from now.
  private func message(
    _ id: String,
    attempts: [Double],
    expires: Double?,
    basis: ScheduleBasis = .configuration
  ) -> ScheduledMessage {
    func moment(_ hours: Double) -> Timestamp {
      DestinationForecastTests.now.advanced(bySeconds: hours * 3600)
    }
    return ScheduledMessage(
      queueID: id,
      domain: "b.example",
      attempts: attempts.map(moment),
      warningAt: nil,
      expiresAt: expires.map(moment),
      basis: basis
    )
  }

  private func hours(_ moment: Timestamp?) -> Double? {
    moment.map { $0.seconds(since: DestinationForecastTests.now) / 3600 }
  }

  @Test func `fix by is the last attempt of the first message that would be returned`() {
    let forecast = DestinationForecast(
      domain: "b.example",
      [
        message("A", attempts: [1, 5, 9], expires: 9),
        message("B", attempts: [2, 30], expires: 30),
        message("C", attempts: [3, 40, 70], expires: 70.5),
      ],
      now: DestinationForecastTests.now
    )
    #expect(hours(forecast.fixBy) == 9)
    #expect(hours(forecast.firstExpiry) == 9)
    #expect(hours(forecast.lastExpiry) == 70.5)
    #expect(hours(forecast.tooLateAt) == 70)
    #expect(forecast.expiring24h == 1)
    #expect(forecast.queued == 3)
    #expect(forecast.savedIfFixed == 3)
  }

  @Test func `a server that returns mail without a last try sets the deadline at the try before`() {
    let forecast = DestinationForecast(
      domain: "b.example",
      [message("A", attempts: [1, 5, 9], expires: 12)],
      now: DestinationForecastTests.now
    )
    #expect(hours(forecast.fixBy) == 9)
    #expect(hours(forecast.firstExpiry) == 12)
  }

  @Test func `mail that never expires by itself sets no deadline and is not saved by one`() {
    let held = message("H", attempts: [], expires: nil)
    let alone = DestinationForecast(
      domain: "b.example",
      [held],
      now: DestinationForecastTests.now
    )
    #expect(alone.fixBy == nil && alone.firstExpiry == nil && alone.tooLateAt == nil)
    #expect(alone.queued == 1 && alone.savedIfFixed == 0)
    let mixed = DestinationForecast(
      domain: "b.example",
      [held, message("A", attempts: [4], expires: 4)],
      now: DestinationForecastTests.now
    )
    #expect(hours(mixed.fixBy) == 4)
    #expect(mixed.queued == 2 && mixed.savedIfFixed == 1)
  }

  @Test func `a message with no attempt left can only be saved before it is returned`() {
    let forecast = DestinationForecast(
      domain: "b.example",
      [message("A", attempts: [], expires: 2)],
      now: DestinationForecastTests.now
    )
    #expect(hours(forecast.fixBy) == 2)
  }

  @Test func `the basis is told`() {
    let forecast = DestinationForecast(
      domain: "b.example",
      [message("A", attempts: [1], expires: 1, basis: .serverDefault)],
      now: DestinationForecastTests.now
    )
    #expect(forecast.basis == .serverDefault)
  }
}
