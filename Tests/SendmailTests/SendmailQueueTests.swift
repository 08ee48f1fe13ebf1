import Foundation
import MailModel
import Testing

@testable import MailServers

/// Sendmail's queue files, its listing and its rule.
struct SendmailQueueTests {
  private static let now = Timestamp(seconds: 1_795_436_787)

  private func fixture(_ name: String) throws -> String {
    try #require(Bundle.module.resourcePath) + "/Fixtures/" + name
  }

  private func unpacked() throws -> String {
    let path = NSTemporaryDirectory() + "sendmail-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let tar = Process()
    tar.executableURL = URL(fileURLWithPath: "/bin/tar")
    tar.arguments = ["xzf", try fixture("mqueue.tar.gz"), "-C", path, "--no-same-owner"]
    try tar.run()
    tar.waitUntilExit()
    try #require(tar.terminationStatus == 0)
    return path
  }

  @Test func `the control files tell what mailq -v tells`() throws {
    let place = try unpacked()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let read = Sendmail().readQueue(directory: place + "/mqueue", now: SendmailQueueTests.now)
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: try fixture("mailq-v.txt"))))
    let isListing = Sendmail().isQueueListing(head: bytes.span)
    #expect(isListing)
    let listed = Sendmail().readQueueListing(bytes, path: "mailq", now: SendmailQueueTests.now)
    #expect(listed.messages.count > 40)
    #expect(Set(listed.messages.map(\.queueID)).count == listed.messages.count)
    let native = Dictionary(uniqueKeysWithValues: read.messages.map { ($0.queueID, $0) })
    for message in listed.messages where message.state != .active {
      guard let own = native[message.queueID] else {
        Issue.record("\(message.queueID) was not read")
        continue
      }
      #expect(own.sender == message.sender)
      // The id tells when the session made its first message.
      #expect((0...60).contains(own.arrivedAt.seconds(since: message.arrivedAt)))
      #expect(Set(own.recipients.map(\.address)) == Set(message.recipients.map(\.address)))
      #expect((own.warningsSent ?? 0) == (message.warningsSent ?? 0))
    }
  }

  @Test(arguments: [
    ("Priority: non-urgent", "a@a.example", "non-urgent", true),
    ("Priority: urgent", "a@a.example", "urgent", true),
    ("Precedence: bulk", "a@a.example", "non-urgent", false),
    ("Subject: x", "a@a.example", "normal", true), ("Subject: x", "", "normal", false),
    ("Subject: x", "owner-list@a.example", "normal", false),
    ("Subject: x", "list-request@a.example", "normal", false),
  ])
  func `headers and sender decide the class of timers, and whether there is a warning`(
    _ header: String,
    _ sender: String,
    _ urgency: String,
    _ wantsWarning: Bool
  ) throws {
    let file = """
      V8
      T1795436672
      K1795436767
      N5
      P390765
      Fbs
      S<\(sender)>
      RPFD:<hugo@b.example>
      H??\(header)
      .

      """
    let message = try #require(
      SendmailQueueFile(Array(file.utf8)).message(id: "6ANCOWqQ001597", isHeld: false)
    )
    #expect(message.urgency == urgency)
    #expect(message.wantsDelayWarning == wantsWarning)
    #expect(message.attemptsMade == 5)
  }

  @Test func `held and quarantined mail is never returned by itself`() throws {
    let file = "V8\nT1795436672\nK0\nN0\nP1\nqspam\nS<a@a.example>\nRPFD:<b@b.example>\n.\n"
    let message = try #require(
      SendmailQueueFile(Array(file.utf8)).message(id: "6ANCOWqQ001597", isHeld: false)
    )
    #expect(message.state == .held)
    #expect(SendmailQueueFile(Array("V8\nT17".utf8)).message(id: "x", isHeld: false) == nil)
  }

  @Test func `several queue directories are one queue`() throws {
    let place = NSTemporaryDirectory() + "mq-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: place) }
    for number in 1...3 {
      let directory = "\(place)/mqueue/q\(number)/qf"
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try "V8\nT1795436672\nK0\nN0\nP1\nS<a@a.example>\nRPFD:<b@b.example>\n.\n".write(
        toFile: "\(directory)/\(number == 3 ? "hf" : "qf")6ANCOWqQ00159\(number)",
        atomically: true,
        encoding: .utf8
      )
    }
    let read = Sendmail().readQueue(directory: place + "/mqueue", now: SendmailQueueTests.now)
    #expect(read.messages.map(\.state.rawValue).sorted() == ["deferred", "deferred", "held"])
    #expect(read.troubles.isEmpty)
  }

  // MARK: The rule

  private struct Example: Decodable {
    var attempts: [Double]
    var warning: Double
    var expiry: Double
  }

  @Test(arguments: [
    ("sendmail_default_q1h", 3600.0, ""), ("sendmail_q15m_maxage4h", 900, "O MaxQueueAge=4h"),
  ])
  func `attempts, warning and NDR come when the example says`(
    _ name: String,
    _ interval: Double,
    _ option: String
  ) throws {
    let examples = try JSONDecoder().decode(
      [String: Example].self,
      from: try Data(contentsOf: URL(fileURLWithPath: try fixture("schedules.json")))
    )
    let example = try #require(examples[name])
    let base = Timestamp(seconds: 1_772_442_000)
    let text = "\nO Timeout.queuereturn=5d\nO Timeout.queuewarn=4h\n\(option)\n"
    let schedule = SendmailSchedule(
      configuration: SendmailConfiguration([
        ConfigurationFile(path: "sendmail.cf", bytes: Array(text.utf8))
      ]),
      observed: RetryObservations(
        queueRuns: (-4...0).map { base.advanced(bySeconds: Double($0) * interval) }
      )
    )
    let message = QueuedMessage(
      queueID: "6229E5kR004711",
      state: .deferred,
      sender: "a@a.example",
      arrivedAt: base,
      lastAttemptAt: base,
      recipients: [QueuedRecipient(address: "b@b.example")]
    )
    let queue = QueueSnapshot(
      server: MailServerID("sendmail"),
      path: "/q",
      takenAt: base,
      messages: [message]
    )
    let forecast = try #require(schedule.scheduled(queue, now: base).first)
    #expect(
      forecast.attempts.map { $0.seconds(since: base) } == Array(example.attempts.dropFirst())
    )
    #expect(forecast.warningAt?.seconds(since: base) == example.warning)
    #expect(forecast.expiresAt?.seconds(since: base) == example.expiry)
  }

  @Test(arguments: [
    ("O Timeout.queuereturn=3d", "normal", 259_200.0),
    ("O Timeout.queuereturn=3d\nO Timeout.queuereturn.urgent=1d", "urgent", 86_400),
    ("O Timeout.queuereturn.urgent=1d\nO Timeout.queuereturn=3d", "urgent", 259_200),
    ("O Timeout.queuereturn=36", "normal", 3_110_400),
    ("O Timeout.queuereturn=1h30m", "dsn", 5400),
  ])
  func `timers are read per class, later lines win`(
    _ text: String,
    _ urgency: String,
    _ seconds: Double
  ) {
    let read = SendmailConfiguration([
      ConfigurationFile(path: "sendmail.cf", bytes: Array("\n\(text)\n".utf8))
    ])
    #expect(read.queueReturn[urgency] == seconds)
  }
}
