import Foundation
import MailModel
import MailServers
import Store
import Testing

@testable import Intake

/// What a log makes up, hosts, processes and repeats, is remembered up to a limit only.
@Suite(.timeLimit(.minutes(5)))
struct MadeUpNamesTests {
  /// Reads a log's lines into a store of its own.
  private func read(_ lines: [String]) throws -> (store: TriageStore, report: InputReport?) {
    let path = NSTemporaryDirectory() + "made-up-\(UUID().uuidString).log"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    let store = try TriageStore(path: ":memory:")
    var discovery = Discovery(servers: registeredMailServers)
    discovery.add(path)
    let ingest = try Ingest(
      store: store,
      servers: registeredMailServers,
      options: IngestOptions(zone: "UTC", year: 2026, now: Timestamp(seconds: 1_772_530_000)),
      seed: 3
    )
    return (store, try ingest.run(discovery.inputs).first)
  }

  private func deferred(_ store: TriageStore) throws -> Int {
    try store.tallies(in: Window()).reduce(0) { $0 + $1.count }
  }

  private let failure =
    "1E24040001: to=<b@b.example>, relay=none, delay=1, delays=0/0/0/1, dsn=4.4.1, "
    + "status=deferred (connection refused)"

  @Test func `repeats count as often as is told, as long as the log is of that length`() throws {
    let told = "Mar  2 09:14:06 mx1 postfix/smtp[8]: message repeated 5 times: [ \(failure)]"
    let (store, report) = try read(Array(repeating: told, count: 10))
    #expect(try deferred(store) == 50)
    #expect(report?.troubles.isEmpty == true)
  }

  @Test(arguments: [
    "message repeated 9999999 times: [ FAILURE]", "last message repeated 9999999 times",
  ])
  func `repeats without end are not counted without end`(_ text: String) throws {
    let told = text.replacingOccurrences(of: "FAILURE", with: failure)
    let tag = text.hasPrefix("last") ? "" : "postfix/smtp[8]: "
    let first = "Mar  2 09:14:06 mx1 postfix/smtp[8]: \(failure)"
    let (store, report) = try read(
      (0..<500).flatMap { _ in [first, "Mar  2 09:14:07 mx1 \(tag)\(told)"] }
    )
    let counted = try deferred(store)
    #expect(counted >= 20_000 && counted < 40_000)
    #expect(report?.troubles.map(\.kind) == [.warning])
    #expect(report?.troubles.first?.trouble.reason.contains("repeats") == true)
  }

  @Test func `hosts' names are cut, and lines under long ones still read`() throws {
    let long = String(repeating: "h", count: 30_000)
    let (store, report) = try read(
      (0..<20).map { "Mar  2 09:14:06 \(long)\($0) postfix/smtp[8]: \(failure)" }
    )
    #expect(report?.recognized == 20)
    var hosts: Set<String> = []
    try store.forEachMessage(in: Window()) { hosts.insert($0.host) }
    #expect(hosts.map(\.count) == [255])
  }

  @Test func `many hosts share what is remembered of processes`() throws {
    var writer = try IngestWriter(store: try TriageStore(path: ":memory:"), seed: 1)
    var dispatch = Dispatch(servers: registeredMailServers, carried: [:], seed: 1)
    var events = LineEvents()
    var sizes: [Int] = []
    for hosts in [1, 64] {
      for host in 0..<hosts {
        for pid in 1...400 {
          let text = "SSL_connect error to mx.b.example[192.0.2.9]:25: lost connection"
          let bytes = Array("mx\(host) postfix/smtp \(text)".utf8)
          let hostEnd = "mx\(host)".utf8.count
          let tag = (hostEnd + 1)..<(hostEnd + 13)
          try bytes.withUnsafeBufferPointer { buffer in
            let reader = dispatch.reader(
              key: UnsafeBufferPointer(rebasing: buffer[..<tag.upperBound]),
              host: 0..<hostEnd,
              tag: tag,
              line: buffer.span,
              &writer
            )
            let post = try #require(reader)
            let line = LogLine(
              moment: Timestamp(seconds: 1_772_442_845 + Int64(pid)),
              pid: Int32(pid),
              tag: tag,
              program: post.program,
              text: (tag.upperBound + 1)..<bytes.count,
              position: LinePosition(source: 1, offset: 0)
            )
            events.removeAll()
            _ = dispatch.read(post.post, line, in: buffer.span, into: &events)
          }
        }
      }
      dispatch.trim()
      sizes.append(dispatch.takeCarried().reduce(0) { $0 + $1.state.count })
    }
    #expect(sizes[0] > 400 * 70)
    #expect(sizes[1] > sizes[0] && sizes[1] < 64 * sizes[0] * 2 / 3)
  }

  @Test func `a journal's field of many lines is taken in one piece, cut`() {
    var export = JournalExport()
    func take(_ bytes: [UInt8], at offset: Int64) -> JournalLine? {
      bytes.withUnsafeBufferPointer {
        export.take($0, at: offset, end: offset + Int64(bytes.count) + 1)?.line
      }
    }
    var at: Int64 = 0
    func next(_ bytes: [UInt8]) -> JournalLine? {
      defer { at += Int64(bytes.count) + 1 }
      return take(bytes, at: at)
    }
    _ = next(Array("__REALTIME_TIMESTAMP=1772442845000000".utf8))
    _ = next(Array("SYSLOG_IDENTIFIER=postfix/smtp".utf8))
    _ = next(Array("MESSAGE".utf8))
    // The length and an empty line, then as many lines of a letter as fill it, then the entry's end.
    let size: UInt64 = 200_000
    _ = next((0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) })
    for _ in 0..<(size / 2) { _ = next(Array("x".utf8)) }
    let entry = next([])
    #expect(entry?.bytes.count == "  postfix/smtp: ".utf8.count - 1 + 1 << 16)
  }
}
