import Foundation
import Testing

/// `mailtriage alert` as cron and monitoring run it.
@Suite(.serialized) struct AlertCommandTests {
  private final class Place {
    let path: String
    init() throws {
      path = NSTemporaryDirectory() + "alert-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try hook("exit 0")
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func hook(_ end: String) throws {
      let script = """
        #!/bin/sh
        echo "$MAILTRIAGE_RULE $MAILTRIAGE_DESTINATION $MAILTRIAGE_STATE" >> \(path)/told
        \(end)

        """
      try script.write(toFile: path + "/hook", atomically: true, encoding: .utf8)
      chmod(path + "/hook", 0o755)
    }

    var told: [String] {
      let text = (try? String(contentsOfFile: path + "/told", encoding: .utf8)) ?? ""
      return text.split(separator: "\n").map(String.init)
    }

    func log(_ lines: [String]) throws {
      let text = lines.joined(separator: "\n") + "\n"
      try text.write(toFile: path + "/mail.log", atomically: true, encoding: .utf8)
    }

    /// Runs the command; standard output, standard error, status.
    @discardableResult
    func alert(_ arguments: String..., now: String) throws -> (String, String, Int32) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        .deletingLastPathComponent().appendingPathComponent("mailtriage")
      process.arguments =
        ["alert"] + arguments + [
          "--now", now, "--timezone", "UTC", "--year", "2026", "--quiet",
          "--database", path + "/t.sqlite",
        ]
      let output = Pipe()
      let complaint = Pipe()
      process.standardOutput = output
      process.standardError = complaint
      try process.run()
      let said = try output.fileHandleForReading.readToEnd() ?? Data()
      let complained = try complaint.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return (
        String(decoding: said, as: UTF8.self), String(decoding: complained, as: UTF8.self),
        process.terminationStatus
      )
    }
  }

  /// One message's arrival and its attempt.
  private func lines(_ number: Int, _ time: String, _ domain: String, _ result: String) -> [String]
  {
    let id = "4" + String(String(number, radix: 16).uppercased()).leftPadded(to: 8)
    return [
      "2026-03-02T\(time)Z mx1 postfix/qmgr[9]: \(id): from=<a@a.example>, size=9, nrcpt=1 (queue active)",
      "2026-03-02T\(time)Z mx1 postfix/smtp[8]: \(id): to=<u\(number)@\(domain)>, "
        + "relay=mx.\(domain)[192.0.2.1]:25, delay=1, delays=0/0/0/1, \(result)",
    ]
  }

  private static let expired =
    "dsn=4.7.5, status=deferred (Server certificate not verified: "
    + "certificate has expired)"
  private static let refused =
    "dsn=4.4.1, status=deferred (connect to mx[192.0.2.1]:25: Connection refused)"
  private static let sent = "dsn=2.0.0, status=sent (250 ok)"

  @Test func `an incident is told once, and its end once`() throws {
    let place = try Place()
    try place.log(lines(1, "09:00:00", "b.example", AlertCommandTests.expired))
    let log = place.path + "/mail.log"
    let hook = place.path + "/hook"
    try place.alert(log, "--hook", hook, now: "2026-03-02T09:00:10Z")
    try place.alert(log, "--hook", hook, now: "2026-03-02T09:05:00Z")
    #expect(place.told == ["new-incident b.example firing"])
    let flows =
      lines(1, "09:00:00", "b.example", AlertCommandTests.expired)
      + lines(1, "09:10:00", "b.example", AlertCommandTests.sent).suffix(1)
      + ["2026-03-02T09:10:01Z mx1 postfix/qmgr[9]: 400000001: removed"]
    try place.log(flows)
    try place.alert(log, "--hook", hook, now: "2026-03-02T09:10:10Z")
    #expect(place.told == ["new-incident b.example firing"])
    try place.alert(log, "--hook", hook, now: "2026-03-02T09:40:00Z")
    try place.alert(log, "--hook", hook, now: "2026-03-02T09:50:00Z")
    #expect(place.told == ["new-incident b.example firing", "new-incident b.example resolved"])
  }

  @Test func `each rule fires on its own trouble and not without it`() throws {
    let place = try Place()
    // A day with forty arrivals an hour; then an hour with two, in which most destinations fail.
    var log: [String] = []
    for hour in 0..<10 {
      for minute in 0..<40 {
        let time = "\(String(hour).leftPadded(to: 2)):\(String(minute).leftPadded(to: 2)):00"
        log += lines(hour * 60 + minute, time, "ok\(minute % 8).example", AlertCommandTests.sent)
        log.append("2026-03-02T\(time)Z mx1 postfix/qmgr[9]: \(log.last?.queueID ?? ""): removed")
      }
    }
    try place.log(log)
    let path = place.path + "/mail.log"
    let quiet = try place.alert(path, now: "2026-03-02T09:45:00Z")
    #expect(quiet.0.contains("Nothing to alert of."))
    for number in 0..<60 {
      log += lines(
        900 + number,
        "10:0\(number / 10):0\(number % 10)",
        "ok\(number % 8).example",
        AlertCommandTests.refused
      )
    }
    try place.log(log)
    let trouble = try place.alert(path, now: "2026-03-02T10:50:00Z").0
    for rule in ["backlog-growth", "all-destinations", "new-incident"] {
      #expect(trouble.contains(": \(rule): "), "\(rule) is missing in:\n\(trouble)")
    }
    for rule in ["inbound-drop", "no-input", "fix-by-near", "ndr-wave"] {
      #expect(!trouble.contains(": \(rule): "), "\(rule) is wrong in:\n\(trouble)")
    }
    log += lines(990, "12:01:00", "ok1.example", AlertCommandTests.refused)
    try place.log(log)
    let dropped = try place.alert(path, now: "2026-03-02T12:02:00Z").0
    #expect(dropped.contains(": inbound-drop: 0 messages arrived in the last whole hour, 40"))
    let stale = try place.alert(path, now: "2026-03-02T14:30:00Z").0
    #expect(stale.contains(": no-input: No log line since 2026-03-02T12:01:00Z"))
    let late = try place.alert(path, now: "2026-03-07T08:00:00Z").0
    #expect(late.contains(": fix-by-near: "))
    #expect(late.contains(": ndr-wave: 61 messages are returned within 24 hours."))
  }

  @Test func `a monitoring plugin gets one line and a status of its own`() throws {
    let place = try Place()
    let empty = try place.alert("--nagios", now: "2026-03-02T09:00:10Z")
    #expect(empty.2 == 3)
    #expect(empty.0.hasPrefix("MAILTRIAGE UNKNOWN - "))
    try place.log(lines(1, "09:00:00", "b.example", AlertCommandTests.sent))
    let log = place.path + "/mail.log"
    #expect(try place.alert(log, "--nagios", now: "2026-03-02T09:00:10Z").2 == 0)
    try place.log(
      lines(1, "09:00:00", "b.example", AlertCommandTests.sent)
        + lines(2, "09:01:00", "c.example", AlertCommandTests.expired)
    )
    let warning = try place.alert(log, "--nagios", now: "2026-03-02T09:01:10Z")
    #expect(warning.2 == 1)
    #expect(warning.0.split(separator: "\n").count == 1)
    #expect(warning.0.contains(" | queued=1;;;0 expiring_24h=0;;;0 incidents=1;;;0"))
    #expect(try place.alert(log, "--nagios", now: "2026-03-02T19:01:10Z").2 == 2)
    let broken = try place.alert(
      "--nagios",
      "--config",
      "/nonexistent.yaml",
      now: "2026-03-02T09:01:10Z"
    )
    #expect(broken.2 == 3)
    #expect(broken.0.hasPrefix("MAILTRIAGE UNKNOWN - "))
    #expect(place.told.isEmpty)
  }

  @Test func `metrics are written whole, in the text format`() throws {
    let place = try Place()
    try place.log(lines(1, "09:00:00", "b.example", AlertCommandTests.expired))
    let file = place.path + "/mailtriage.prom"
    try place.alert(
      place.path + "/mail.log",
      "--prometheus",
      file,
      now: "2026-03-02T09:00:10Z"
    )
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(text.contains("mailtriage_queued_messages 1\n"))
    #expect(
      text.contains(
        "mailtriage_incident_active{destination=\"b.example\",class=\"certificate-expired\","
          + "tls_is_cause=\"yes\"} 1\n"
      )
    )
    let sample = /mailtriage_[a-z0-9_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+]+/
    for line in text.split(separator: "\n") where !line.hasPrefix("# ") {
      #expect(line.wholeMatch(of: sample) != nil, "\(line)")
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
        .filter { $0.hasPrefix("mailtriage.prom") } == ["mailtriage.prom"]
    )
  }

  @Test func `a test reaches the hook, and says so when it does not`() throws {
    let place = try Place()
    let good = try place.alert(
      "--test",
      "--hook",
      place.path + "/hook",
      now: "2026-03-02T09:00:10Z"
    )
    #expect(good.2 == 0)
    #expect(place.told == ["test  firing"])
    try place.hook("exit 7")
    let bad = try place.alert("--test", "--hook", place.path + "/hook", now: "2026-03-02T09:00:10Z")
    #expect(bad.2 == 69)
    #expect(bad.1.contains("ended with status 7"))
    let none = try place.alert("--test", now: "2026-03-02T09:00:10Z")
    #expect(none.2 == 64)
  }

  @Test func `a silenced destination is not told of`() throws {
    let place = try Place()
    try place.log(
      lines(1, "09:00:00", "b.example", AlertCommandTests.expired)
        + lines(2, "09:00:01", "c.example", AlertCommandTests.expired)
    )
    try place.alert("--silence", "B.example", "--for", "2h", now: "2026-03-02T09:00:00Z")
    let hook = place.path + "/hook"
    try place.alert(place.path + "/mail.log", "--hook", hook, now: "2026-03-02T09:00:10Z")
    #expect(place.told == ["new-incident c.example firing"])
    try place.alert("--hook", hook, now: "2026-03-02T11:00:10Z")
    #expect(place.told.contains("new-incident b.example firing"))
    let wrong = try place.alert("--silence", "b.example", now: "2026-03-02T09:00:00Z")
    #expect(wrong.2 == 64)
  }
}

extension String {
  fileprivate func leftPadded(to width: Int) -> String {
    String(repeating: "0", count: max(0, width - count)) + self
  }

  /// The queue id of a result line.
  fileprivate var queueID: String {
    split(separator: ": ").dropFirst().first.map(String.init) ?? ""
  }
}
