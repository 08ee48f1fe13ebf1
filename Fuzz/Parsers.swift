/// The parsers that outside bytes reach, each as one function over any bytes. None may trap, hang or
/// grow without bound, whatever it is given.

import Foundation
import Intake
import MailModel
import MailServers

/// What is fuzzed; the raw value names it on the command line.
package enum FuzzedParser: String, CaseIterable, Sendable {
  case envelope
  case journal
  case dialect
  case listing
  case queue
  case packed

  /// Parses `bytes` and drops what comes out.
  package func parse(_ bytes: [UInt8]) {
    switch self {
    case .envelope: parseEnvelopes(bytes)
    case .journal:
      bytes.withUnsafeBufferPointer { _ = JournalLine($0) }
      parseExport(bytes)
    case .dialect: parseDialects(bytes)
    case .listing:
      for server in registeredMailServers {
        _ = server.isQueueListing(head: bytes.span)
        _ = server.readQueueListing(bytes, path: "fuzz", now: now)
      }
    case .queue: parseQueue(bytes)
    case .packed: unpack(bytes)
    }
  }
}

private let now = Timestamp(seconds: 1_775_000_000)

private func lines(_ bytes: [UInt8]) -> [[UInt8]] {
  bytes.split(separator: 0x0A, maxSplits: 200, omittingEmptySubsequences: false).map(Array.init)
}

private func parseEnvelopes(_ bytes: [UInt8]) {
  guard let clock = ZoneClock(zone: "Europe/Berlin") else { return }
  var reader = EnvelopeReader(clock: clock, firstYear: 2026)
  for line in lines(bytes) {
    guard let envelope = reader.read(line.span) else { continue }
    // Each range lies in the line, or the caller would trap.
    _ = (line[envelope.host], line[envelope.tag], line[envelope.text])
  }
}

/// The bytes as an exported journal, with line ends as they stand.
private func parseExport(_ bytes: [UInt8]) {
  var export = JournalExport()
  var offset: Int64 = 0
  for line in lines(bytes) {
    let end = offset + Int64(line.count) + 1
    let entry = line.withUnsafeBufferPointer { export.take($0, at: offset, end: end) }
    if let entry { check(entry.line) }
    offset = end
  }
  if let entry = export.finish() { check(entry.line) }
}

private func check(_ line: JournalLine) {
  // Each range lies in the line, or the caller would trap.
  _ = (line.bytes[line.envelope.host], line.bytes[line.envelope.tag])
  _ = line.bytes[line.envelope.text]
}

/// Each line goes to each server's dialect, under the tag that it names (up to the first colon).
private func parseDialects(_ bytes: [UInt8]) {
  for server in registeredMailServers {
    var dialect = server.makeDialect()
    var events = LineEvents()
    var moment = now
    for line in lines(bytes) {
      let tag = 0..<(line.firstIndex(of: UInt8(ascii: ":")) ?? 0)
      let text = min(tag.upperBound + (tag.isEmpty ? 0 : 2), line.count)..<line.count
      moment.microseconds += 1_000_000
      let read = LogLine(
        moment: moment,
        pid: 2211,
        tag: tag,
        program: type(of: dialect).program(tag: line.span.extracting(tag)) ?? 0,
        text: text,
        position: LinePosition(source: 1, offset: 0)
      )
      _ = type(of: dialect).claimsUntagged(line.span)
      events.removeAll()
      _ = dialect.read(read, in: line.span, into: &events)
    }
    let state = dialect.carriedState
    precondition(state.count <= 1 << 20, "\(server.id) carries more than it may")
    var restored = server.makeDialect()
    restored.restore(state)
    restored.restore(bytes)
  }
}

/// The bytes as a queue file of each server.
private func parseQueue(_ bytes: [UInt8]) {
  let root = NSTemporaryDirectory() + "/mailtriage-queue-\(getpid())"
  let files = FileManager.default
  defer { try? files.removeItem(atPath: root) }
  for name in [
    "deferred/4/4FuzzQueueFile1", "defer/4/4FuzzQueueFile1", "input/1vJq2m-00000001ab2-3cde-H",
    "df/dfuAN9Ev2x012345", "qf/qfuAN9Ev2x012345",
  ] {
    let path = root + "/" + name
    let directory = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    try? files.createDirectory(atPath: directory, withIntermediateDirectories: true)
    _ = files.createFile(atPath: path, contents: Data(bytes))
  }
  for server in registeredMailServers { _ = server.readQueue(directory: root, now: now) }
}

/// The bytes as a packed file, or one in UTF-16, unpacked far and then no farther.
private func unpack(_ bytes: [UInt8]) {
  let path = NSTemporaryDirectory() + "/mailtriage-packed-\(getpid())"
  defer { unlink(path) }
  _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
  let found = PackedLines.lines(path: path, at: [0, 7, 4 << 20])
  precondition(found.values.allSatisfy { $0.utf8.count <= 3 * 4096 })
}
