import MailModel
import Testing

/// How a server's timers read.
struct RetryScheduleTests {
  private struct Schedule: RetrySchedule {
    var basis: ScheduleBasis { .serverDefault }
    var summary: String { "" }
    func scheduled(_ queue: QueueSnapshot, now: Timestamp) -> [ScheduledMessage] { [] }
  }

  @Test(arguments: [
    (432_000, "5 d"), (43_200, "12 h"), (1800, "30 min"), (600, "10 min"), (90, "90 s"),
    (30, "30 s"), (0, "0 s"), (4000, "4000 s"), (.infinity, "for ever"),
  ])
  func `a timer is said in its largest whole unit`(_ seconds: Double, _ words: String) {
    #expect(Schedule().words(seconds) == words)
  }
}
