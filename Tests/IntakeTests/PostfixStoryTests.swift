import Foundation
import MailModel
import MailServers
import Store
import Testing

@testable import Intake

/// What the store knows after Postfix's log was read: stories of messages, told once.
struct PostfixStoryTests {
  /// A log in a directory of its own, and a store that reads it.
  private final class Story {
    let path: String
    let store: TriageStore

    init() throws {
      path = NSTemporaryDirectory() + "story-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      store = try TriageStore(path: path + "/t.sqlite")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ lines: [String], as name: String = "mail.log") throws {
      try Data(lines.joined(separator: "\n").utf8 + [0x0a])
        .write(to: URL(fileURLWithPath: path + "/" + name))
    }

    @discardableResult
    func read(_ names: String...) throws -> [InputReport] {
      var discovery = Discovery(servers: registeredMailServers)
      for name in names.isEmpty ? ["mail.log"] : names { discovery.add(path + "/" + name) }
      let ingest = try Ingest(
        store: store,
        servers: registeredMailServers,
        options: IngestOptions(
          zone: "UTC",
          year: 2026,
          now: Timestamp(seconds: 1_772_530_000)
        ),
        seed: 3
      )
      return try ingest.run(discovery.inputs)
    }

    var messages: [StoredMessage] {
      get throws {
        var all: [StoredMessage] = []
        try store.forEachMessage(in: Window()) { all.append($0) }
        return all
      }
    }

    /// All that a question can see.
    var told: [String] {
      get throws {
        try messages.map { "\($0)" }
          + store.tallies(in: Window()).map { "\($0)" }.sorted()
          + store.arrivals(in: Window()).sorted { $0.key < $1.key }.map { "\($0)" }
          + store.serverMoments(in: Window()).map { "\($0)" }
      }
    }
  }

  /// `hh:mm:ss PROGRAM[PID]: TEXT` as a syslog line.
  private func line(_ time: String, _ program: String, _ text: String, host: String = "mx1")
    -> String
  {
    "Mar  2 \(time) \(host) postfix/\(program): \(text)"
  }

  private func result(
    _ time: String,
    _ id: String,
    _ to: String,
    _ end: String,
    relay: String = "mx.b.example[192.0.2.9]:25",
    program: String = "smtp[7]"
  ) -> String {
    line(time, program, "\(id): to=<\(to)>, relay=\(relay), delay=1, delays=0/0/1/0, \(end)")
  }

  private let sent = "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 77)"
  private let failed = "dsn=4.7.5, status=deferred (Server certificate not verified)"

  /// A day with deferrals, a delivery, a warning and its notice, an expiry and a reload.
  private var day: [String] {
    [
      line("09:00:00", "smtpd[2]", "1E24040003: client=app.example.com[192.0.2.5]"),
      line("09:00:00", "cleanup[3]", "1E24040003: message-id=<m1@app.example.com>"),
      line(
        "09:00:00",
        "qmgr[4]",
        "1E24040003: from=<ann@a.example>, size=1834, nrcpt=2 (queue active)"
      ),
      line(
        "09:00:01",
        "smtp[7]",
        "certificate verification failed for mx.b.example[192.0.2.9]:25: self-signed certificate"
      ), result("09:00:01", "1E24040003", "bob@b.example", failed),
      result(
        "09:00:02",
        "1E24040003",
        "joe@c.example",
        sent,
        relay: "mx.c.example[192.0.2.10]:25",
        program: "smtp[8]"
      ), line("09:10:00", "master[1]", "reload -- version 3.7.11, configuration /etc/postfix"),
      line(
        "13:00:01",
        "qmgr[4]",
        "1E24040003: from=<ann@a.example>, size=1834, nrcpt=2 (queue active)"
      ), result("13:00:02", "1E24040003", "bob@b.example", failed),
      line("13:00:02", "bounce[5]", "1E24040003: sender delay notification: 2F35151114"),
      line(
        "13:00:02",
        "qmgr[4]",
        "2F35151114: from=<>, size=3000, nrcpt=1 (queue active)"
      ),
      result("13:00:03", "2F35151114", "ann@a.example", sent, relay: "local", program: "local[6]"),
      line("13:00:03", "qmgr[4]", "2F35151114: removed"),
      line(
        "15:00:01",
        "qmgr[4]",
        "1E24040003: from=<ann@a.example>, size=1834, nrcpt=2 (queue active)"
      ), result("15:00:02", "1E24040003", "bob@b.example", failed),
      line(
        "15:00:02",
        "qmgr[4]",
        "1E24040003: from=<ann@a.example>, status=expired, returned to sender"
      ),
      line("15:00:02", "bounce[5]", "1E24040003: sender non-delivery notification: 3A46262225"),
      line("15:00:02", "qmgr[4]", "1E24040003: removed"),
    ]
  }

  @Test func `a message's life is told whole`() throws {
    let story = try Story()
    try story.write(day)
    try story.read()
    let message = try #require(try story.store.messages(matching: "1E24040003").first)
    #expect(message.sender == "ann@a.example")
    #expect(message.messageID == "m1@app.example.com")
    #expect(message.size == 1834)
    #expect(message.host == "mx1")
    #expect(message.arrivedAt.rfc3339 == "2026-03-02T09:00:00Z")
    #expect(message.endedAt?.rfc3339 == "2026-03-02T15:00:02Z")
    #expect(message.recipients.map(\.address) == ["bob@b.example", "joe@c.example"])
    #expect(message.recipients.map(\.status) == [.expired, .delivered])
    #expect(message.recipients.map(\.attempts.count) == [3, 1])
    #expect(message.notifications.map(\.kind) == [.delay, .nonDelivery])
    #expect(message.notifications.map(\.noticeID) == ["2F35151114", "3A46262225"])
    // The notice is a message of its own.
    let notice = try #require(try story.store.messages(matching: "2F35151114").first)
    #expect(notice.sender == "")
    #expect(notice.recipients.map(\.status) == [.delivered])
  }

  @Test func `evidence is a pointer: the very lines are read back`() throws {
    let story = try Story()
    try story.write(day)
    try story.read()
    let message = try #require(try story.store.messages(matching: "bob@b.example").first)
    let attempt = try #require(message.recipients.first?.attempts.first)
    #expect(attempt.cause.contains("self-signed certificate"))
    let cause = try #require(attempt.causePosition)
    #expect(try story.store.line(at: cause)?.text == day[3])
    #expect(try story.store.line(at: attempt.position)?.text == day[4])
    #expect(try story.store.line(at: attempt.position)?.path.hasSuffix("/mail.log") == true)
    let bytesBefore = day.prefix(4).reduce(0) { $0 + $1.utf8.count + 1 }
    #expect(attempt.position.offset == Int64(bytesBefore))
  }

  @Test func `a second run over the same input changes nothing`() throws {
    let story = try Story()
    try story.write(day)
    try story.read()
    let before = try story.told
    let sources = try story.store.sources()
    let reports = try story.read()
    #expect(reports.map(\.newLines) == [0])
    #expect(reports.map(\.lines) == [day.count])
    #expect(try story.told == before)
    #expect(try story.store.sources() == sources)
  }

  @Test(arguments: 1..<17)
  func `a log that grew between two runs is told as if read at once`(_ cut: Int) throws {
    let whole = try Story()
    try whole.write(day)
    try whole.read()
    let grown = try Story()
    try grown.write(Array(day.prefix(cut)))
    try grown.read()
    try grown.write(day)
    let second = try grown.read()
    #expect(second.map(\.newLines) == [day.count - cut])
    #expect(try grown.told == whole.told)
  }

  @Test(arguments: [1, 40, 90])
  func `a last line without an end is left, and read whole by the next run`(_ left: Int) throws {
    let whole = try Story()
    try whole.write(day)
    try whole.read()
    let grown = try Story()
    try grown.write(Array(day.prefix(9)))
    let log = try #require(FileHandle(forUpdatingAtPath: grown.path + "/mail.log"))
    let size = try log.seekToEnd()
    try log.truncate(atOffset: size - UInt64(left))
    try log.close()
    try grown.read()
    try grown.write(day)
    #expect(try grown.read().map(\.newLines) == [day.count - 8])
    #expect(try grown.store.sources().count == 1)
    #expect(try grown.told == whole.told)
  }

  @Test func `a rotated log is known again, and the new one adds what is new`() throws {
    let whole = try Story()
    try whole.write(day)
    try whole.read()
    let rotated = try Story()
    try rotated.write(Array(day.prefix(9)))
    try rotated.read()
    rename(rotated.path + "/mail.log", rotated.path + "/mail.log.1")
    try rotated.write(Array(day.dropFirst(9)))
    let reports = try rotated.read("mail.log.1", "mail.log")
    #expect(reports.reduce(0) { $0 + $1.newLines } == day.count - 9)
    func facts(_ story: Story) throws -> [String] {
      try story.messages.flatMap { message in
        message.recipients.map {
          "\(message.queueID) \($0.address) \($0.status) \($0.attempts.map(\.at.microseconds))"
        }
      }
    }
    #expect(try facts(rotated) == facts(whole))
  }

  @Test func `a short queue id that comes round again is another message`() throws {
    let story = try Story()
    try story.write([
      line("09:00:00", "smtpd[2]", "1E24040003: client=a[192.0.2.5]"),
      result("09:00:01", "1E24040003", "bob@b.example", sent),
      line("09:00:01", "qmgr[4]", "1E24040003: removed"),
      line("11:00:00", "smtpd[2]", "1E24040003: client=a[192.0.2.5]"),
      result("11:00:01", "1E24040003", "eve@c.example", failed),
      // The end of that one was not logged.
      line("12:00:00", "pickup[2]", "1E24040003: uid=0 from=<root>"),
      result("12:00:01", "1E24040003", "joe@d.example", sent),
    ])
    try story.read()
    let messages = try story.messages
    #expect(messages.map(\.queueID) == ["1E24040003", "1E24040003", "1E24040003"])
    #expect(
      messages.map { $0.recipients.map(\.address) } == [
        ["bob@b.example"], ["eve@c.example"], ["joe@d.example"],
      ]
    )
  }

  @Test func `mail that is put back into the queue gets a new id; the old one has ended`() throws {
    let story = try Story()
    try story.write([
      line("09:00:00", "smtpd[2]", "1E24040003: client=a[192.0.2.5]"),
      result("09:00:01", "1E24040003", "bob@b.example", failed),
      line("10:00:00", "postsuper[9]", "1E24040003: requeued"),
      line("10:00:05", "pickup[2]", "2F35151114: uid=102 from=<ann@a.example> orig_id=1E24040003"),
      result("10:00:06", "2F35151114", "bob@b.example", sent),
      line("10:00:06", "qmgr[4]", "2F35151114: removed"),
    ])
    try story.read()
    let messages = try story.messages
    #expect(messages.map(\.queueID) == ["1E24040003", "2F35151114"])
    #expect(messages.allSatisfy { $0.endedAt != nil })
    #expect(messages.last?.recipients.map(\.status) == [.delivered])
  }

  @Test func `held mail is held until it is released, removed mail waits no more`() throws {
    let story = try Story()
    let arrival = [
      line("09:00:00", "smtpd[2]", "1E24040003: client=a[192.0.2.5]"),
      result("09:00:01", "1E24040003", "bob@b.example", failed),
    ]
    func status(after more: [String]) throws -> [RecipientStatus] {
      try story.write(arrival + more)
      try story.read()
      return try story.messages.flatMap(\.recipients).map(\.status)
    }
    let held = line("09:05:00", "postsuper[9]", "1E24040003: placed on hold")
    let released = line("09:06:00", "postsuper[9]", "1E24040003: released from hold")
    let removed = line("09:07:00", "postsuper[9]", "1E24040003: removed")
    #expect(try status(after: []) == [.deferred])
    #expect(try status(after: [held]) == [.held])
    #expect(try status(after: [held, released]) == [.deferred])
    #expect(try story.store.openMessages(knownUntil: [:]).count == 1)
    #expect(try status(after: [held, released, removed]) == [.unknown])
    #expect(try story.store.openMessages(knownUntil: [:]).isEmpty)
  }

  @Test func `each line has one of three outcomes, and what was not understood is kept`() throws {
    let story = try Story()
    let strange = line("09:00:03", "qmgr[4]", "1E24040003: a thing nobody foresaw")
    try story.write(
      day + [
        strange, "Mar  2 15:01:00 mx1 dovecot: imap-login: Login: user=<bob>",
        "Mar  2 15:01:01 mx1 CRON[77]: (root) CMD (true)", "no log line at all",
      ]
    )
    let report = try #require(try story.read().first)
    #expect(report.lines == day.count + 4)
    #expect(report.recognized == day.count)
    #expect(report.unrecognized == 1)
    #expect(try story.store.linesNotUnderstood(limit: 9).map(\.text) == [strange])
    #expect(report.format == "postfix")
  }

  @Test func `hosts and instances keep their messages apart`() throws {
    let story = try Story()
    try story.write([
      line("09:00:00", "smtpd[2]", "1E24040003: client=a[192.0.2.5]"),
      line("09:00:00", "smtpd[2]", "1E24040003: client=a[192.0.2.5]", host: "mx2"),
      result("09:00:01", "1E24040003", "bob@b.example", sent),
      result("09:00:01", "1E24040003", "eve@c.example", failed)
        .replacing(" mx1 postfix/", with: " mx2 out/"),
    ])
    try story.read()
    let messages = try story.messages
    #expect(messages.map(\.host) == ["mx1", "mx2"])
    #expect(messages.map { $0.recipients.map(\.status) } == [[.delivered], [.deferred]])
  }

  @Test func `one event told by two channels of a host counts once`() throws {
    let story = try Story()
    try story.write(day)
    // The same day as rsyslog writes it in ISO form.
    try story.write(
      day.map {
        $0.replacing("Mar  2 ", with: "2026-03-02T").replacing(" mx1 ", with: ".5+00:00 mx1 ")
      },
      as: "mail.iso"
    )
    try story.read("mail.log", "mail.iso")
    let attempts = try story.messages.map { "\($0.queueID) \($0.recipients.map(\.attempts.count))" }
    #expect(attempts == ["1E24040003 [3, 1]", "2F35151114 [1]", "3A46262225 []"])
    let counted = try story.store.tallies(in: Window()).reduce(0) { $0 + $1.count }
    #expect(counted == 5)
  }

  @Test func `retries show the queue runs, a reload its moment`() throws {
    let story = try Story()
    try story.write(day)
    try story.read()
    let seen = try story.store.observations(
      [.queueRuns, .starts, .expiries, .delayWarnings],
      of: MailServerID("postfix"),
      before: Timestamp(seconds: 1_772_530_000)
    )
    #expect(
      seen.queueRuns.map(\.rfc3339) == ["2026-03-02T13:00:01Z", "2026-03-02T15:00:01Z"]
    )
    #expect(seen.starts.map(\.rfc3339) == ["2026-03-02T09:10:00Z"])
    #expect(seen.expiries.map(\.age) == [21_602])
    #expect(seen.delayWarnings.map(\.age) == [14_402])
  }
}
