import Foundation
import MailModel
import Testing

@testable import MailServers

/// The order in which queue runs of a real Exim 4.96 took their messages.
struct EximRunOrderTests {
  /// Two runs on a file system that goes by names, then two on one that lists the newest file first;
  /// a star marks messages about which the run sent a warning.
  private func runs() throws -> [RetryObservations.QueueRun] {
    let path = try #require(Bundle.module.resourcePath) + "/Fixtures/queue-runs.txt"
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      let start = Timestamp(seconds: try #require(Int64(words[0])))
      return RetryObservations.QueueRun(
        startedAt: start,
        turns: words.dropFirst().map { word in
          RetryObservations.QueueRun.Turn(
            queueID: String(word.prefix { $0 != "*" }),
            at: start,
            triedDomains: [],
            wasWarned: word.hasSuffix("*")
          )
        }
      )
    }
  }

  @Test func `one run's order and second foretell the next run's order`() throws {
    let runs = try runs()
    let first = runs[0].turns.map(\.queueID)
    #expect(first.count > 20)
    let directory = EximRunOrder.directory(from: first, startedAt: runs[0].startedAt.seconds)
    let next = EximRunOrder.taken(directory, startedAt: runs[1].startedAt.seconds)
    #expect(next == runs[1].turns.map(\.queueID))
    #expect(next != first)
  }

  @Test(arguments: [0, 1, 0xffff, 0x1_0000, 1_795_436_500] as [Int64], [0, 1, 2, 17, 40])
  func `the directory's order is found again`(_ second: Int64, _ count: Int) {
    let names = Array(0..<count)
    let taken = EximRunOrder.taken(names, startedAt: second)
    #expect(taken.sorted() == names)
    #expect(EximRunOrder.directory(from: taken, startedAt: second) == names)
  }

  @Test(arguments: [(0, EximTurns.Movement.stays), (2, .toFront)])
  func `where a file goes when it is written anew shows in the log`(
    _ at: Int,
    _ movement: EximTurns.Movement
  ) throws {
    let pair = Array(try runs()[at..<(at + 2)])
    let turns = EximTurns(pair, waiting: [:])
    #expect(turns.directory?.count == pair[1].turns.count)
    if pair[0].turns.contains(where: \.wasWarned) { #expect(turns.movement == movement) }
  }

  @Test func `an order that did not foretell the next run is not believed`() throws {
    var pair = Array(try runs()[0..<2])
    var chance = SplitMix(seed: 7)
    pair[1].turns.shuffle(using: &chance)
    #expect(EximTurns(pair, waiting: [:]).directory == nil)
  }

  @Test func `with runs as they came, the message that is taken first makes the attempt`() throws {
    let base = Timestamp(seconds: 1_772_442_000)
    let runs = try runs()
    let ids = runs[0].turns.map(\.queueID)
    let schedule = EximSchedule(
      configuration: nil,
      observed: {
        var observed = RetryObservations(
          queueRuns: (-4...0).map { base.advanced(bySeconds: Double($0) * 1800) }
        )
        observed.passes = [
          RetryObservations.QueueRun(
            startedAt: base,
            turns: ids.map {
              RetryObservations.QueueRun.Turn(
                queueID: $0,
                at: base,
                triedDomains: [],
                wasWarned: false
              )
            }
          )
        ]
        return observed
      }()
    )
    let queue = EximRunOrderTests.queue(ids, at: base)
    let directory = EximRunOrder.directory(from: ids, startedAt: base.seconds)
    let first = EximRunOrder.taken(directory, startedAt: base.seconds + 1800).first
    let soon = schedule.scheduled(queue, now: base.advanced(bySeconds: 60)).filter {
      ($0.nextAttempt?.seconds(since: base) ?? .infinity) < 1860
    }
    #expect(soon.map(\.queueID) == [first])
  }

  /// One host's messages, as the directory lists them; the host comes due a quarter of an hour later.
  private static func queue(_ ids: [String], at base: Timestamp) -> QueueSnapshot {
    QueueSnapshot(
      server: MailServerID("exim"),
      path: "/q",
      takenAt: base,
      messages: ids.enumerated().map { place, id in
        var message = QueuedMessage(
          queueID: id,
          state: .deferred,
          sender: "a@a.example",
          arrivedAt: base.advanced(bySeconds: -7200),
          recipients: [QueuedRecipient(address: "b@b.example")]
        )
        message.placeInQueue = place
        return message
      },
      retryRecords: [
        RetryRecord(
          subject: .host,
          key: "T:mx.b.example:192.0.2.1",
          firstFailed: base.advanced(bySeconds: -7200),
          lastAttempt: base,
          nextAttempt: base.advanced(bySeconds: 900),
          isExpired: false,
          text: "refused"
        )
      ]
    )
  }

  /// One host's messages; which of them makes the attempt when the host comes due.
  private func firstTried(
    _ settings: String?,
    passes: [RetryObservations.QueueRun] = [],
    ids: [String]
  ) -> String? {
    let base = Timestamp(seconds: 1_772_442_000)
    var observed = RetryObservations(
      queueRuns: (-4...0).map { base.advanced(bySeconds: Double($0) * 1800) }
    )
    observed.passes = passes
    let schedule = EximSchedule(
      configuration: settings.map {
        EximConfiguration([
          ConfigurationFile(path: "c", bytes: Array(($0 + "\nbegin retry\n* * F,4d,15m\n").utf8))
        ])
      },
      observed: observed
    )
    let queue = EximRunOrderTests.queue(ids, at: base)
    return schedule.scheduled(queue, now: base.advanced(bySeconds: 60)).min {
      ($0.nextAttempt?.seconds(since: base) ?? .infinity)
        < ($1.nextAttempt?.seconds(since: base) ?? .infinity)
    }?.queueID
  }

  private static let mixed = [5, 2, 9, 0, 7, 3, 8, 1, 6, 4].map { "1xYCN\($0)-0000FI-0y" }

  @Test(arguments: ["queue_run_in_order", "queue_run_in_order = true", "queue_run_in_order = yes"])
  func `runs that go in order try the oldest message of a host`(_ setting: String) {
    #expect(firstTried(setting, ids: Self.mixed) == "1xYCN0-0000FI-0y")
  }

  @Test(arguments: ["", "no_queue_run_in_order", "queue_run_in_order = false"])
  func `other runs go by the directory and the clock`(_ setting: String) {
    #expect(firstTried(setting, ids: Self.mixed) != "1xYCN0-0000FI-0y")
  }

  @Test func `runs that went in order go on so where no configuration tells`() {
    let passes = (-3...0).map { number in
      let start = Timestamp(seconds: 1_772_442_000 + 1800 * Int64(number))
      return RetryObservations.QueueRun(
        startedAt: start,
        turns: Self.mixed.sorted().map {
          RetryObservations.QueueRun.Turn(
            queueID: $0,
            at: start,
            triedDomains: [],
            wasWarned: false
          )
        }
      )
    }
    #expect(firstTried(nil, passes: passes, ids: Self.mixed) == "1xYCN0-0000FI-0y")
  }
}
