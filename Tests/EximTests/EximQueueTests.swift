import Foundation
import MailModel
import Testing

@testable import MailServers

/// Exim's spool, its listing and its retry database.
struct EximQueueTests {
  private static let now = Timestamp(seconds: 1_795_436_500)

  private func fixture(_ name: String) throws -> [UInt8] {
    let path = try #require(Bundle.module.resourcePath) + "/Fixtures/" + name
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func unpacked() throws -> String {
    let path = NSTemporaryDirectory() + "exim-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let tar = Process()
    tar.executableURL = URL(fileURLWithPath: "/bin/tar")
    tar.arguments = [
      "xzf", try #require(Bundle.module.resourcePath) + "/Fixtures/spool.tar.gz", "-C", path,
      "--no-same-owner",
    ]
    try tar.run()
    tar.waitUntilExit()
    try #require(tar.terminationStatus == 0)
    return path
  }

  @Test func `the spool files tell what exim -bp tells`() throws {
    let place = try unpacked()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let read = Exim().readQueue(directory: place + "/exim4", now: EximQueueTests.now)
    let bytes = try fixture("exim-bp.txt")
    let isListing = Exim().isQueueListing(head: bytes.span)
    #expect(isListing)
    let listed = Exim().readQueueListing(bytes, path: "bp", now: EximQueueTests.now)
    #expect(listed.troubles.isEmpty)
    #expect(listed.messages.count > 40)
    let native = Dictionary(uniqueKeysWithValues: read.messages.map { ($0.queueID, $0) })
    for message in listed.messages {
      guard let own = native[message.queueID] else {
        Issue.record("\(message.queueID) was not read")
        continue
      }
      #expect(own.sender == message.sender)
      #expect(own.state == message.state)
      #expect(abs(own.arrivedAt.seconds(since: message.arrivedAt)) < 2)
      #expect(
        Set(own.recipients.filter { !$0.isDone }.map(\.address))
          == Set(message.recipients.filter { !$0.isDone }.map(\.address))
      )
    }
  }

  @Test func `the message log tells why a recipient waits`() throws {
    let place = try unpacked()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let id = "1xVT9Z-0000Zz-3C"
    let root = place + "/exim4"
    let names = try FileManager.default.contentsOfDirectory(atPath: root + "/input")
      .filter { $0.hasSuffix("-H") }
    let whole = try String(
      contentsOfFile: root + "/input/" + #require(names.first),
      encoding: .utf8
    )
    let lines = whole.split(separator: "\n", omittingEmptySubsequences: false)
    let header =
      ([id + "-H"] + lines[1...3].map(String.init) + ["XX", "2", "a@b.example", "c@d.example", ""])
      .joined(separator: "\n")
    try Data(header.utf8).write(to: URL(fileURLWithPath: root + "/input/\(id)-H"))
    let log = """
      2026-11-23 12:18:36 Received from t@e.example H=(app3.e.example) [127.0.0.1] P=esmtp S=2376
      2026-11-23 12:18:37 a@b.example R=dnslookup T=remote_smtp defer (-37) H=mx.b.example [192.0.2.1]: \
      TLS session: (certificate verification failed): certificate invalid
      2026-11-23 12:19:37 a@b.example R=dnslookup T=remote_smtp defer (-54): retry time not reached for any host
      2026-11-23 12:19:40 +0000 c@d.example R=dnslookup defer (-1): host lookup did not complete

      """
    try Data(log.utf8).write(to: URL(fileURLWithPath: root + "/msglog/\(id)"))
    let read = Exim().readQueue(directory: root, now: EximQueueTests.now)
    let message = try #require(read.messages.first { $0.queueID == id })
    #expect(message.recipients.map(\.address) == ["a@b.example", "c@d.example"])
    let reasons = message.recipients.map { $0.reason ?? "" }
    #expect(reasons[0].contains("certificate verification failed"))
    #expect(reasons[1].contains("host lookup did not complete"))
  }

  @Test func `a dump of the retry database gives its records`() throws {
    let bytes = try fixture("dumpdb-retry.txt")
    let isListing = Exim().isQueueListing(head: bytes.span)
    #expect(isListing)
    let read = Exim().readQueueListing(bytes, path: "retry", now: EximQueueTests.now)
    #expect(!read.listsMessages)
    #expect(read.retryRecords.count > 20)
    #expect(Set(read.retryRecords.map(\.subject)).isSuperset(of: [.host]))
    #expect(read.retryRecords.allSatisfy { $0.nextAttempt >= $0.lastAttempt })
  }

  @Test func `the retry database itself tells what exim_dumpdb tells`() throws {
    let bytes = try fixture("retry.db")
    let file = try #require(EximHintsFile(bytes))
    #expect(file.trouble == nil)
    func lines(_ records: [RetryRecord]) -> [String] {
      records.map {
        "\($0.key) \($0.subject) \($0.firstFailed) \($0.lastAttempt) \($0.nextAttempt) \($0.isExpired)"
      }.sorted()
    }
    let dumped = Exim().readQueueListing(
      try fixture("retry.db.txt"),
      path: "retry",
      now: EximQueueTests.now
    )
    #expect(dumped.retryRecords.count > 20)
    #expect(lines(file.retryRecords) == lines(dumped.retryRecords))
  }

  @Test func `a torn retry database costs the torn page alone`() throws {
    var bytes = try fixture("retry.db")
    let whole = try #require(EximHintsFile(bytes)).items.count
    for at in 4096 + 26..<4096 + 60 { bytes[at] = 0xff }
    let torn = try #require(EximHintsFile(bytes))
    #expect(torn.trouble != nil)
    #expect(torn.items.count < whole)
    #expect(torn.items.count > 0)
    #expect(EximHintsFile(Array("SQLite format 3".utf8) + Array(repeating: 0, count: 600)) == nil)
    var chance = SplitMix(seed: 1)
    for _ in 0..<300 {
      var damaged = try fixture("retry.db")
      for _ in 0..<20 {
        damaged[Int.random(in: 24..<damaged.count, using: &chance)] = .random(in: 0...255)
      }
      damaged.removeLast(chance.below(5000))
      _ = EximHintsFile(damaged)?.retryRecords
    }
  }

  @Test(arguments: [
    ("SQLite", Array("SQLite format 3\u{0}".utf8)), ("tdb", Array("TDB file\n".utf8)),
    ("gdbm", [0xce, 0x9a, 0x57, 0x13]), ("gdbm", [0x13, 0x57, 0x9a, 0xcf]),
    ("Berkeley DB btree", Array(repeating: 0, count: 12) + [0x62, 0x31, 0x05, 0x00]),
  ])
  func `a retry database of another kind is named, with what to give instead`(
    _ kind: String,
    _ head: [UInt8]
  ) throws {
    let place = NSTemporaryDirectory() + "exim-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: place) }
    try FileManager.default.createDirectory(
      atPath: place + "/db",
      withIntermediateDirectories: true
    )
    let bytes = head + Array(repeating: UInt8(0), count: 4096)
    try Data(bytes).write(to: URL(fileURLWithPath: place + "/db/retry"))
    let read = Exim().readQueue(directory: place, now: EximQueueTests.now)
    #expect(read.retryRecords.isEmpty)
    #expect(
      read.troubles.map(\.reason) == [
        "the retry database is of kind \(kind), which is not read: give the output of "
          + "`exim_dumpdb \(place) retry`"
      ]
    )
  }

  @Test func `the two files of ndbm are one retry database that is not read`() throws {
    let place = NSTemporaryDirectory() + "exim-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: place) }
    try FileManager.default.createDirectory(
      atPath: place + "/db",
      withIntermediateDirectories: true
    )
    for (name, count) in [("retry.dir", 0), ("retry.pag", 1024)] {
      try Data(count: count).write(to: URL(fileURLWithPath: place + "/db/" + name))
    }
    let read = Exim().readQueue(directory: place, now: EximQueueTests.now)
    #expect(read.troubles.count == 1)
    #expect(read.troubles.first?.path == place + "/db/retry.pag")
    #expect(read.troubles.first?.reason.contains("of kind ndbm") == true)
    #expect(read.troubles.first?.reason.contains("exim_dumpdb \(place) retry") == true)
  }

  @Test(arguments: [
    ("25m  2.9K 0t5C6f-0000c8-00 <alice@wonderland.fict.example>", "0t5C6f-0000c8-00", 2969),
    (" 3h   663 1xVT0G-0000D3-2s <>", "1xVT0G-0000D3-2s", 663),
    (" 2d   12M 1vwzLp-000000005mQ-0W7E <a@b.example>", "1vwzLp-000000005mQ-0W7E", 12_582_912),
  ])
  func `a line of exim -bp`(_ line: String, _ id: String, _ size: Int) {
    let bytes = Array("\(line)\n          red.king@c.example\n        D done@c.example\n\n".utf8)
    let read = Exim().readQueueListing(bytes, path: "bp", now: EximQueueTests.now)
    #expect(read.messages.map(\.queueID) == [id])
    #expect(read.messages.first?.size == size)
    #expect(read.messages.first?.recipients.map(\.isDone) == [false, true])
    #expect(read.messages.first?.recipients.first?.address == "red.king@c.example")
  }

  @Test(arguments: [
    ("bob@b.example", "bob@b.example", true),
    ("\"a b\"@b.example", "\"a b\"@b.example", true),
    ("bob@b.example  0,8  0,-1#3", "bob@b.example", false),
    ("bob@b.example  0,24  0,-1#3", "bob@b.example", true),
    ("bob@b.example  0,2  0,-1#3", "bob@b.example", false),
    ("bob@b.example rfc822;bob@b.example 20,0 own er@a.example 16,-1#3", "bob@b.example", true),
    ("\"a b\"@b.example owner@a.example 15,4#1", "\"a b\"@b.example", true),
    ("bob@b.example 9999,1#1", "bob@b.example 9999,1#1", true),
    ("#3", "#3", true), ("", "", true),
  ])
  func `a recipient's line is read from its end`(
    _ line: String,
    _ address: String,
    _ wantsDelayNotice: Bool
  ) {
    let read = EximRecipientLine(line[...])
    #expect(read.address == address)
    #expect(read.wantsDelayNotice == wantsDelayNotice)
  }

  @Test(arguments: [
    ("024  Precedence: bulk", false), ("031  List-Id: <l.example>", false),
    ("039  Subject: Re: precedence: bulk, again", true), ("030  X-List-Id: <l.example>", true),
  ])
  func `a list's mail gets no delay warning, mail about lists does`(
    _ header: String,
    _ wantsWarning: Bool
  ) throws {
    let file = """
      1xVT0L-0000EY-2R-H
      Debian-exim 101 101
      <a@sender.example>
      1772442000 0
      XX
      1
      b@receiver.example

      \(header)

      """
    let message = EximSpoolFile(Array(file.utf8), journal: []).message(id: "1xVT0L-0000EY-2R")
    #expect(try #require(message).wantsDelayWarning == wantsWarning)
  }

  @Test func `any bytes in a spool neither trap nor stall`() throws {
    let place = try unpacked()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let input = place + "/exim4/input"
    let names = try FileManager.default.subpathsOfDirectory(atPath: input)
      .filter { $0.hasSuffix("-H") }
    let name = try #require(names.first)
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: input + "/" + name)))
    for round in 0..<200 {
      var damaged = whole
      for _ in 0..<(round % 9 + 1) {
        damaged[Int.random(in: 0..<damaged.count)] = .random(in: 0...255)
      }
      if round.isMultiple(of: 4) { damaged.removeLast(Int.random(in: 0..<damaged.count)) }
      try Data(damaged).write(to: URL(fileURLWithPath: input + "/" + name))
      _ = Exim().readQueue(directory: place + "/exim4", now: EximQueueTests.now)
    }
  }
}
