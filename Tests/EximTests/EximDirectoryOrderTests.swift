import Foundation
import MailModel
import Testing

@testable import MailServers

/// The order of a spool's files, from which queue runs start.
struct EximDirectoryOrderTests {
  private static let base: Int64 = 1_772_442_000

  private func spool(_ ids: [String]) throws -> String {
    let root = NSTemporaryDirectory() + "exim-order-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: root + "/input",
      withIntermediateDirectories: true
    )
    for id in ids {
      let header = """
        \(id)-H
        Debian-exim 101 101
        <a@sender.example>
        \(EximDirectoryOrderTests.base) 0
        -received_time_usec .5
        XX
        1
        b@receiver.example

        """
      try header.write(toFile: root + "/input/\(id)-H", atomically: false, encoding: .utf8)
    }
    return root
  }

  private func read(_ root: String) -> [String] {
    let snapshot = EximSpool(root: root, now: Timestamp(seconds: EximDirectoryOrderTests.base + 60))
      .read()
    return snapshot.messages.filter { $0.placeInQueue != nil }
      .sorted { $0.placeInQueue ?? 0 < $1.placeInQueue ?? 0 }.map(\.queueID)
  }

  /// A message id that says nothing of the order in which it was written.
  private func ids(_ count: Int) -> [String] {
    var chance = SplitMix(seed: 11)
    return (0..<count).map { String(format: "1xV%03d-000001-%02d", $0, $0 % 60) }
      .shuffled(using: &chance)
  }

  @Test func `a live spool is taken in the order in which its directory lists it`() throws {
    let root = try spool(ids(40))
    defer { try? FileManager.default.removeItem(atPath: root) }
    let listed = try BoundedFile.entriesAsListed(root + "/input").map { String($0.dropLast(2)) }
    #expect(read(root) == listed)
  }

  @Test func `a copy that keeps the times tells the original's order by its making`() throws {
    let ids = ids(40)
    let root = try spool(ids)
    defer { try? FileManager.default.removeItem(atPath: root) }
    for id in ids {
      // Longer than a tick of the clock that files are stamped by.
      usleep(10_000)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: Double(EximDirectoryOrderTests.base))],
        ofItemAtPath: root + "/input/\(id)-H"
      )
    }
    #expect(read(root) == ids)
  }

  @Test func `a spool that is split has no one order`() throws {
    let root = try spool([])
    defer { try? FileManager.default.removeItem(atPath: root) }
    let other = try spool(ids(3))
    try FileManager.default.moveItem(atPath: other + "/input", toPath: root + "/input/x")
    try? FileManager.default.removeItem(atPath: other)
    #expect(read(root).isEmpty)
  }

  private func pass(_ order: [String], at second: Int64) -> RetryObservations.QueueRun {
    let start = Timestamp(seconds: second)
    return RetryObservations.QueueRun(
      startedAt: start,
      turns: EximRunOrder.taken(order, startedAt: second).map {
        RetryObservations.QueueRun.Turn(queueID: $0, at: start, triedDomains: [], wasWarned: false)
      }
    )
  }

  @Test func `mail that came after the last run stands where the directory lists it`() {
    let ids = ids(30)
    let arrivals = Dictionary(
      uniqueKeysWithValues: ids.enumerated().map {
        ($1, Timestamp(seconds: EximDirectoryOrderTests.base + ($0 < 4 ? 100 : -100)))
      }
    )
    let turns = EximTurns(
      [pass(Array(ids[4...]), at: EximDirectoryOrderTests.base)],
      waiting: arrivals,
      listed: ids
    )
    #expect(turns.directory == ids)
  }

  @Test func `a listing in another order than the log shows is not believed`() {
    let ids = ids(30)
    let turns = EximTurns(
      [pass(ids, at: EximDirectoryOrderTests.base)],
      waiting: [:],
      listed: ids.sorted()
    )
    #expect(turns.directory == ids)
  }

  @Test func `a run that was due a moment ago and is not in the log begins now`() {
    let last = Timestamp(seconds: EximDirectoryOrderTests.base)
    let clock = EximRunClock((-4...0).map { last.advanced(bySeconds: Double($0) * 20) })
    func next(_ seconds: Double) -> Double {
      var runs = clock.runs(after: last.advanced(bySeconds: seconds), fraction: 0.5, chance: nil)
      return runs.next() - Double(EximDirectoryOrderTests.base)
    }
    #expect((next(19) - 20.5).magnitude < 0.001)
    #expect((next(20.8) - 20.8).magnitude < 0.001)
    #expect((next(25) - 40.5).magnitude < 0.001)
  }
}
