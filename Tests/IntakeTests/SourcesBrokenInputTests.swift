import Foundation
import MailModel
import MailServers
import Store
import Testing

@testable import Intake

/// A directory of its own, gone at the end.
private final class Scratch {
  let path: String

  init() throws {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    path = place.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  /// Packs `name` with a program of the system and gives the packed bytes.
  func pack(_ name: String, with program: String, _ options: [String] = ["-c"]) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = options + [path + "/" + name]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Array(data)
  }
}

private let bootID = "0123456789abcdef0123456789abcdef"
private let stampNow = Timestamp(seconds: 1_775_000_000)

/// Lines of messages that arrive and leave; `count` messages, two lines each.
private func log(_ count: Int, from first: Int = 0) -> [UInt8] {
  var text = ""
  for number in first..<(first + count) {
    let second = number % 60
    let stamp = "Mar  2 09:\(10 + number / 60 % 50):\(second < 10 ? "0" : "")\(second)"
    let id = "4ABC\(String(number + 100_000, radix: 16, uppercase: true))"
    text +=
      "\(stamp) mx1 postfix/qmgr[9]: \(id): from=<a\(number)@a.example>, size=9, nrcpt=1 (queue active)\n"
    text += "\(stamp) mx1 postfix/qmgr[9]: \(id): removed\n"
  }
  return Array(text.utf8)
}

@Suite struct SourcesBrokenInputTests {
  private func read(
    _ paths: [String],
    in store: TriageStore? = nil
  ) throws -> (reports: [InputReport], troubles: [InputTrouble]) {
    var discovery = Discovery(servers: registeredMailServers)
    for path in paths { discovery.add(path) }
    let ingest = try Ingest(
      store: try store ?? TriageStore(path: ":memory:"),
      servers: registeredMailServers,
      options: IngestOptions(zone: "UTC", year: 2026, now: stampNow),
      seed: 7
    )
    let reports = try ingest.run(discovery.inputs)
    return (reports, discovery.troubles + reports.flatMap(\.troubles).filter { $0.kind != .note })
  }

  private func recognized(_ reports: [InputReport]) -> Int {
    reports.reduce(0) { $0 + $1.recognized }
  }

  @Test(arguments: [
    ("/usr/bin/gzip", ["-c"]), ("/usr/bin/xz", ["-c"]), ("/usr/bin/bzip2", ["-c"]),
    ("/usr/bin/zstd", ["-cq"]), ("/usr/bin/lz4", ["-cq"]),
  ])
  func `reads a packed log as a whole and a cut one as far as it goes`(
    _ program: String,
    _ options: [String]
  ) throws {
    guard FileManager.default.isExecutableFile(atPath: program) else {
      try Test.cancel("\(program) is not installed")
    }
    let scratch = try Scratch()
    try scratch.write("plain", log(60_000))
    let packed = try scratch.pack("plain", with: program, options)
    try scratch.write("whole", packed)
    try scratch.write("cut", packed.prefix(packed.count * 3 / 4))
    try scratch.write("other", log(1, from: 70_000))
    let whole = try read([scratch.path + "/whole"])
    #expect(recognized(whole.reports) == 120_000)
    #expect(whole.troubles.isEmpty)
    let cut = try read([scratch.path + "/cut", scratch.path + "/other"])
    #expect(cut.troubles.map(\.kind) == [.content])
    #expect(cut.troubles.first?.trouble.path == scratch.path + "/cut")
    #expect(cut.troubles.first?.trouble.offset != nil)
    #expect(cut.reports.contains { $0.path.hasSuffix("/other") && $0.recognized == 2 })
    if !program.hasSuffix("lz4") { #expect(recognized(cut.reports) > 2) }
  }

  @Test func `finds a gzip file of which the checksum is wrong, members and padding allowed`()
    throws
  {
    let scratch = try Scratch()
    try scratch.write("one", log(10))
    try scratch.write("two", log(10, from: 10))
    let first = try scratch.pack("one", with: "/usr/bin/gzip")
    let second = try scratch.pack("two", with: "/usr/bin/gzip")
    try scratch.write("both.gz", first + second + [0, 0, 0])
    let both = try read([scratch.path + "/both.gz"])
    #expect(recognized(both.reports) == 40)
    #expect(both.troubles.isEmpty)
    var damaged = first
    damaged[damaged.count - 7] ^= 0xFF
    try scratch.write("damaged.gz", damaged)
    let bad = try read([scratch.path + "/damaged.gz"])
    #expect(recognized(bad.reports) == 20)
    #expect(bad.troubles.map(\.kind) == [.content])
  }

  @Test func `counts a log once however it is renamed, packed and read again`() throws {
    let scratch = try Scratch()
    let store = try TriageStore(path: ":memory:")
    try scratch.write("mail.log", log(1000))
    let first = try read([scratch.path], in: store)
    #expect(first.reports.map(\.newLines) == [2000])
    try scratch.write("mail.log", log(1000) + log(5, from: 1000))
    let grown = try read([scratch.path], in: store)
    #expect(grown.reports.map(\.newLines) == [10])
    let packed = try scratch.pack("mail.log", with: "/usr/bin/gzip")
    try FileManager.default.removeItem(atPath: scratch.path + "/mail.log")
    try scratch.write("mail.log.2.gz", packed)
    let rotated = try read([scratch.path], in: store)
    #expect(rotated.reports.reduce(0) { $0 + $1.newLines } == 0)
    #expect(rotated.troubles.isEmpty)
  }

  @Test func `reads a journal of another machine, bytes and empty messages included`() throws {
    let remote = "/lib/systemd/systemd-journal-remote"
    guard FileManager.default.isExecutableFile(atPath: remote) else {
      try Test.cancel("systemd-journal-remote is not installed")
    }
    let scratch = try Scratch()
    let export = SourcesBrokenInputTests.export()
    try scratch.write("export", export)
    let journal = scratch.path + "/remote.journal"
    _ = try scratch.pack("export", with: remote, ["-o", journal])
    let store = try TriageStore(path: ":memory:")
    let result = try read(["journal:" + journal], in: store)
    #expect(result.reports.map(\.lines) == [3])
    #expect(recognized(result.reports) >= 2)
    #expect(result.troubles.isEmpty)
    // A second run reads on behind what the first one read.
    let again = try read(["journal:" + journal], in: store)
    #expect(again.reports.map(\.newLines) == [0])
    #expect(again.troubles.isEmpty)
    let none = try read(["journal:/none"])
    #expect(none.troubles.map(\.kind) == [.missing])
  }

  /// Three entries as `journalctl -o export` writes them; the messages are text, and bytes.
  private static func export() -> [UInt8] {
    var export: [UInt8] = []
    for (number, message) in [
      Array("4ABC100000: from=<a@a.example>, size=9, nrcpt=1 (queue active)".utf8),
      Array("4ABC100000: from=<\u{1}".utf8) + [0xFF] + Array("@a.example>, size=9, nrcpt=1".utf8),
      Array("4ABC100000: removed".utf8),
    ].enumerated() {
      export += Array("__REALTIME_TIMESTAMP=\(1_772_442_845_000_000 + number)\n".utf8)
      export += Array("__MONOTONIC_TIMESTAMP=\(number + 1)\n_BOOT_ID=\(bootID)\n".utf8)
      export += Array("_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=postfix/qmgr\nSYSLOG_PID=9\n".utf8)
      export += Array("MESSAGE\n".utf8)
      export += withUnsafeBytes(of: UInt64(message.count).littleEndian) { Array($0) }
      export += message + Array("\n\n".utf8)
    }
    return export
  }

  @Test(arguments: [Int?.none, 1, 7, 300, 333])
  func `reads an exported journal as a file, bytes and a missing end included`(_ cut: Int?) throws {
    let scratch = try Scratch()
    let export = SourcesBrokenInputTests.export()
    let store = try TriageStore(path: ":memory:")
    try scratch.write("export", export.dropLast(cut == 1 ? 1 : 0))
    let result = try read([scratch.path + "/export"], in: store)
    #expect(result.reports.map(\.lines) == [3])
    #expect(recognized(result.reports) >= 2)
    #expect(result.troubles.isEmpty)
    #expect(try store.messages(matching: "4ABC100000").count == 1)
    try scratch.write("export", export + SourcesBrokenInputTests.export().prefix(cut ?? 0))
    let again = try read([scratch.path + "/export"], in: store)
    #expect(again.reports.allSatisfy { $0.newLines <= 3 })
  }

  @Test func `an exported entry without an end does not swallow the log behind it`() throws {
    let scratch = try Scratch()
    let start = Array("__CURSOR=s=7\n__REALTIME_TIMESTAMP=1772442845000000\n_HOSTNAME=mx1\n".utf8)
    try scratch.write("mail.log", log(3) + start + log(2, from: 3))
    let result = try read([scratch.path + "/mail.log"])
    #expect(recognized(result.reports) == 10)
  }

  @Test func `says what a socket is when it is named, and passes over it in a directory`() throws {
    let scratch = try Scratch()
    try scratch.write("mail.log", log(3))
    let place = scratch.path + "/s"
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: place.utf8.prefix(100)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    let walked = try read([scratch.path])
    #expect(walked.troubles.isEmpty)
    #expect(recognized(walked.reports) == 6)
    let named = try read([place, scratch.path + "/mail.log"])
    #expect(named.troubles.map(\.kind) == [.content])
    #expect(recognized(named.reports) == 6)
  }

  @Test func `counts what syslog folded: last message repeated, message repeated`() throws {
    let scratch = try Scratch()
    let deferral =
      "postfix/smtp[8]: 4ABC1D2E3F: to=<b@b.example>, relay=none, delay=1, delays=0/0/0/1, "
      + "dsn=4.4.1, status=deferred (connect to mx.b.example[192.0.2.1]:25: Connection refused)"
    let body = deferral.replacingOccurrences(of: "postfix/smtp[8]: ", with: "")
    let text = """
      Mar  2 09:14:05 mx1 postfix/qmgr[9]: 4ABC1D2E3F: from=<a@a.example>, size=9, nrcpt=1 (queue active)
      Mar  2 09:14:06 mx1 \(deferral)
      Mar  2 09:24:06 mx1 last message repeated 2 times
      Mar  2 09:34:06 mx1 last message repeated 4 times
      Mar  2 09:54:06 mx1 postfix/smtp[8]: message repeated 3 times: [ \(body)]

      """
    try scratch.write("mail.log", Array(text.utf8))
    let store = try TriageStore(path: ":memory:")
    _ = try read([scratch.path + "/mail.log"], in: store)
    let message = try #require(try store.messages(matching: "4ABC1D2E3F").first)
    #expect(message.recipients.flatMap(\.attempts).count == 10)
  }

  @Test func `finds out that a file became shorter while it was read`() throws {
    let scratch = try Scratch()
    try scratch.write("mail.log", log(1000))
    let stream = PlainStream(try OpenFile(path: scratch.path + "/mail.log"), isSeekable: true)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 50_000, alignment: 16)
    defer { buffer.deallocate() }
    #expect(try stream.read(into: buffer) == 50_000)
    #expect(truncate(scratch.path + "/mail.log", 100) == 0)
    let failure = #expect(throws: ReadFailure.self) { try stream.read(into: buffer) }
    #expect(failure?.offset == 50_000)
    #expect(failure?.isDamage == true)
  }

  @Test(arguments: [true, false])
  func `reads the new log where one is rotated or cut between the look and the reading`(
    _ isRenamed: Bool
  ) throws {
    let scratch = try Scratch()
    let path = scratch.path + "/mail.log"
    try scratch.write("mail.log", log(50))
    let store = try TriageStore(path: ":memory:")
    let ingest = try Ingest(
      store: store,
      servers: registeredMailServers,
      options: IngestOptions(zone: "UTC", year: 2026, now: stampNow),
      seed: 7
    )
    let input = FoundInput(path: path, kind: .file, isNamed: true)
    guard case .log(let found) = try ingest.examine(input) else {
      Issue.record("not taken for a log")
      return
    }
    if isRenamed {
      try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
    } else {
      try FileManager.default.copyItem(atPath: path, toPath: path + ".1")
      #expect(truncate(path, 0) == 0)
    }
    let handle = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let more = log(3, from: 50)
    #expect(write(handle, more, more.count) == more.count)
    close(handle)
    let reports = try ingest.read(found)
    #expect(reports.flatMap(\.troubles).isEmpty)
    #expect(recognized(reports) == 6)
    try ingest.intake.writer.prune()
    // Nothing is told twice, nor lost, when the old one is read under its new name.
    #expect(recognized(try read([path + ".1"], in: store).reports) == 100)
    #expect(try store.sources().reduce(0) { $0 + $1.recognized } == 106)
  }

  @Test func `passes over what is no file, and follows no circle`() throws {
    let scratch = try Scratch()
    try scratch.write("mail.log", log(3))
    let files = FileManager.default
    try files.createSymbolicLink(atPath: scratch.path + "/loop", withDestinationPath: scratch.path)
    try files.createSymbolicLink(
      atPath: scratch.path + "/self",
      withDestinationPath: scratch.path + "/self"
    )
    #expect(mkfifo(scratch.path + "/pipe", 0o600) == 0)
    let result = try read([scratch.path])
    #expect(recognized(result.reports) == 6)
    #expect(result.troubles.isEmpty)
  }

  @Test func `says what is missing and reads the rest`() throws {
    let scratch = try Scratch()
    try scratch.write("mail.log", log(3))
    let files = FileManager.default
    try files.createSymbolicLink(
      atPath: scratch.path + "/self",
      withDestinationPath: scratch.path + "/self"
    )
    let result = try read([
      scratch.path + "/none", scratch.path + "/self", scratch.path + "/mail.log",
    ])
    #expect(recognized(result.reports) == 6)
    #expect(result.troubles.map(\.kind) == [.missing, .missing])
    #expect(result.troubles.last?.trouble.reason == "a loop of symbolic links")
  }

  @Test func `reads lines with carriage returns, NUL and bytes that are no UTF-8`() throws {
    let scratch = try Scratch()
    let broken: [UInt8] = Array("\u{0}\u{0}\r\n".utf8) + [0xFF, 0xFE, 0xC3, 0x0A]
    let dos = log(3).flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
    try scratch.write("mail.log", [0xEF, 0xBB, 0xBF] + dos + broken + log(2, from: 3))
    let result = try read([scratch.path + "/mail.log"])
    #expect(recognized(result.reports) == 10)
    #expect(result.troubles.isEmpty)
  }
}
