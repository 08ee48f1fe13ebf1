import Foundation
import MailModel
import Testing

@testable import MailServers

/// Worked examples of Exim's rule, and the configuration that it comes from.
struct EximScheduleTests {
  private struct Example: Decodable {
    var attempts: [Double]
    var warnings: [Double]
    var expiry: Double
  }

  private static let base = Timestamp(seconds: 1_772_442_000)

  private func configuration(_ text: String) -> EximConfiguration {
    EximConfiguration([ConfigurationFile(path: "exim.conf", bytes: Array(text.utf8))])
  }

  @Test(arguments: [
    ("exim_default_q30m", 1800.0, RetryRecord.Subject.host),
    ("exim_default_q30m_Rkey", 1800, .address), ("exim_default_q5m", 300, .host),
  ])
  func `attempts, first warning and NDR come when the example says`(
    _ name: String,
    _ interval: Double,
    _ subject: RetryRecord.Subject
  ) throws {
    let path = try #require(Bundle.module.resourcePath) + "/Fixtures/schedules.json"
    let examples = try JSONDecoder().decode(
      [String: Example].self,
      from: try Data(contentsOf: URL(fileURLWithPath: path))
    )
    let example = try #require(examples[name])
    let base = EximScheduleTests.base
    let schedule = EximSchedule(
      configuration: configuration(
        "begin retry\n*  *  F,2h,15m; G,16h,1h,1.5; F,4d,6h\nbegin transports\n"
      ),
      observed: RetryObservations(
        queueRuns: (-4...0).map { base.advanced(bySeconds: Double($0) * interval) }
      )
    )
    let message = QueuedMessage(
      queueID: "1xVT0L-0000EY-2R",
      state: .deferred,
      sender: "a@a.example",
      arrivedAt: base,
      recipients: [QueuedRecipient(address: "b@b.example")]
    )
    let queue = QueueSnapshot(
      server: MailServerID("exim"),
      path: "/q",
      takenAt: base,
      messages: [message],
      retryRecords: [
        RetryRecord(
          subject: subject,
          key: subject == .host ? "T:mx.b.example:192.0.2.1" : "R:b@b.example:<a@a.example>",
          firstFailed: base,
          lastAttempt: base,
          nextAttempt: base.advanced(bySeconds: 900),
          isExpired: false,
          text: "refused"
        )
      ]
    )
    let forecast = try #require(schedule.scheduled(queue, now: base).first)
    #expect(
      forecast.attempts.map { $0.seconds(since: base) } == Array(example.attempts.dropFirst())
    )
    #expect(forecast.warningAt?.seconds(since: base) == example.warnings.first)
    #expect(forecast.expiresAt?.seconds(since: base) == example.expiry)
  }

  @Test func `a young message bounces with its host's record`() throws {
    let base = EximScheduleTests.base
    let schedule = EximSchedule(
      configuration: configuration("begin retry\n*  *  F,4d,6h\n"),
      observed: RetryObservations(
        queueRuns: (-4...0).map { base.advanced(bySeconds: Double($0) * 1800) }
      )
    )
    let young = QueuedMessage(
      queueID: "1xVT0L-0000EY-2R",
      state: .deferred,
      sender: "a@a.example",
      arrivedAt: base.advanced(bySeconds: -600),
      recipients: [QueuedRecipient(address: "b@b.example")]
    )
    let queue = QueueSnapshot(
      server: MailServerID("exim"),
      path: "/q",
      takenAt: base,
      messages: [young],
      retryRecords: [
        RetryRecord(
          subject: .host,
          key: "T:mx.b.example:192.0.2.1",
          firstFailed: base.advanced(bySeconds: -4 * 86_400 + 1000),
          lastAttempt: base.advanced(bySeconds: -5 * 3600),
          nextAttempt: base.advanced(bySeconds: 3600),
          isExpired: false,
          text: "refused"
        )
      ]
    )
    let forecast = try #require(schedule.scheduled(queue, now: base).first)
    #expect(forecast.expiresAt?.seconds(since: base) == 3600)
  }

  /// A message that is frozen, of this sender, a day old and frozen an hour later; runs each half hour.
  private func frozen(_ settings: String?, sender: String = "a@a.example") -> ScheduledMessage? {
    let base = EximScheduleTests.base
    let schedule = EximSchedule(
      configuration: settings.map { configuration($0 + "\nbegin retry\n*  *  F,4d,6h\n") },
      observed: RetryObservations(
        queueRuns: (-4...0).map { base.advanced(bySeconds: Double($0) * 1800) }
      )
    )
    let message = QueuedMessage(
      queueID: "1xVT0L-0000EY-2R",
      state: .held,
      sender: sender,
      arrivedAt: base.advanced(bySeconds: -86_400),
      recipients: [QueuedRecipient(address: "b@b.example")],
      heldSince: base.advanced(bySeconds: -82_800)
    )
    let queue = QueueSnapshot(
      server: MailServerID("exim"),
      path: "/q",
      takenAt: base,
      messages: [message]
    )
    return schedule.scheduled(queue, now: base).first
  }

  private func seconds(_ moment: Timestamp?) -> Double? {
    moment.map { $0.seconds(since: EximScheduleTests.base) }
  }

  @Test(arguments: ["", "auto_thaw = 0s", "timeout_frozen_after = 0s\nauto_thaw = 0s"])
  func `a frozen message stays where nothing thaws it`(_ settings: String) {
    let one = frozen(settings)
    #expect(one?.expiresAt == nil)
    #expect(one?.attempts == [])
    #expect(frozen(nil)?.expiresAt == nil)
  }

  @Test func `a frozen message is tried again behind auto_thaw, and returned like any other`() {
    let one = frozen("auto_thaw = 1d")
    // Frozen at -82800: the first run more than a day later; the message's own four days are up at
    // 259200.
    #expect(seconds(one?.nextAttempt) == 5400)
    #expect(seconds(one?.expiresAt) == 261_000)
    #expect(one?.isReturnedUntried == false)
    // Bounces are not thawed by it.
    #expect(
      frozen("auto_thaw = 1d\nignore_bounce_errors_after = 10w", sender: "")?.nextAttempt
        .map { seconds($0) ?? 0 > 60 * 86_400 } ?? true
    )
  }

  @Test func `a frozen message is given up at its age, without an attempt`() {
    let one = frozen("timeout_frozen_after = 7d")
    #expect(seconds(one?.expiresAt) == 518_400)
    #expect(one?.attempts == [])
    #expect(one?.isReturnedUntried == true)
    #expect(one?.nextAttempt == nil)
    // Whichever comes first.
    #expect(frozen("timeout_frozen_after = 7d\nauto_thaw = 1d")?.isReturnedUntried == false)
  }

  @Test func `a frozen bounce is tried once more at its age`() {
    let one = frozen("ignore_bounce_errors_after = 2d\ntimeout_frozen_after = 7d", sender: "")
    #expect(seconds(one?.expiresAt) == 86_400)
    #expect(one?.attempts == [EximScheduleTests.base.advanced(bySeconds: 86_400)])
    #expect(one?.isReturnedUntried == false)
  }

  @Test(
    arguments: [
      ([(90, 96.2)], 96, "F,2h,15m; G,16h,1h,1.5; F,4d,6h"),
      ([(66, 72.4), (68, 73)], 72, "F,2h,15m; G,16h,1h,1.5; F,3d,6h"),
      ([(114, 120.1)], 120, "F,2h,15m; G,16h,1h,1.5; F,5d,6h"),
      ([(9, 12.3)], 12, "F,2h,15m; G,12h,1h,1.5"), ([(0.8, 1.1)], 1, "F,1h,15m"),
      // One message that was held for long does not outvote the others.
      ([(90, 96.2), (91, 96.4), (200, 230)], 96, "F,2h,15m; G,16h,1h,1.5; F,4d,6h"),
    ] as [([(Double, Double)], Double, String)]
  )
  func `without a configuration messages that were given up show the cutoff`(
    _ hours: [(Double, Double)],
    _ cutoff: Double,
    _ rules: String
  ) {
    var observed = RetryObservations()
    observed.firstExpiries = hours.map {
      RetryObservations.AgeBracket(
        previousAge: $0.0 * 3600,
        age: $0.1 * 3600,
        isNullSender: false
      )
    }
    let schedule = EximSchedule(configuration: nil, observed: observed)
    #expect(schedule.rules(for: "b.example") == EximConfiguration.rules(rules))
    #expect(schedule.basis == .observed)
    #expect(!schedule.summary.contains("assumed"))
    // A configuration says it better.
    let stated = EximSchedule(
      configuration: configuration("begin retry\n*  *  F,9h,1h\n"),
      observed: observed
    )
    #expect(stated.rules(for: "b.example").map(\.cutoff) == [9 * 3600])
    #expect(stated.basis == .configuration)
  }

  @Test func `what the log does not show is said to be assumed`() {
    let nothing = EximSchedule(configuration: nil, observed: RetryObservations())
    #expect(nothing.basis == .serverDefault)
    #expect(nothing.rules(for: "*") == EximSchedule.shippedRules)
    var warned = RetryObservations()
    warned.delayWarnings = [125, 131, 245].map {
      RetryObservations.AgeBracket(previousAge: 0, age: $0, isNullSender: false)
    }
    let some = EximSchedule(configuration: nil, observed: warned)
    #expect(some.basis == .observed)
    #expect(some.summary.hasSuffix("given up 4 d after its first failure (assumed)"))
  }

  @Test(arguments: [
    ("b.example", 1), ("x.c.example", 2), ("c.example", 3), ("d.example", 3),
  ])
  func `the first pattern that names a destination holds`(_ domain: String, _ hours: Double) {
    let read = configuration(
      """
      begin retry
      # pattern  error  rules
      b.example      *          F,1h,5m
      *.c.example    *          F,2h,5m
      d.example      rcpt_4xx   F,9h,5m
      *              *          F,3h,15m
      begin rewrite
      """
    )
    #expect(read.rules(for: domain)?.map(\.cutoff) == [hours * 3600])
  }

  @Test(arguments: [
    "begin retry\n* * F,2h,15m", "retry_interval_max = 1d\ndelay_warning = 1d",
    "*   *   F,2h,15m; F,4d,6h", "begin transports\n",
  ])
  func `a configuration is told by its content, exim -bP's output included`(_ text: String) {
    #expect(EximConfiguration.isOne(ConfigurationFile(path: "x", bytes: Array(text.utf8))))
  }

  @Test(arguments: [
    "delay_warning =", "delay_warning = :", "begin retry\n* * F", "begin retry\n* * G,,",
    "begin retry\n* * F,99999999999999999999999w,1s", "hosts_require_tls =", "begin retry\n* *",
  ])
  func `a broken line is no crash`(_ text: String) {
    let schedule = EximSchedule(configuration: configuration(text), observed: RetryObservations())
    #expect(!schedule.summary.isEmpty)
  }

  @Test(
    arguments: [
      ([125, 131, 245, 600], 120.0), ([86_410, 90_000, 172_900], 86_400), ([125, 131], 86_400),
    ] as [([Double], Double)]
  )
  func `without a configuration the youngest warnings show the warning time`(
    _ ages: [Double],
    _ expected: Double
  ) {
    var observed = RetryObservations()
    observed.delayWarnings = ages.map {
      RetryObservations.AgeBracket(previousAge: 0, age: $0, isNullSender: false)
    }
    #expect(EximSchedule(configuration: nil, observed: observed).delayWarnings == [expected])
  }
}
