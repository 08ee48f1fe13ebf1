import Foundation
import MailModel
import Testing

@testable import MailServers

/// Worked examples of the rule, as a model of qmgr(8) and running daemons give them.
struct PostfixScheduleTests {
  private struct Example: Decodable {
    var attempts: [Double]
    var warning: Double?
    var expiry: Double
  }

  private struct Settings: Sendable {
    var name: String
    var main: String
    var phase: Double
    var sender = "a@a.example"
  }

  private static let base = Timestamp(seconds: 1_772_442_800)
  private static let live = """
    queue_run_delay = 5s
    minimal_backoff_time = 4s
    maximal_backoff_time = 12s
    maximal_queue_lifetime = 60s
    bounce_queue_lifetime = 30s

    """

  @Test(arguments: [
    ("postfix_default_phase0", "queue_run_delay = 300s", 0.0, "a@a.example"),
    (
      "postfix_default_phase120", "delay_warning_time = 4h\nqueue_run_delay = 300s", 120,
      "a@a.example"
    ),
    ("postfix_live_null", live, 2, ""),
    ("postfix_live_alice", live + "delay_warning_time = 20s", 2, "a@a.example"),
    ("postfix_live_bob", live + "delay_warning_time = 20s", 4, "a@a.example"),
  ])
  func `attempts, delay warning and NDR come when the example says`(
    _ name: String,
    _ main: String,
    _ phase: Double,
    _ sender: String
  ) throws {
    let path = try #require(Bundle.module.path(forResource: "Fixtures/schedules", ofType: "json"))
    let examples = try JSONDecoder().decode(
      [String: Example].self,
      from: try Data(contentsOf: URL(fileURLWithPath: path))
    )
    let example = try #require(examples[name])
    let base = PostfixScheduleTests.base
    let schedule = PostfixSchedule(
      configuration: PostfixConfiguration([
        ConfigurationFile(path: "main.cf", bytes: Array(main.utf8))
      ]),
      observed: RetryObservations(queueRuns: [base.advanced(bySeconds: phase)])
    )
    let first = base.advanced(bySeconds: try #require(example.attempts.first))
    let message = QueuedMessage(
      queueID: "1E24040003",
      state: .deferred,
      sender: sender,
      arrivedAt: base,
      lastAttemptAt: first,
      recipients: [QueuedRecipient(address: "b@b.example")]
    )
    let queue = QueueSnapshot(
      server: MailServerID("postfix"),
      path: "/q",
      takenAt: first,
      messages: [message]
    )
    let forecast = try #require(schedule.scheduled(queue, now: first).first)
    #expect(
      forecast.attempts.map { $0.seconds(since: base) } == Array(example.attempts.dropFirst())
    )
    #expect(forecast.warningAt.map { $0.seconds(since: base) } == example.warning)
    #expect(forecast.expiresAt.map { $0.seconds(since: base) } == example.expiry)
  }

  @Test func `held mail is never tried and never expires by itself`() throws {
    let base = PostfixScheduleTests.base
    let schedule = PostfixSchedule(configuration: nil, observed: RetryObservations())
    let message = QueuedMessage(
      queueID: "1E24040003",
      state: .held,
      sender: "a@a.example",
      arrivedAt: base,
      recipients: [QueuedRecipient(address: "b@b.example")]
    )
    let queue = QueueSnapshot(
      server: MailServerID("postfix"),
      path: "/q",
      takenAt: base,
      messages: [message]
    )
    let forecast = try #require(schedule.scheduled(queue, now: base).first)
    #expect(forecast.nextAttempt == nil)
    #expect(forecast.expiresAt == nil)
    #expect(forecast.basis == .serverDefault)
  }

  @Test func `what an operator forces to expire is returned at its next attempt`() throws {
    let base = PostfixScheduleTests.base
    let schedule = PostfixSchedule(
      configuration: nil,
      observed: RetryObservations(queueRuns: [base])
    )
    let message = QueuedMessage(
      queueID: "1E24040003",
      state: .deferred,
      sender: "a@a.example",
      arrivedAt: base,
      lastAttemptAt: base,
      recipients: [QueuedRecipient(address: "b@b.example")],
      isForcedToExpire: true
    )
    let queue = QueueSnapshot(
      server: MailServerID("postfix"),
      path: "/q",
      takenAt: base,
      messages: [message]
    )
    let forecast = try #require(schedule.scheduled(queue, now: base).first)
    #expect(forecast.expiresAt == forecast.nextAttempt)
  }

  @Test func `a run that takes up mail for many seconds is one run`() {
    let runs = (0..<12).flatMap { run in
      (0...8).map { PostfixScheduleTests.base.advanced(bySeconds: Double(run) * 300 + Double($0)) }
    }
    let schedule = PostfixSchedule(
      configuration: nil,
      observed: RetryObservations(queueRuns: runs)
    )
    #expect(schedule.timers.queueRunDelay == 300)
  }

  @Test func `the grid of queue runs survives a run that somebody forced`() {
    let base = PostfixScheduleTests.base
    let runs = (0..<10).map { base.advanced(bySeconds: Double($0) * 300) }
    let forced = base.advanced(bySeconds: 2_771)
    let schedule = PostfixSchedule(
      configuration: nil,
      observed: RetryObservations(queueRuns: runs + [forced])
    )
    let next = schedule.run(for: base.advanced(bySeconds: 2_800))
    #expect(next == base.advanced(bySeconds: 3000))
  }
}
