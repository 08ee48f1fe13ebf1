import Foundation
import GRDB
import MailModel
import Testing

@testable import Store

/// What the writer holds in memory follows what is open, never how long a log is or what it makes up.
@Suite(.timeLimit(.minutes(5)))
struct MemoryBoundTests {
  private static let base = Timestamp(seconds: 1_772_442_845)

  /// A log of one host, line by line.
  private struct Log: ~Copyable {
    let store: TriageStore
    var writer: IngestWriter
    let origin: Int64
    let source: Int64
    private var offset: Int64 = 0

    init(_ store: TriageStore, source: Int64 = 1, isDiscarding: Bool = false) throws {
      self.store = store
      self.source = source
      writer = try IngestWriter(store: store, seed: 1, isDiscarding: isDiscarding)
      origin = writer.origin(server: MailServerID("postfix"), host: "mx1")
      writer.beginSource()
    }

    /// Applies the events of a line of words: `event` is given where each of them lies.
    mutating func tell(
      _ words: [String],
      at second: Double = 0,
      _ events: (_ words: [Range<Int>]) -> [LogEvent]
    ) throws {
      var bytes: [UInt8] = []
      let ranges = words.map { word in
        let start = bytes.count
        bytes += Array(word.utf8)
        return start..<bytes.count
      }
      let line = LogLine(
        moment: base.advanced(bySeconds: second),
        pid: 1,
        tag: 0..<0,
        text: 0..<bytes.count,
        position: LinePosition(source: source, offset: offset)
      )
      offset += Int64(bytes.count)
      var said = LineEvents()
      for event in events(ranges) { said.append(event) }
      try writer.touch(source: source, origin: origin, at: line.moment.microseconds)
      try bytes.withUnsafeBufferPointer {
        try writer.apply(said, line: line, origin: origin, bytes: $0)
      }
      if writer.isFull { try writer.flush() }
    }

    mutating func arrive(_ id: String, at second: Double = 0) throws {
      try tell([id], at: second) { [.arrival(Arrival(queueID: $0[0], opensMessage: true))] }
    }

    mutating func attempt(
      _ id: String,
      to address: String,
      at second: Double = 0,
      _ outcome: DeliveryOutcome = .deferred,
      relay: String = "mx.b.example",
      reply: String = "450 greylisted"
    ) throws {
      try tell([id, address, relay, reply], at: second) {
        [
          .attempt(
            LoggedAttempt(
              queueID: $0[0],
              recipient: $0[1],
              outcome: outcome,
              relay: $0[2],
              reply: $0[3]
            )
          )
        ]
      }
    }

    mutating func end(_ id: String, at second: Double) throws {
      try tell([id], at: second) { [.ended(queueID: $0[0])] }
    }
  }

  private func count(_ store: TriageStore, _ sql: String) throws -> Int {
    try store.read { db in try Int.fetchOne(db, sql: sql) ?? 0 }
  }

  // MARK: - Recipients

  @Test func `a message's recipients are told apart up to a limit, and each attempt counts once`()
    throws
  {
    let store = try TriageStore(path: ":memory:")
    var log = try Log(store)
    let most = OpenMessage.mostRecipients
    for number in 0..<(most + 5000) {
      try log.attempt("1E24040001", to: "u\(number)@d\(number % 7).example")
    }
    for number in 0..<1000 {
      try log.attempt("1E24040001", to: "u\(number * 40)@d\(number * 40 % 7).example", at: 3)
    }
    #expect(log.writer.counts.deferred == most + 6000)
    let reached = log.writer.takeReachedLimits()
    #expect(reached == [.recipients])
    try log.writer.finish()
    #expect(try count(store, "SELECT count(*) FROM recipient") == most + 1)
    #expect(try count(store, "SELECT count(*) FROM attempt") == most + 6000)
    let domains = try store.tallies(in: Window())
    #expect(Set(domains.map(\.domain)) == Set((0..<7).map { "d\($0).example" }))
    #expect(domains.reduce(0) { $0 + $1.count } == most + 6000)
  }

  @Test func `a recipient among many is found again by a later run`() throws {
    let store = try TriageStore(path: ":memory:")
    for run in 0..<2 {
      var log = try Log(store)
      for number in 0..<100 {
        try log.attempt("1E24040001", to: "u\(number)@b.example", at: Double(run) * 10)
      }
      try log.writer.finish()
    }
    #expect(try count(store, "SELECT count(*) FROM recipient") == 100)
    #expect(try count(store, "SELECT count(*) FROM attempt") == 200)
  }

  @Test func `an address that is no UTF-8 is the same one in a later run`() throws {
    let store = try TriageStore(path: ":memory:")
    let bytes = Array("1E24040001".utf8) + [0x75, 0xff, 0xc3, 0x40, 0x62]
    for _ in 0..<2 {
      var writer = try IngestWriter(store: store, seed: 1)
      let origin = writer.origin(server: MailServerID("postfix"), host: "mx1")
      var events = LineEvents()
      events.append(
        .attempt(
          LoggedAttempt(
            queueID: 0..<10,
            recipient: 10..<15,
            outcome: .deferred,
            relay: 10..<13,
            reply: 10..<13
          )
        )
      )
      let line = LogLine(
        moment: MemoryBoundTests.base,
        pid: 1,
        tag: 0..<0,
        text: 0..<15,
        position: LinePosition(source: 1, offset: 0)
      )
      try bytes.withUnsafeBufferPointer {
        try writer.apply(events, line: line, origin: origin, bytes: $0)
      }
      try writer.finish()
    }
    #expect(try count(store, "SELECT count(*) FROM recipient") == 1)
    #expect(try count(store, "SELECT count(*) FROM relay") == 1)
  }

  @Test func `of many recipients those that wait expire, once`() throws {
    let store = try TriageStore(path: ":memory:")
    var log = try Log(store)
    for number in 0..<40 {
      try log.attempt(
        "1E24040001",
        to: "u\(number)@b.example",
        number < 10 ? .delivered : .deferred
      )
    }
    try log.attempt("1E24040001", to: "u30@b.example", at: 2, .delivered)
    for second in [5.0, 6] {
      try log.tell(["1E24040001"], at: second) { [.expired(queueID: $0[0], forced: false)] }
    }
    try log.writer.finish()
    #expect(try count(store, "SELECT count(*) FROM expiry") == 29)
    #expect(try count(store, "SELECT count(*) FROM recipient WHERE status = 4") == 29)
  }

  // MARK: - Open messages

  @Test func `of messages that never end the oldest are left to the store, half of what is held`()
    throws
  {
    let store = try TriageStore(path: ":memory:")
    var log = try Log(store)
    let many = IngestWriter.openLimit + 1
    // All of one moment.
    for number in 0..<many { try log.arrive("1E2404\(number)") }
    try log.writer.commit(sources: [], states: [])
    let kept = log.writer.open.values.map(\.row)
    #expect(kept.count == IngestWriter.openLimit / 2)
    #expect(kept.min() == Int64(many - kept.count + 1))
    // Those that were left are the same messages when they are met again.
    try log.attempt("1E24040", to: "u@b.example", at: 1)
    try log.writer.finish()
    #expect(try count(store, "SELECT count(*) FROM message") == many)
  }

  @Test func `a message that is left to the store within a run comes back as it was left`() throws {
    try withStore { store in
      var first = try Log(store)
      try first.attempt("1E24040001", to: "u@b.example")
      try first.writer.finish()
      var log = try Log(store)
      try log.attempt("1E24040001", to: "u@b.example", at: 10)
      for number in 0...IngestWriter.openLimit { try log.arrive("2E2404\(number)", at: 11) }
      try log.writer.flush()
      #expect(!log.writer.open.values.contains { $0.row == 1 })
      try log.attempt("1E24040001", to: "u@b.example", at: 20)
      try log.writer.finish()
      #expect(try count(store, "SELECT tries FROM message_now WHERE id = 1") == 3)
      // Its own row waits for its end.
      #expect(try count(store, "SELECT tries FROM message WHERE id = 1") == 0)
      let before = try count(store, "SELECT previous_at FROM recipient WHERE message = 1")
      #expect(before == MemoryBoundTests.base.advanced(bySeconds: 10).microseconds)
    }
  }

  @Test func `a message that ends in a later run is not met again under its id`() throws {
    try withStore { store in
      var first = try Log(store)
      try first.attempt("1E24040001", to: "u@b.example")
      try first.writer.finish()
      var log = try Log(store)
      for second in [10.0, 20] {
        try log.attempt("1E24040001", to: "u@b.example", at: second, .delivered)
        try log.end("1E24040001", at: second)
        try log.writer.flush()
      }
      try log.writer.finish()
      #expect(try count(store, "SELECT count(*) FROM message WHERE ended_at IS NOT NULL") == 2)
      #expect(try count(store, "SELECT max(tries) FROM message") == 2)
      #expect(try count(store, "SELECT count(*) FROM open_message") == 0)
    }
  }

  /// A store on disk, where what is written and what is read go by ways of their own.
  private func withStore(_ body: (TriageStore) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "mailtriage-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(try TriageStore(path: directory.appending(path: "t.sqlite").path))
  }

  @Test func `open messages with much text are fewer`() throws {
    let store = try TriageStore(path: ":memory:")
    var log = try Log(store)
    let long = String(repeating: "a", count: 1200) + "@b.example"
    for number in 0..<100 {
      for other in 0..<800 { try log.attempt("1E2404\(number)", to: "\(other)\(long)") }
      #expect(log.writer.openWeight < IngestWriter.openWeightLimit + IngestWriter.takenLimit)
    }
    try log.writer.commit(sources: [], states: [])
    #expect(log.writer.openWeight <= IngestWriter.openWeightLimit)
    #expect(log.writer.openWeight == log.writer.open.values.reduce(0) { $0 + $1.weight })
    #expect(try count(store, "SELECT max(length(address)) FROM recipient") == 1000)
    #expect(
      try count(store, "SELECT count(*) FROM recipient WHERE address NOT LIKE '%@b.example'") == 0
    )
  }

  @Test func `a count that keeps nothing forgets messages that never end`() throws {
    var log = try Log(try TriageStore(path: ":memory:"), isDiscarding: true)
    for number in 0..<150_000 {
      try log.arrive("1E2404\(number)", at: Double(number))
      #expect(log.writer.counter.open.count <= IngestWriter.openLimit)
    }
    try log.end("1E2404149999", at: 150_000)
    #expect(log.writer.counts.messages == 150_000)
    #expect(log.writer.counts.ended == 1)
  }

  // MARK: - Names

  @Test func `long names are cut, and many of them share one entry`() throws {
    let store = try TriageStore(path: ":memory:")
    let limits = NameTable.Limits(names: 1000, bytes: 50_000, longest: 100)
    var names = try store.read { db in
      try NameTable(db, table: "relay", seed: 1, limits: limits)
    }
    var added = RowBuffer()
    var numbers: Set<Int64> = []
    for number in 0..<5000 {
      let name = Array("\(number)".utf8) + Array(repeating: 0x61, count: 3000)
      let id = name.withUnsafeBufferPointer { names.id($0, added: &added) }
      numbers.insert(id)
    }
    #expect(names.byteCount <= limits.bytes + 2 * limits.longest)
    #expect(numbers.count == 501)
    #expect(added.arena.count == names.byteCount)
    #expect(names.hasOverflow)
  }
}
