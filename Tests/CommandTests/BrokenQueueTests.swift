import Foundation
import Testing

/// Queues of which a part cannot be read: it is named, the rest is shown, and nothing unread is taken
/// for nothing waiting.
@Suite struct BrokenQueueTests {
  private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().path

  struct Queue: CustomTestStringConvertible {
    var server: String
    var archive: String
    /// The directory of the queue's files, with those of waiting messages.
    var files: String
    var prefix: String
    var suffix: String
    var reason: String
    var testDescription: String { server }
  }

  private static let queues = [
    Queue(
      server: "postfix",
      archive: "PostfixTests/Fixtures/spool.tar.gz",
      files: "deferred",
      prefix: "",
      suffix: "",
      reason: "the queue file has no end"
    ),
    Queue(
      server: "exim",
      archive: "EximTests/Fixtures/spool.tar.gz",
      files: "input",
      prefix: "",
      suffix: "-H",
      reason: "not a whole -H file"
    ),
    Queue(
      server: "sendmail",
      archive: "SendmailTests/Fixtures/mqueue.tar.gz",
      files: "mqueue",
      prefix: "qf",
      suffix: "",
      reason: "not a whole qf file"
    ),
  ]

  /// Unpacks a queue, and gives the paths of the messages that wait in it.
  private func unpack(_ queue: Queue, _ place: Workplace) throws -> [String] {
    try place.write("in/old", "")
    let tar = Process()
    tar.executableURL = URL(fileURLWithPath: "/bin/tar")
    tar.arguments = [
      "-xzf", BrokenQueueTests.tests + "/" + queue.archive, "-C", place.path + "/in",
    ]
    #expect(try Workplace.finish(tar).status == 0)
    let all = try FileManager.default.subpathsOfDirectory(atPath: place.path + "/in")
    return all.map { place.path + "/in/" + $0 }.filter { path in
      var isDirectory: ObjCBool = false
      let name = (path as NSString).lastPathComponent
      return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        && !isDirectory.boolValue && path.contains("/\(queue.files)/")
        && name.hasPrefix(queue.prefix) && name.hasSuffix(queue.suffix)
    }.sorted()
  }

  private func waiting(_ outcome: Workplace.Outcome) throws -> Int? {
    let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    return (answer as? [String: Any])?["messages"] as? Int
  }

  @Test(arguments: queues, [1, 25])
  func `a damaged message is named, and the others wait`(_ queue: Queue, _ most: Int) throws {
    let place = try Workplace()
    let files = try unpack(queue, place)
    let arguments = ["queue", place.path + "/in", "--format", "json"]
    let whole = try Workplace.finish(place.process(arguments))
    #expect(whole.status == 0 && whole.complaint.isEmpty, "\(whole.complaint)")
    let count = try #require(try waiting(whole))
    try #require(count > 1)
    let damaged = files.prefix(min(most, files.count - 1))
    for path in damaged {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      try bytes.prefix(bytes.count / 3).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes(
        attributes.filter { [.posixPermissions, .modificationDate].contains($0.key) },
        ofItemAtPath: path
      )
    }
    let outcome = try Workplace.finish(place.process(arguments))
    #expect(outcome.status == 65)
    #expect(try waiting(outcome) == count - damaged.count)
    let lines = outcome.complaint.split(separator: "\n")
    // Exim's is walked in the order of its queue runs.
    #expect(damaged.contains { lines.first == "mailtriage: \($0): \(queue.reason)" })
    #expect(lines.count == min(damaged.count, 20) + (damaged.count > 20 ? 1 : 0))
    if damaged.count > 20 { #expect(outcome.complaint.hasSuffix("more faults like these\n")) }
  }

  @Test func `Exim's retry database of another kind is told of, with what to give instead`() throws
  {
    let place = try Workplace()
    let files = try unpack(BrokenQueueTests.queues[1], place)
    let file = try #require(files.first)
    let spool = try #require(file.range(of: "/input/").map { String(file[..<$0.lowerBound]) })
    let database = spool + "/db/retry"
    try FileManager.default.createDirectory(
      atPath: spool + "/db",
      withIntermediateDirectories: true
    )
    try (Data("SQLite format 3\u{0}".utf8) + Data(count: 4096)).write(
      to: URL(fileURLWithPath: database)
    )
    let outcome = try place.run("forecast", spool, "--format", "json")
    #expect(outcome.status == 0)
    #expect(
      outcome.complaint
        == "mailtriage: \(database): the retry database is of kind SQLite, which is not read: "
        + "give the output of `exim_dumpdb \(spool) retry`\n"
    )
  }

  @Test(arguments: queues)
  func `one that may not be read ends with 77, and is not taken for an empty one`(
    _ queue: Queue
  ) throws {
    let place = try Workplace()
    let files = try unpack(queue, place)
    let log = PostfixLines.message(
      1,
      at: Date(timeIntervalSince1970: 1_772_442_845),
      "b.example",
      PostfixLines.sent
    )
    try place.write("mail.log", log)
    try place.write("state/old", "")
    place.giveToNobody("state")
    let locked = Set(files.map { ($0 as NSString).deletingLastPathComponent })
    for directory in locked { #expect(chmod(directory, 0) == 0) }
    defer { for directory in locked { chmod(directory, 0o700) } }
    for option in [["--spool"], []] {
      let now = ["--now", "2026-03-03T00:00:00Z"]
      let paths = option + [place.path + "/in"]
      let shown = try place.runAsNobody(["queue"] + paths + now)
      #expect(shown.status == 77)
      #expect(shown.complaint.hasPrefix("mailtriage: \(place.path)/in/"))
      #expect(!shown.output.contains("Nothing waits"))
      let analysed = try place.runAsNobody(
        ["analyze", place.path + "/mail.log"] + paths + now + ["--format", "json"]
      )
      #expect(analysed.status == 77)
      let json = try JSONSerialization.jsonObject(with: Data(analysed.output.utf8))
      let totals = try #require((json as? [String: Any])?["totals"] as? [String: Any])
      #expect(totals["delivered"] as? Int == 1)
    }
  }
}
