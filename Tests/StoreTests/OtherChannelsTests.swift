import MailModel
import Testing

@testable import Store

/// Two channels that tell of the same time are compared slice by slice.
@Suite(.timeLimit(.minutes(5)))
struct OtherChannelsTests {
  /// Reads attempts of one recipient each, at these seconds, as a source of its own.
  private func read(
    _ store: TriageStore,
    source: Int64,
    _ seconds: [Double],
    wanted: Int = 65_536,
    _ look: (borrowing IngestWriter) -> Void = { _ in }
  ) throws -> [IngestLimit] {
    var writer = try IngestWriter(store: store, seed: 1)
    writer.channels.wanted = wanted
    let origin = writer.origin(server: MailServerID("postfix"), host: "mx1")
    writer.beginSource()
    for (number, second) in seconds.enumerated() {
      // A few seconds do not make another message.
      let id = 1_000_000 + Int((second / 10).rounded()) * 10
      let bytes = Array("1E\(id) u@b.example".utf8)
      let line = LogLine(
        moment: Timestamp(seconds: 1_772_442_845).advanced(bySeconds: second),
        pid: 1,
        tag: 0..<0,
        text: 0..<bytes.count,
        position: LinePosition(source: source, offset: Int64(number) * 100)
      )
      var events = LineEvents()
      events.append(.arrival(Arrival(queueID: 0..<9, opensMessage: true)))
      events.append(
        .attempt(
          LoggedAttempt(
            queueID: 0..<9,
            recipient: 10..<21,
            outcome: .delivered,
            relay: 0..<0,
            reply: 0..<0
          )
        )
      )
      events.append(.ended(queueID: 0..<9))
      try writer.touch(source: source, origin: origin, at: line.moment.microseconds)
      try bytes.withUnsafeBufferPointer {
        try writer.apply(events, line: line, origin: origin, bytes: $0)
      }
      look(writer)
    }
    var cursor = SourceCursor(
      id: source,
      path: "\(source)",
      kind: "log",
      headLength: 0,
      headHash: source
    )
    cursor.newest = Timestamp(seconds: 1_772_442_845).advanced(bySeconds: seconds.max() ?? 0)
    let reached = writer.takeReachedLimits()
    try writer.commit(sources: [cursor], states: [])
    try writer.finish()
    return reached
  }

  private func attempts(_ store: TriageStore) throws -> Int {
    try store.tallies(in: Window()).reduce(0) { $0 + $1.count }
  }

  @Test func `what is held of the other channel does not follow its length`() throws {
    let store = try TriageStore(path: ":memory:")
    let seconds = (0..<20_000).map { Double($0) * 60 }
    _ = try read(store, source: 1, seconds)
    var most = 0
    let reached = try read(store, source: 2, seconds, wanted: 1000) {
      most = max(most, $0.channels.count)
    }
    #expect(reached.isEmpty)
    #expect(try attempts(store) == 20_000)
    #expect(most > 0 && most < 2500)
  }

  @Test func `a channel that lacks some events and has others is told apart event by event`() throws
  {
    let store = try TriageStore(path: ":memory:")
    let all = (0..<3000).map { Double($0) * 10 }
    _ = try read(store, source: 1, all.filter { Int($0) % 70 != 0 })
    _ = try read(store, source: 2, all.filter { Int($0) % 110 != 0 }, wanted: 200)
    #expect(try attempts(store) == all.filter { Int($0) % 770 != 0 }.count)
  }

  @Test(arguments: [(0.0, 3), (1.9, 3), (-1.9, 3), (2.1, 4), (-2.1, 4)])
  func `stamps up to two seconds apart are of one event`(_ apart: Double, _ count: Int) throws {
    let store = try TriageStore(path: ":memory:")
    _ = try read(store, source: 1, [0, 100, 200])
    _ = try read(store, source: 2, [0, 100 + apart, 200])
    #expect(try attempts(store) == count)
  }

  @Test func `lines that come late find what they repeat`() throws {
    let store = try TriageStore(path: ":memory:")
    let seconds = (0..<2000).map { Double($0) * 20 }
    _ = try read(store, source: 1, seconds)
    // Each second line is half an hour late.
    var late: [Double] = []
    for (number, second) in seconds.enumerated() {
      if number % 2 == 0 { late.append(second) }
      if number >= 90, (number - 90) % 2 == 1 { late.append(seconds[number - 90]) }
    }
    _ = try read(store, source: 2, late, wanted: 200)
    #expect(try attempts(store) == 2000)
  }

  @Test func `stamps that jump about are compared only as long as that is cheap`() throws {
    let store = try TriageStore(path: ":memory:")
    let seconds = (0..<10_000).map { Double($0) * 60 }
    _ = try read(store, source: 1, seconds)
    let jumping = (0..<5000).flatMap { [seconds[$0], seconds[9999 - $0]] }
    let reached = try read(store, source: 2, jumping)
    #expect(reached == [.comparison])
  }

  @Test func `each stored event answers once, and many alike in no time`() {
    var list = RepeatList()
    let many = 100_000
    list.turn(
      to: 0,
      adding: (0..<many).map { RepeatList.Entry(owner: 7, kind: 1, at: Int64($0 % 4)) }
    )
    func answers(kind: Int64, _ moments: ClosedRange<Int64>) -> Bool {
      list.answers(owner: 7, kind: kind, from: moments.lowerBound, to: moments.upperBound)
    }
    var answered = 0
    for _ in 0...many where answers(kind: 1, 0...3) { answered += 1 }
    #expect(answered == many)
    list.turn(to: 0, adding: [RepeatList.Entry(owner: 7, kind: 1, at: 9)])
    #expect(list.count == 1)
    #expect(!answers(kind: 1, 0...8))
    #expect(!answers(kind: 2, 0...9))
    #expect(answers(kind: 1, 8...9))
  }
}
