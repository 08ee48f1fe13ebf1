import GRDB
import MailModel
import Store
import Testing

/// How long the store remembers, and what.
struct RetentionTests {
  private static let base = Timestamp(seconds: 1_772_442_845)
  private static let day = 86_400.0

  /// Puts a message with one attempt into the store at each of these days.
  private func fill(_ store: TriageStore, days: [Double], ended: Bool) throws {
    var writer = try IngestWriter(store: store, seed: 1)
    let origin = writer.origin(server: MailServerID("postfix"), host: "mx1")
    for (number, day) in days.enumerated() {
      let text = "1E2404000\(number) b@b.example mx.b.example 450 greylisted"
      let bytes = Array(text.utf8)
      let line = LogLine(
        moment: RetentionTests.base.advanced(bySeconds: day * RetentionTests.day),
        pid: 1,
        tag: 0..<0,
        text: 0..<bytes.count,
        position: LinePosition(source: 1, offset: Int64(number) * 100)
      )
      var events = LineEvents()
      events.append(.arrival(Arrival(queueID: 0..<10, opensMessage: true)))
      events.append(
        .attempt(
          LoggedAttempt(
            queueID: 0..<10,
            recipient: 11..<22,
            outcome: .deferred,
            relay: 23..<35,
            reply: 36..<bytes.count,
            enhancedStatus: EnhancedStatusCode("4.7.1")
          )
        )
      )
      if ended { events.append(.ended(queueID: 0..<10)) }
      try bytes.withUnsafeBufferPointer { buffer in
        try writer.apply(events, line: line, origin: origin, bytes: buffer)
      }
    }
    try writer.commit(sources: [], states: [])
    try writer.prune()
  }

  private func messages(_ store: TriageStore) throws -> [String] {
    var ids: [String] = []
    try store.forEachMessage(in: Window()) { ids.append($0.queueID) }
    return ids
  }

  @Test func `messages that never end are dropped too, thirty days after they were last heard of`()
    throws
  {
    let store = try TriageStore(path: ":memory:")
    try fill(store, days: [0, 5, 34.9, 35], ended: false)
    #expect(try messages(store) == ["1E24040001", "1E24040002", "1E24040003"])
    let open = try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM open_message") }
    #expect(open == 3)
  }

  @Test func `messages are kept thirty days behind the newest stamp, sums for longer`() throws {
    let store = try TriageStore(path: ":memory:")
    try fill(store, days: [0, 5, 34.9, 35], ended: true)
    #expect(try messages(store) == ["1E24040001", "1E24040002", "1E24040003"])
    let tallies = try store.tallies(in: Window())
    #expect(tallies.reduce(0) { $0 + $1.count } == 4)
    #expect(tallies.allSatisfy { $0.domain == "b.example" && $0.reply.contains("greylisted") })
  }

  @Test func `sums are kept two years`() throws {
    let store = try TriageStore(path: ":memory:")
    try fill(store, days: [0, 10, 735], ended: true)
    #expect(try messages(store) == ["1E24040002"])
    #expect(try store.tallies(in: Window()).reduce(0) { $0 + $1.count } == 2)
  }

  @Test func `an old log alone keeps its detail: the clock plays no part`() throws {
    let store = try TriageStore(path: ":memory:")
    try fill(store, days: [-4000, -3999], ended: true)
    #expect(try messages(store).count == 2)
  }

  @Test func `an hour that the window cuts is counted attempt by attempt`() throws {
    let store = try TriageStore(path: ":memory:")
    let minute = 1.0 / 1440
    try fill(store, days: [0, 5 * minute, 10 * minute], ended: false)
    let base = RetentionTests.base
    func count(_ from: Double, _ to: Double) throws -> Int {
      try store.tallies(
        in: Window(from: base.advanced(bySeconds: from), to: base.advanced(bySeconds: to))
      ).reduce(0) { $0 + $1.count }
    }
    #expect(try count(-60, 900) == 3)
    #expect(try count(60, 900) == 2)
    #expect(try count(60, 400) == 1)
    #expect(try count(301, 400) == 0)
  }
}
