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

  private func message(_ lines: [String], id: String = "6ANCOWqQ001597") -> QueuedMessage? {
    SendmailQueueFile(Array(lines.joined(separator: "\n").utf8)).message(id: id, isHeld: false)
  }

  @Test func `a reason is given to the recipients that it is about`() throws {
    // Before the sender: of the message; it names the destination that it is about.
    let mixed = try #require(
      message([
        "V8", "T1795436607", "K1795437305", "N9", "P840840",
        "Mhost map: lookup (b.example): deferred", "Fbs", "S<a@a.example>",
        "rRFC822; dora@b.example", "RPFD:<dora@b.example>", "RPFD:<gita@c.example>",
        "MDeferred: 450 4.7.1 later", "RPFD:<hugo@d.example>", "RPFD:<eve@e.example>",
        "H??Subject: x", ".", "",
      ])
    )
    #expect(
      mixed.recipients.map(\.reason) == [
        "host map: lookup (b.example): deferred", nil, "Deferred: 450 4.7.1 later", nil,
      ]
    )
    // One destination: it is about all of them. A bare word is no reason.
    for (text, reason) in [
      ("Deferred: 454 4.7.0 TLS handshake failed.", "Deferred: 454 4.7.0 TLS handshake failed."),
      ("Deferred", nil), ("Warning: could not send message for past 4 hours", nil),
    ] as [(String, String?)] {
      let one = try #require(
        message([
          "V8", "T1795436607", "M\(text)", "S<a@a.example>", "RPFD:<x@b.example>",
          "RPFD:<y@B.example>", ".", "",
        ])
      )
      #expect(one.recipients.map(\.reason) == [reason, reason])
    }
  }

  @Test func `headers are read folded, with and without flags`() throws {
    let report = try #require(
      message([
        "V8", "T1795436607", "S<>", "RPFD:<x@b.example>", "H?P?Return-Path: <x>",
        "H??Content-Type: multipart/report;", "\treport-type=delivery-status;", " boundary=x",
        "HMessage-Id: <m1@a.example>", ".", "",
      ])
    )
    #expect(report.urgency == "dsn")
    #expect(report.messageID == "m1@a.example")
  }

  @Test(arguments: [
    ["V4", "T1795436607", "K0", "N0", "P1", "Sa@a.example", "RPFD:x@b.example", "."],
    ["V2", "T1795436607", "P1", "Sa@a.example", "RP:x@b.example", "HSubject: x", "."],
    ["V1", "T1795436607", "P1", "S<a@a.example>", "R<x@b.example>", "."],
  ])
  func `older versions are read`(_ lines: [String]) throws {
    let message = try #require(self.message(lines))
    #expect(message.sender == "a@a.example")
    #expect(message.recipients.map(\.address) == ["x@b.example"])
    #expect(message.lastAttemptAt == nil)
  }

  @Test func `a file that is being written is left out, one that stays short is named`() throws {
    let place = NSTemporaryDirectory() + "mq-\(UUID().uuidString)/mqueue"
    defer { try? FileManager.default.removeItem(atPath: place) }
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let path = place + "/qf6ANCOWqQ001597"
    try "V8\nT1795436672\nK0\nS<a@a.example>\n".write(
      toFile: path,
      atomically: true,
      encoding: .utf8
    )
    try Data().write(to: URL(fileURLWithPath: place + "/qf6ANCOWqQ001598"))
    for (age, troubles) in [(1.0, []), (3600, [path])] as [(Double, [String])] {
      let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970)).advanced(bySeconds: age)
      let read = Sendmail().readQueue(directory: place, now: now)
      #expect(read.messages.isEmpty)
      #expect(read.troubles.map(\.path) == troubles)
    }
  }

  @Test func `bodies, transcripts and files in the making are no messages; sizes are the bodies'`()
    throws
  {
    let place = NSTemporaryDirectory() + "mq-\(UUID().uuidString)/mqueue"
    defer { try? FileManager.default.removeItem(atPath: place) }
    let whole = "V8\nT1795436672\nK0\nN0\nP1\nS<a@a.example>\nRPFD:<b@b.example>\n.\n"
    for name in ["q1/qf", "q1/df", "q1/xf", "q2"] {
      try FileManager.default.createDirectory(
        atPath: place + "/" + name,
        withIntermediateDirectories: true
      )
    }
    for (name, text) in [
      ("q1/qf/qf6ANCOWqQ001597", whole), ("q1/df/df6ANCOWqQ001597", "12345"),
      ("q1/xf/xf6ANCOWqQ001597", whole), ("q2/qf6ANCOWqR001597", whole),
      ("q2/tf6ANCOWqS001597", whole), ("q2/Tf6ANCOWqT001597", whole), ("q2/qfnotes", whole),
      ("q2/df6ANCOWqR001597", "123"), ("q2/Qf6ANCOWqU001597", whole),
      ("q2/hf6ANCOWqV001597", whole),
    ] {
      try text.write(toFile: "\(place)/\(name)", atomically: true, encoding: .utf8)
    }
    let read = Sendmail().readQueue(directory: place, now: SendmailQueueTests.now)
    #expect(
      read.messages.map { "\($0.queueID) \($0.state) \($0.size.map(String.init) ?? "-")" } == [
        "6ANCOWqQ001597 deferred 5", "6ANCOWqR001597 deferred 3", "6ANCOWqU001597 held -",
        "6ANCOWqV001597 held -",
      ]
    )
    #expect(read.troubles.isEmpty)
  }

  @Test func `mailq without -v is read too, with its marks`() throws {
    let text = """
      \t\t/var/spool/mqueue (4 requests)
      -----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
      6APFURF2015243        3 Wed Nov 25 15:30 <ann@a.example>
           QUARANTINE: looks odd
                       (Deferred: Connection reset by mx1.b.example.)
      \t\t\t\t\t <bob@b.example>
      6APFURF3015243*     120 Wed Nov 25 15:31 <>
      \t\t\t\t\t <eve@c.example>
      6APFURF4015243?     120 Wed Nov 25 15:31 <ann@a.example>
      \t\t\t\t\t <eve@c.example>
      6APFURF5015243X     120 Wed Nov 25 15:31 <ann@a.example>
                       (host map: lookup (c.example): deferred)
      \t\t\t\t\t <eve@c.example>
      \t\t\t\t\t <joe@d.example>
      \t\t\t\t\t <starttls-silence-1@tundratools.exampl
      6APFURF6015243      120 Wed Nov 25 15:31 root
      \t\t\t\t\t bob@b.example
      \t\tTotal requests: 4

      """
    let bytes = Array(text.utf8)
    let isListing = Sendmail().isQueueListing(head: bytes.span)
    #expect(isListing)
    let now = Timestamp(seconds: 1_795_700_000)
    let listed = Sendmail().readQueueListing(bytes, path: "mailq", now: now)
    #expect(
      listed.messages.map { message in
        "\(message.queueID) \(message.state) <\(message.sender)> "
          + message.recipients.map { "\($0.address) \($0.reason ?? "-")" }.joined(separator: ", ")
      } == [
        "6APFURF2015243 held <ann@a.example> bob@b.example Deferred: Connection reset by "
          + "mx1.b.example.", "6APFURF3015243 active <> eve@c.example -",
        "6APFURF4015243 held <ann@a.example> eve@c.example -",
        "6APFURF5015243 deferred <ann@a.example> eve@c.example host map: lookup (c.example): "
          + "deferred, joe@d.example -", "6APFURF6015243 deferred <root> bob@b.example -",
      ]
    )
    // An address that is cut names no destination.
    #expect(listed.troubles.count == 1)
    #expect(Set(listed.messages.map(\.directory)) == ["/var/spool/mqueue"])
  }

  @Test func `mailq of several queues tells in which directory a message lies`() throws {
    let text = """
      \t\t/var/spool/mqueue/slow1 (1 request)
      -----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
      6APFURF2015243        3 Wed Nov 25 15:30 <ann@a.example>
      \t\t\t\t\t <bob@b.example>
      \t\t/var/spool/mqueue/fast is empty
      \t\t/var/spool/mqueue (1 request)
      -----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
      6APFURF3015243      120 Wed Nov 25 15:31 <ann@a.example>
      \t\t\t\t\t <eve@c.example>
      \t\tTotal requests: 2

      """
    let listed = Sendmail().readQueueListing(
      Array(text.utf8),
      path: "mailq",
      now: Timestamp(seconds: 1_795_700_000)
    )
    #expect(
      listed.messages.map(\.directory) == ["/var/spool/mqueue/slow1", "/var/spool/mqueue"]
    )
    #expect(listed.messages.map(\.recipients.count) == [1, 1])
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
    #expect(
      read.messages.compactMap(\.directory).sorted()
        == (1...3).map { "\(place)/mqueue/q\($0)/qf" }
    )
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
