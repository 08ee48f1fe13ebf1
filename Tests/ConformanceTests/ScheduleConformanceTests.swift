import MailModel
import MailServers
import Testing

/// What every mail server's schedule must keep to, written once.
struct ScheduleConformanceTests {
  private static let now = Timestamp(seconds: 1_772_442_845)

  private func moments(every seconds: Double, _ count: Int) -> [Timestamp] {
    (1...count).reversed().map {
      ScheduleConformanceTests.now.advanced(bySeconds: -Double($0) * seconds)
    }
  }

  /// A log that shows all there is to be seen, each thing by numbers that no default has.
  private var everything: RetryObservations {
    let runs = moments(every: 420, 40)
    let turn = RetryObservations.QueueRun.Turn(
      queueID: "1wIOzd-000000000EC-15lS",
      at: runs[39].advanced(bySeconds: 3),
      triedDomains: ["b.example"],
      wasWarned: false
    )
    func ages(_ age: Double) -> [RetryObservations.AgeBracket] {
      [0, 30, 60, 90].map { more in
        RetryObservations.AgeBracket(
          previousAge: age - 900 + more,
          age: age + more,
          isNullSender: false
        )
      }
    }
    return RetryObservations(
      queueRuns: runs,
      passes: [RetryObservations.QueueRun(startedAt: runs[39], turns: [turn])],
      starts: moments(every: 16_811, 2),
      expiries: ages(172_800),
      firstExpiries: ages(259_200),
      delayWarnings: ages(7_200),
      statedLifetimes: [345_600, 345_600, 345_600],
      statedWarnings: [10_800, 10_800, 10_800],
      statedQueueIntervals: [840],
      gaps: [(100, 840), (200, 840), (20_000, 7_560), (28_000, 7_560), (36_000, 7_560)]
    )
  }

  private func only(
    _ kinds: Set<RetryObservations.Kind>,
    of all: RetryObservations
  ) -> RetryObservations {
    var some = all
    for kind in RetryObservations.Kind.allCases where !kinds.contains(kind) {
      switch kind {
      case .queueRuns: some.queueRuns = []
      case .passes: some.passes = []
      case .starts: some.starts = []
      case .expiries: some.expiries = []
      case .firstExpiries: some.firstExpiries = []
      case .delayWarnings: some.delayWarnings = []
      case .stated:
        some.statedLifetimes = []
        some.statedWarnings = []
        some.statedQueueIntervals = []
      case .gaps: some.gaps = []
      }
    }
    return some
  }

  private func queue(_ server: MailServerID) -> QueueSnapshot {
    var queue = QueueSnapshot(
      server: server,
      path: "/queue",
      takenAt: ScheduleConformanceTests.now
    )
    queue.messages = [1_000.0, 5_000, 80_000].enumerated().map { number, age in
      QueuedMessage(
        queueID: "1wIOzd-000000000EC-\(15 + number)lS",
        state: .deferred,
        sender: "ann@a.example",
        arrivedAt: ScheduleConformanceTests.now.advanced(bySeconds: -age),
        lastAttemptAt: ScheduleConformanceTests.now.advanced(bySeconds: -500),
        recipients: [QueuedRecipient(address: "u\(number)@b.example")]
      )
    }
    return queue
  }

  @Test(arguments: registeredMailServers.map(\.id.description))
  func `a schedule follows nothing that its server does not ask for`(_ id: String) throws {
    let server = try #require(registeredMailServers.first { $0.id.description == id })
    let asked = only(server.observations, of: everything)
    let schedules = [everything, asked].map { server.schedule(configuration: nil, observed: $0) }
    #expect(schedules[0].summary == schedules[1].summary)
    #expect(schedules[0].basis == schedules[1].basis)
    let moments = schedules.map {
      $0.scheduled(queue(server.id), now: ScheduleConformanceTests.now)
    }
    #expect(moments[0].count == 3)
    #expect(moments[0] == moments[1])
  }

  @Test(arguments: registeredMailServers.map(\.id.description))
  func `what a server asks of the log is worth asking`(_ id: String) throws {
    let server = try #require(registeredMailServers.first { $0.id.description == id })
    func told(_ observed: RetryObservations) -> (String, [ScheduledMessage]) {
      let schedule = server.schedule(configuration: nil, observed: observed)
      return (
        schedule.summary,
        schedule.scheduled(queue(server.id), now: ScheduleConformanceTests.now)
      )
    }
    let whole = told(everything)
    let nothing = told(RetryObservations())
    for kind in server.observations {
      // One may stand in for another: a start for the queue runs.
      let alone = told(only([kind], of: everything))
      let without = told(only(server.observations.subtracting([kind]), of: everything))
      #expect(alone != nothing || without != whole, "\(kind) changes nothing")
    }
  }
}
