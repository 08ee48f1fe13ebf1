import Foundation
import Testing

/// Each event counts once, whatever happened to the files between two runs.
@Suite struct ExactlyOnceTests {
  private static let start = Date(timeIntervalSince1970: 1_772_442_845)

  /// Messages, one a minute, of which each fourth is deferred and stays open.
  private func log(_ numbers: Range<Int>, host: String = "mx1") -> String {
    numbers.map { number in
      PostfixLines.message(
        number,
        at: ExactlyOnceTests.start.addingTimeInterval(Double(number) * 60),
        "d\(number % 7).example",
        number % 4 == 0 ? PostfixLines.expired : PostfixLines.sent
      ).replacingOccurrences(of: " mx1 ", with: " \(host) ")
    }.joined()
  }

  /// The same as a journal's entries.
  private func journal(_ numbers: Range<Int>) -> String {
    log(numbers).split(separator: "\n").map { line in
      let words = line.split(separator: " ", maxSplits: 3)
      let moment = ISO8601DateFormatter().date(from: String(words[0])) ?? ExactlyOnceTests.start
      // The journal keeps parts of a second.
      let micros = Int(moment.timeIntervalSince1970) * 1_000_000 + 123_456
      let tag = words[2].prefix { $0 != "[" }
      let pid = words[2].drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }
      return #"{"__REALTIME_TIMESTAMP":"\#(micros)","_HOSTNAME":"\#(words[1])","#
        + #""SYSLOG_IDENTIFIER":"\#(tag)","SYSLOG_PID":"\#(pid)","MESSAGE":"\#(words[3])"}"#
    }.joined(separator: "\n") + "\n"
  }

  private func totals(_ place: Workplace, _ paths: String...) throws -> [String: Int] {
    let outcome = try Workplace.finish(
      place.process(["analyze"] + paths + ["--format", "json", "--now", "2026-03-05T00:00:00Z"])
    )
    #expect(outcome.status == 0, "\(outcome.complaint)")
    let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let totals = try #require((answer as? [String: Any])?["totals"] as? [String: Any])
    return totals.compactMapValues { $0 as? Int }
  }

  private func expect(_ totals: [String: Int], count numbers: Range<Int>, hosts: Int = 1) {
    let open = numbers.count { $0 % 4 == 0 }
    #expect(totals["messages"] == hosts * numbers.count)
    #expect(totals["delivered"] == hosts * (numbers.count - open))
    #expect(totals["deferred"] == hosts * open)
  }

  private func gzip(_ path: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = [path]
    try process.run()
    process.waitUntilExit()
  }

  @Test func `lines that were added before a log was renamed are read under its new name`() throws {
    let place = try Workplace()
    try place.write("log/mail.log", log(0..<40))
    expect(try totals(place, place.path + "/log"), count: 0..<40)
    try place.append("log/mail.log", log(40..<60))
    let log = place.path + "/log/mail.log"
    try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
    try place.write("log/mail.log", self.log(60..<80))
    expect(try totals(place, place.path + "/log"), count: 0..<80)
    // Packed in the meantime, with a tail that nobody has read.
    try place.append("log/mail.log", self.log(80..<90))
    try FileManager.default.moveItem(atPath: log + ".1", toPath: log + ".2")
    try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
    try gzip(log + ".1")
    try gzip(log + ".2")
    try place.write("log/mail.log", self.log(90..<91))
    expect(try totals(place, place.path + "/log"), count: 0..<91)
  }

  @Test func `a log that was copied and cut, with a tail unread, counts once`() throws {
    let place = try Workplace()
    try place.write("log/mail.log", log(0..<40))
    expect(try totals(place, place.path + "/log"), count: 0..<40)
    try place.write("log/mail.log.1", log(0..<60))
    // The same file, longer again than what was read of it.
    try place.write("log/mail.log", log(60..<130))
    expect(try totals(place, place.path + "/log"), count: 0..<130)
  }

  @Test(arguments: [false, true])
  func `an older, shorter copy beside a log adds nothing`(_ copyFirst: Bool) throws {
    let place = try Workplace()
    try place.write("log/mail.log", log(0..<100))
    try place.write("old/mail.log", log(0..<70))
    let paths = [place.path + "/log", place.path + "/old"]
    expect(try totals(place, paths[copyFirst ? 1 : 0]), count: 0..<(copyFirst ? 70 : 100))
    expect(try totals(place, paths[0], paths[1]), count: 0..<100)
    expect(try totals(place, paths[1], paths[0]), count: 0..<100)
  }

  @Test func `two logs that begin alike and go on otherwise count each line once`() throws {
    let place = try Workplace()
    try place.write("a.log", log(0..<60))
    try place.write("b.log", log(0..<40) + log(60..<80))
    expect(try totals(place, place.path + "/a.log"), count: 0..<60)
    expect(try totals(place, place.path + "/b.log"), count: 0..<80)
    expect(try totals(place, place.path + "/a.log", place.path + "/b.log"), count: 0..<80)
  }

  @Test func `a packed log that another piece was added to goes on where it was`() throws {
    let place = try Workplace()
    let first = try place.write("a", log(0..<40))
    try gzip(first)
    let path = first + ".gz"
    expect(try totals(place, path), count: 0..<40)
    let second = try place.write("b", log(40..<70))
    try gzip(second)
    let whole =
      try Data(contentsOf: URL(fileURLWithPath: path))
      + Data(contentsOf: URL(fileURLWithPath: second + ".gz"))
    try whole.write(to: URL(fileURLWithPath: path))
    expect(try totals(place, path), count: 0..<70)
  }

  @Test func `two hosts' logs in one directory are told apart`() throws {
    let place = try Workplace()
    try place.write("log/mx1.log", log(0..<40))
    try place.write("log/mx2.log", log(0..<40, host: "mx2"))
    expect(try totals(place, place.path + "/log"), count: 0..<40, hosts: 2)
    expect(try totals(place, place.path + "/log"), count: 0..<40, hosts: 2)
  }

  @Test(arguments: [[0, 1], [1, 0], [0, 0, 1, 1, 0]])
  func `events that two channels tell of count once, in any order of runs`(_ order: [Int]) throws {
    let place = try Workplace()
    // Neither channel has all: the log was rotated away, the journal goes on.
    try place.write("syslog", log(0..<60))
    try place.write("journal", journal(20..<90))
    var seen = 0..<0
    for channel in order {
      seen = seen.isEmpty ? (channel == 0 ? 0..<60 : 20..<90) : seen
      _ = try totals(place, place.path + (channel == 0 ? "/syslog" : "/journal"))
    }
    expect(
      try totals(place, place.path + "/syslog", place.path + "/journal"),
      count: 0..<90
    )
  }

  @Test(arguments: [("mx1", "mx1.example.com"), ("MX1", "mx1"), ("mx1.Example.com", "mx1")])
  func `a host that two channels call differently counts once`(
    _ name: String,
    _ other: String
  ) throws {
    for isTurned in [false, true] {
      let place = try Workplace()
      try place.write("a", log(0..<40, host: isTurned ? other : name))
      try place.write("b", log(0..<40, host: isTurned ? name : other))
      expect(try totals(place, place.path + "/a"), count: 0..<40)
      expect(try totals(place, place.path + "/b"), count: 0..<40)
      expect(try totals(place, place.path), count: 0..<40)
    }
  }

  @Test func `hosts of two domains are two, whatever their names begin with`() throws {
    let place = try Workplace()
    try place.write("a", log(0..<40, host: "mx1.a.example"))
    try place.write("b", log(0..<40, host: "mx1.b.example"))
    expect(try totals(place, place.path), count: 0..<40, hosts: 2)
  }

  @Test func `two channels that grow side by side count each event once`() throws {
    let place = try Workplace()
    try place.write("log/syslog", "")
    try place.write("log/journal", "")
    for number in stride(from: 0, to: 60, by: 12) {
      try place.append("log/syslog", log(number..<(number + 12)))
      // One channel is a little behind.
      let behind = max(0, number - 5)..<(number + 7)
      try place.append("log/journal", journal(number == 0 ? 0..<7 : behind))
      expect(try totals(place, place.path + "/log"), count: 0..<(number + 12))
    }
  }

  @Test func `lines that repeat within one second count each time`() throws {
    let place = try Workplace()
    let line =
      "2026-03-02T09:14:06Z mx1 postfix/smtp[8]: 4ABC1D2E3F: to=<b@b.example>, relay=none, "
      + "delay=1, delays=0/0/0/1, dsn=4.4.1, status=deferred (connection refused)\n"
    try place.write("mail.log", String(repeating: line, count: 5))
    #expect(try totals(place, place.path + "/mail.log")["deferred"] == 5)
    try place.append("mail.log", line + line)
    #expect(try totals(place, place.path + "/mail.log")["deferred"] == 7)
    #expect(try totals(place, place.path + "/mail.log")["deferred"] == 7)
  }

  @Test func `a message that is open at the end of one run goes on in the next`() throws {
    let place = try Workplace()
    let lines =
      log(4..<5) + "2026-03-04T09:00:00Z mx1 postfix/smtp[8]: 400000004: "
      + "to=<u4@d4.example>, relay=mx.d4.example[192.0.2.1]:25, delay=172000, delays=0/0/0/1, "
      + PostfixLines.sent + "\n2026-03-04T09:00:00Z mx1 postfix/qmgr[9]: 400000004: removed\n"
    for (number, line) in lines.split(separator: "\n").enumerated() {
      if number == 0 { try place.write("mail.log", "") }
      try place.append("mail.log", line + "\n")
      _ = try totals(place, place.path + "/mail.log")
    }
    let totals = try totals(place, place.path + "/mail.log")
    #expect(totals["messages"] == 1)
    #expect(totals["recipients"] == 1)
    #expect(totals["delivered"] == 1)
    #expect(totals["deferred"] == 1)
    #expect(totals["queued"] == 0)
  }

  /// Three days' logs of messages that are tried each day: two that get through, or are given up, on the
  /// last day, one on the second, one that waits on, and one that comes each day.
  private static func day(_ day: Int) -> String {
    func line(_ hour: Int, _ text: String) -> String {
      "2026-03-0\(2 + day)T\(hour < 10 ? "0" : "")\(hour):00:00Z mx1 postfix/\(text)\n"
    }
    func arrival(_ id: String) -> String {
      line(1, "cleanup[7]: \(id): message-id=<\(id)@a.example>") + active(id, 1)
    }
    func active(_ id: String, _ hour: Int) -> String {
      line(hour, "qmgr[9]: \(id): from=<a@a.example>, size=900, nrcpt=1 (queue active)")
    }
    func attempt(_ id: String, _ result: String, to recipient: String = "u") -> String {
      line(
        2,
        "smtp[8]: \(id): to=<\(recipient)@b.example>, relay=mx.b.example[192.0.2.1]:25, "
          + "delay=\(day * 86_400 + 3600), delays=0/0/0/1, \(result)"
      )
    }
    let (sent, waits) = (PostfixLines.sent, PostfixLines.expired)
    let new = "4A00\(day)0F1"
    var log = arrival(new) + attempt(new, sent) + line(3, "qmgr[9]: \(new): removed")
    let old = [("4B000F1", 2), ("4C000F1", 2), ("4D000F1", 1), ("4E000F1", 9)]
    for (id, last) in old where day <= last {
      log += day == 0 ? arrival(id) : active(id, 1)
      log += attempt(id, day < last || id == "4C000F1" ? waits : sent)
      if id == "4B000F1" { log += attempt(id, day == 1 ? sent : waits, to: day == 2 ? "w" : "v") }
      guard day == last else { continue }
      if id == "4C000F1" {
        log += line(2, "qmgr[9]: \(id): from=<a@a.example>, status=expired, returned to sender")
      }
      log += line(3, "qmgr[9]: \(id): removed")
    }
    return log
  }

  @Test(
    arguments: [[2, 1, 0], [2, 0, 1], [1, 2, 0], [0, 2, 1], [1, 0, 2], [2, 2, 0, 1, 0]]
  )
  func `days that are read in another order tell the same of each message`(
    _ order: [Int]
  ) throws {
    let (straight, mixed) = (try Workplace(), try Workplace())
    for (place, days) in [(straight, [0, 1, 2]), (mixed, order)] {
      for day in days {
        let path = try place.write("mail.log.\(2 - day)", ExactlyOnceTests.day(day))
        _ = try totals(place, path)
      }
    }
    let questions = [
      """
      SELECT group_concat(queue_id || ' ' || arrived_at || ' ' || message_id || ' ' || size || ' '
        || last_at || ' ' || ifnull(ended_at, '-') || ' ' || tries || ' ' || last_try, char(10))
      FROM (SELECT * FROM message_now ORDER BY queue_id)
      """,
      """
      SELECT group_concat(q || ' ' || address || ' ' || status || ' ' || ifnull(expired_at, '-') || ' '
        || last_at || ' ' || ifnull(previous_at, '-'), char(10))
      FROM (SELECT m.queue_id AS q, r.* FROM recipient r JOIN message m ON m.id = r.message
        ORDER BY q, address)
      """,
      """
      SELECT group_concat(q || ' ' || address || ' ' || at || ' ' || facts, char(10))
      FROM (SELECT m.queue_id AS q, r.address, a.at, a.facts FROM attempt a
        JOIN recipient r ON r.id = a.recipient JOIN message m ON m.id = r.message
        ORDER BY q, address, at)
      """,
      "SELECT group_concat(age || ' ' || ifnull(previous_age, '-')) FROM expiry",
      """
      SELECT group_concat(hour || ' ' || count) FROM (SELECT * FROM arrival_tally ORDER BY hour)
      """,
      "SELECT CAST(count(*) AS TEXT) FROM past_message",
    ]
    for question in questions {
      let (want, got): (String?, String?) = (
        try straight.value(question), try mixed.value(question)
      )
      #expect(got == want, "\(question)")
    }
  }

  @Test(arguments: [false, true])
  func `what names a source is the same, however little of it was read last`(
    _ isPacked: Bool
  ) throws {
    let (whole, pieced) = (try Workplace(), try Workplace())
    let all = log(0..<40)
    // The last run has one short line to read.
    for (place, pieces) in [
      (whole, [all.utf8.count]), (pieced, [all.utf8.count - 57, 12, 45]),
    ] {
      var length = 0
      for piece in pieces {
        length += piece
        let path = try place.write("mail.log", all.prefix(length))
        try? FileManager.default.removeItem(atPath: path + ".gz")
        if isPacked { try gzip(path) }
        _ = try totals(place, path + (isPacked ? ".gz" : ""))
      }
      #expect(try place.value("SELECT tail_length FROM source") == 256)
    }
    let fingerprint = "SELECT tail_hash FROM source"
    #expect(try whole.value(fingerprint) as Int? == pieced.value(fingerprint))
  }
}
