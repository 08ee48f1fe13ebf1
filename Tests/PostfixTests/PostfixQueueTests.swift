import Foundation
import MailModel
import MailServers
import Testing

/// The queue, read from its files while Postfix runs.
struct PostfixQueueTests {
  /// A queue directory of a run with deferred, active, held and damaged mail, unpacked anew.
  private final class Spool {
    let path: String
    init() throws {
      path = NSTemporaryDirectory() + "spool-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let archive = try #require(
        Bundle.module.path(forResource: "Fixtures/spool", ofType: "tar.gz")
      )
      let tar = Process()
      tar.executableURL = URL(fileURLWithPath: "/bin/tar")
      tar.arguments = ["xzf", archive, "-C", path, "--no-same-owner"]
      try tar.run()
      tar.waitUntilExit()
      try #require(tar.terminationStatus == 0)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    var root: String { path + "/spool" }

    /// Every file with its size, mode and stamps, as a reader must leave it.
    var state: [String] {
      get throws {
        try FileManager.default.subpathsOfDirectory(atPath: root).sorted().map { name in
          var status = stat()
          lstat(root + "/" + name, &status)
          return "\(name) \(status.st_mode) \(status.st_size) \(status.st_mtim.tv_sec)."
            + "\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
        }
      }
    }
  }

  private static let now = Timestamp(seconds: 1_795_435_221)

  private func listing() throws -> QueueSnapshot {
    let path = try #require(
      Bundle.module.path(forResource: "Fixtures/postqueue-j", ofType: "jsonl")
    )
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let isListing = Postfix().isQueueListing(head: bytes.span)
    #expect(isListing)
    return Postfix().readQueueListing(bytes, path: path, now: PostfixQueueTests.now)
  }

  @Test func `the files tell what postqueue -j tells`() throws {
    let spool = try Spool()
    let listed = try listing()
    let read = Postfix().readQueue(directory: spool.root, now: PostfixQueueTests.now)
    let native = Dictionary(uniqueKeysWithValues: read.messages.map { ($0.queueID, $0) })
    #expect(listed.messages.count > 100)
    for message in listed.messages {
      guard let own = native[message.queueID] else {
        Issue.record("\(message.queueID) was not read")
        continue
      }
      #expect(own.sender == message.sender)
      // The listing counts from the first byte, the lifetime from the queue file's creation.
      #expect(abs(own.lifetimeBase.seconds - message.lifetimeBase.seconds) <= 1)
      let waiting = own.recipients.filter { !$0.isDone }
      #expect(Set(waiting.map(\.address)) == Set(message.recipients.map(\.address)))
      if own.state == .deferred {
        #expect(message.state == .deferred)
        for recipient in message.recipients {
          let reason = waiting.first { $0.address == recipient.address }?.reason
          #expect(reason == recipient.reason)
        }
      }
    }
    let states = Set(read.messages.map(\.state))
    #expect(states.isSuperset(of: [.active, .deferred]))
  }

  @Test func `reading leaves no trace`() throws {
    let spool = try Spool()
    let before = try spool.state
    _ = Postfix().readQueue(directory: spool.root, now: PostfixQueueTests.now)
    #expect(try spool.state == before)
  }

  @Test func `mail that moves, vanishes and grows under the reader is no error`() async throws {
    let spool = try Spool()
    let root = spool.root
    let files = try FileManager.default.subpathsOfDirectory(atPath: root + "/deferred")
      .filter { $0.utf8.count > 3 }
    let mover = Task.detached {
      for file in files {
        let name = (file as NSString).lastPathComponent
        rename(root + "/deferred/" + file, root + "/active/" + name)
        if name.hashValue.isMultiple(of: 3) { unlink(root + "/active/" + name) }
        usleep(50)
      }
    }
    var seen = 0
    for _ in 0..<30 {
      let read = Postfix().readQueue(directory: root, now: PostfixQueueTests.now)
      seen += read.messages.count
      #expect(read.troubles.isEmpty, "\(read.troubles)")
      #expect(Set(read.messages.map(\.queueID)).count == read.messages.count)
    }
    await mover.value
    #expect(seen > 0)
  }

  @Test func `what cannot be read is counted, with the reason`() throws {
    let spool = try Spool()
    let file = spool.root + "/deferred/0/0BADFACE"
    try FileManager.default.createDirectory(
      atPath: spool.root + "/deferred/0",
      withIntermediateDirectories: true
    )
    try Data("no queue file".utf8).write(to: URL(fileURLWithPath: file))
    chmod(file, 0o700)
    let read = Postfix().readQueue(directory: spool.root, now: PostfixQueueTests.now)
    #expect(read.troubles.map(\.path) == [file])
    #expect(read.troubles.first?.reason == "the queue file has no end")
    #expect(read.messages.count > 100)
  }

  @Test func `any bytes as a queue file neither trap nor stall`() throws {
    let spool = try Spool()
    let whole = try FileManager.default.subpathsOfDirectory(atPath: spool.root + "/deferred")
      .filter { $0.utf8.count > 3 }.prefix(1).map {
        Array(try Data(contentsOf: URL(fileURLWithPath: spool.root + "/deferred/" + $0)))
      }
    let bytes = try #require(whole.first)
    var random = SystemRandomNumberGenerator()
    for round in 0..<300 {
      var damaged = bytes
      for _ in 0..<(round % 7 + 1) {
        damaged[Int.random(in: 0..<damaged.count, using: &random)] = .random(
          in: 0...255,
          using: &random
        )
      }
      if round.isMultiple(of: 5) { damaged.removeLast(Int.random(in: 0..<damaged.count)) }
      let name = spool.root + "/hold/ABCDEF0123"
      try Data(damaged).write(to: URL(fileURLWithPath: name))
      _ = Postfix().readQueue(directory: spool.root + "/hold/..", now: PostfixQueueTests.now)
    }
  }

  @Test func `a line of the listing that is none is named by its offset`() {
    let text = """
      {"queue_name": "hold", "queue_id": "1E24040003", "arrival_time": 1795435161, "sender": \
      "MAILER-DAEMON", "recipients": [{"address": "a@b.example"}]}
      {"queue_name": "deferred"}

      """
    let read = Postfix().readQueueListing(
      Array(text.utf8),
      path: "q.jsonl",
      now: PostfixQueueTests.now
    )
    #expect(read.messages.map(\.state) == [.held])
    #expect(read.messages.first?.sender == "")
    #expect(
      read.troubles.first?.offset == Int64(text.firstIndex(of: "\n")!.utf16Offset(in: text) + 1)
    )
  }

  @Test func `a directory is a queue by the names in it`() {
    let postfix = Postfix()
    #expect(
      postfix.isQueue(
        directory: "/x",
        entries: ["active", "bounce", "corrupt", "defer", "deferred", "hold", "incoming"]
      )
    )
    #expect(!postfix.isQueue(directory: "/x", entries: ["active", "mail.log"]))
  }

  /// A record of a queue file.
  private func record(_ type: Character, _ data: [UInt8]) -> [UInt8] {
    var length = data.count
    var bytes = Array(String(type).utf8)
    repeat {
      bytes.append(UInt8(length & 0x7f) | (length > 0x7f ? 0x80 : 0))
      length >>= 7
    } while length > 0
    return bytes + data
  }

  private func record(_ type: Character, _ text: String) -> [UInt8] {
    record(type, Array(text.utf8))
  }

  @Test(arguments: [10, 1000, 16_000, 16_384, 40_000, 3_000_000])
  func `recipients behind the content are found without reading it`(_ contentSize: Int) throws {
    let spool = try Spool()
    // The content looks like an envelope of its own.
    var content: [UInt8] = []
    while content.count < contentSize { content += record("R", "nobody@content.example") }
    let size = "               ".utf8.count
    func sizes(_ offset: Int) -> [UInt8] {
      let fields = [content.count, offset, 1, 0, content.count].map { number in
        String(repeating: " ", count: max(0, size - String(number).count)) + String(number)
      }
      return record("C", fields.joined(separator: " "))
    }
    let envelope =
      record("T", "1772442845 123456") + record("A", "create_time=1772442850")
      + record("S", "ann@a.example") + record("R", "bob@b.example") + record("M", "")
    let offset = sizes(0).count + envelope.count
    let file =
      sizes(offset) + envelope + content + record("X", "") + record("D", "eve@c.example")
      + record("R", "joe@d.example") + record("E", "")
    try Data(file).write(to: URL(fileURLWithPath: spool.root + "/hold/ABCDEF0123"))
    chmod(spool.root + "/hold/ABCDEF0123", 0o700)
    let read = Postfix().readQueue(directory: spool.root, now: PostfixQueueTests.now)
    let message = try #require(read.messages.first { $0.queueID == "ABCDEF0123" })
    #expect(
      message.recipients.map(\.address) == ["bob@b.example", "eve@c.example", "joe@d.example"]
    )
    #expect(message.recipients.map(\.isDone) == [false, true, false])
    #expect(message.sender == "ann@a.example")
    #expect(message.size == content.count)
    #expect(message.arrivedAt.microseconds == 1_772_442_845_123_456)
    #expect(message.lifetimeBase.seconds == 1_772_442_850)
    #expect(read.troubles.isEmpty)
  }
}
