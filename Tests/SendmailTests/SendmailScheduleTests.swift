import MailModel
import Testing

@testable import MailServers

/// What the log and the configuration say of queue runs and limits, worked out by hand.
struct SendmailScheduleTests {
  private static let start = Timestamp(seconds: 1_772_442_000)

  private func at(_ seconds: Double) -> Timestamp {
    SendmailScheduleTests.start.advanced(bySeconds: seconds)
  }

  private func configuration(_ text: String) -> SendmailConfiguration {
    SendmailConfiguration([ConfigurationFile(path: "file", bytes: Array("\n\(text)\n".utf8))])
  }

  private func scheduled(
    _ configuration: SendmailConfiguration?,
    _ observed: RetryObservations,
    urgency: String = "normal",
    lastAttempt: Double? = 0,
    now: Double = 100
  ) -> (basis: ScheduleBasis, message: ScheduledMessage?) {
    let schedule = SendmailSchedule(configuration: configuration, observed: observed)
    let message = QueuedMessage(
      queueID: "6229E5kR004711",
      state: .deferred,
      sender: "a@a.example",
      arrivedAt: at(0),
      lastAttemptAt: lastAttempt.map { at($0) },
      recipients: [QueuedRecipient(address: "b@b.example")],
      urgency: urgency
    )
    let queue = QueueSnapshot(
      server: MailServerID("sendmail"),
      path: "/q",
      takenAt: at(now),
      messages: [message]
    )
    return (schedule.basis, schedule.scheduled(queue, now: at(now)).first)
  }

  /// The daemon started at -30 s and says `SMTP+queueing@00:01:00`: runs at -30, 30, 90, 150 …
  private var stated: RetryObservations {
    RetryObservations(starts: [at(-30)], statedQueueIntervals: [60])
  }

  @Test func `the daemon's own words give interval and phase of the runs`() {
    let cf = configuration("O Timeout.queuereturn=8m\nO Timeout.queuewarn=2m")
    let (basis, message) = scheduled(cf, stated)
    #expect(basis == .configuration)
    #expect(message?.nextAttempt == at(150))
    #expect(message?.warningAt == at(150))
    #expect(message?.expiresAt == at(510))
  }

  @Test(arguments: [("urgent", 270.0), ("normal", 510), ("non-urgent", 990), ("dsn", 330)])
  func `each class of mail has its limit`(_ urgency: String, _ expiry: Double) {
    let cf = configuration(
      "O Timeout.queuereturn=8m\nO Timeout.queuereturn.urgent=4m\n"
        + "O Timeout.queuereturn.non-urgent=16m\nO Timeout.queuereturn.dsn=5m"
    )
    #expect(scheduled(cf, stated, urgency: urgency).message?.expiresAt == at(expiry))
  }

  @Test func `a young message waits for its age, one that was never tried does not`() {
    let cf = configuration("O Timeout.queuereturn=1h\nO MinQueueAge=5m")
    #expect(scheduled(cf, stated, lastAttempt: 0).message?.nextAttempt == at(330))
    #expect(scheduled(cf, stated, lastAttempt: nil).message?.nextAttempt == at(150))
  }

  @Test func `without a configuration the words in the log count, else the defaults`() {
    let words = RetryObservations(
      starts: [at(-30)],
      // One of them was of another class of mail.
      statedLifetimes: [480, 480, 960],
      statedWarnings: [120],
      statedQueueIntervals: [60]
    )
    let told = scheduled(nil, words)
    #expect(told.basis == .observed)
    #expect(told.message?.expiresAt == at(510))
    let nothing = scheduled(nil, RetryObservations())
    #expect(nothing.basis == .serverDefault)
    // Five days, at the first run behind them; a run each ten minutes, counted from now.
    #expect(nothing.message?.expiresAt == at(100 + 600 * 720))
  }

  @Test func `an access map alone says nothing of limits`() {
    let access = configuration("TLS_Srv:mx.b.example VERIFY")
    #expect(scheduled(access, RetryObservations()).basis == .serverDefault)
  }

  private static let groups = """
    O QueueDirectory=/var/spool/mqueue
    O Timeout.queuereturn=1h
    Qmqueue, P=/var/spool/mqueue, F=f
    Qslow, P=/var/spool/mqueue/slow*, F=f, I=30m, R=1
    Qfast, P=/var/spool/mqueue/fast, I=10s
    Qslower, P=slower/far, I=45m
    """

  @Test(
    arguments: [
      ("/var/spool/mqueue", nil), ("/var/spool/mqueue/qf", nil), ("/var/spool/mqueue/slow1", 1800),
      ("/copy/of/mqueue/slow1/qf", 1800), ("/copy/fast", 10), ("/copy/faster", nil),
      ("/var/spool/mqueue/slower/far", 2700), ("/var/spool/mqueue/far", nil),
    ] as [(String, Double?)]
  )
  func `a directory of the queue is run as its group says`(_ directory: String, _ seconds: Double?)
  {
    let cf = configuration(SendmailScheduleTests.groups)
    #expect(cf.queueGroups.map(\.name) == ["mqueue", "slow", "fast", "slower"])
    #expect(cf.queueInterval(directory: directory) == seconds)
  }

  @Test func `mail of a queue group waits for the group's own runs`() {
    let cf = configuration(SendmailScheduleTests.groups)
    let schedule = SendmailSchedule(configuration: cf, observed: stated)
    func message(_ id: String, in directory: String?) -> QueuedMessage {
      var one = QueuedMessage(
        queueID: id,
        state: .deferred,
        sender: "a@a.example",
        arrivedAt: at(0),
        recipients: [QueuedRecipient(address: "b@b.example")]
      )
      one.directory = directory
      return one
    }
    let queue = QueueSnapshot(
      server: MailServerID("sendmail"),
      path: "/q",
      takenAt: at(100),
      messages: [
        message("6229E5kR004711", in: "/q"), message("6229E5kR004712", in: "/q/slow2"),
        message("6229E5kR004713", in: nil),
      ]
    )
    let told = schedule.scheduled(queue, now: at(100))
    // The daemon started at -30: a run each minute, and each half hour.
    #expect(told.map(\.nextAttempt) == [at(150), at(1770), at(150)])
    #expect(told.map(\.expiresAt) == [at(3630), at(5370), at(3630)])
    #expect(schedule.summary.contains("queue slow every 30 min"))
  }

  @Test(arguments: [
    "Q", "Q,", "Q=x", "Qa, P", "Q, P=/x", "Qa, I=99999999999999999999d", "Qa, P=", "Qa, I=0",
  ])
  func `a broken queue group is no crash, and no interval`(_ line: String) {
    let cf = configuration("O QueueDirectory=/q\n" + line)
    #expect(cf.queueInterval(directory: "/q/a") == nil)
    #expect(cf.queueInterval(directory: "") == nil)
  }

  @Test(arguments: [
    ("QUEUE_INTERVAL=\"10m\"   # as Debian has it", 600.0), ("DAEMON=yes\nQUEUE=1h", 3600),
  ])
  func `start scripts' settings say how often the queue is run`(_ text: String, _ seconds: Double) {
    #expect(configuration(text).queueInterval == seconds)
    #expect(Sendmail().isConfiguration(ConfigurationFile(path: "f", bytes: Array(text.utf8))))
  }
}
