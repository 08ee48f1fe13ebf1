import Foundation
import GRDB
import Testing

/// What a database is, and that nothing in it is counted twice or lost.
@Suite struct DatabaseTests {
  private static let log = Workplace.samples + "/postfix/mail.log"

  private func lines() throws -> [Substring] {
    try String(contentsOfFile: DatabaseTests.log, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: true)
  }

  @Test func `it is private, strict and written ahead`() throws {
    let place = try Workplace()
    #expect(try place.run("analyze", DatabaseTests.log, "--year", "2026").status == 0)
    let attributes = try FileManager.default.attributesOfItem(atPath: place.database)
    #expect((attributes[.posixPermissions] as? Int) == 0o600)
    let directory = try FileManager.default.attributesOfItem(atPath: place.path + "/state")
    #expect((directory[.posixPermissions] as? Int) == 0o700)
    #expect(try place.value("PRAGMA journal_mode") == "wal")
    let loose: Int? = try place.value(
      """
      SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
        AND name <> 'grdb_migrations' AND sql NOT LIKE '%STRICT%'
      """
    )
    #expect(loose == 0)
    let first: String? = try place.value("SELECT min(identifier) FROM grdb_migrations")
    #expect(first == "01-ingest")
  }

  @Test func `a second run over the same input changes nothing`() throws {
    let place = try Workplace()
    let first = try place.run(
      "analyze",
      Workplace.samples + "/postfix",
      "--year",
      "2026",
      "--now",
      "2026-11-23T12:02:49Z"
    )
    let before = try place.dump()
    let second = try place.run(
      "analyze",
      Workplace.samples + "/postfix",
      "--year",
      "2026",
      "--now",
      "2026-11-23T12:02:49Z"
    )
    #expect(second.output == first.output)
    #expect(try place.dump() == before)
  }

  @Test func `a log that grew, was rotated, was packed or copied aside counts once`() throws {
    let lines = try lines()
    let whole = try Workplace()
    try whole.write("mail.log", lines.joined(separator: "\n") + "\n")
    try whole.run("analyze", whole.path + "/mail.log", "--year", "2026")
    let expected = try whole.dump()
    let part = lines.count / 3

    let place = try Workplace()
    let log = place.path + "/mail.log"
    try place.write("mail.log", lines[..<part].joined(separator: "\n") + "\n")
    try place.run("analyze", log, "--year", "2026")
    // Grown.
    try place.append("mail.log", lines[part..<(part * 2)].joined(separator: "\n") + "\n")
    try place.run("analyze", log, "--year", "2026")
    // Renamed, and a new one begun.
    try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
    try place.write("mail.log", lines[(part * 2)...].joined(separator: "\n") + "\n")
    try place.run("analyze", log, log + ".1", "--year", "2026")
    try expect(place, is: expected)
    // Packed, and lying there a second time under another name.
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
    gzip.arguments = [log + ".1"]
    try gzip.run()
    gzip.waitUntilExit()
    try FileManager.default.copyItem(atPath: log, toPath: place.path + "/copy")
    try place.run("analyze", log, log + ".1.gz", place.path + "/copy", "--year", "2026")
    try expect(place, is: expected)
    // Copied and cut: the same file goes on from its start.
    try place.write("mail.log", "")
    try place.run("analyze", log, place.path + "/copy", "--year", "2026")
    try expect(place, is: expected)
  }

  /// What was learnt is the same; sources differ, since there are other files.
  private func expect(_ place: Workplace, is expected: [String: [String]]) throws {
    let own = try place.dump()
    for table in ["domain", "relay", "message", "recipient", "expiry", "arrival_tally"] {
      #expect(own[table] == expected[table], "\(table)")
    }
    let counts =
      "SELECT group_concat(n) FROM (SELECT sum(count) n FROM tally GROUP BY domain, facts)"
    let attempts: Int? = try place.value("SELECT count(*) FROM attempt")
    #expect(attempts == expected["attempt"]?.count)
    let total: String? = try place.value(counts)
    #expect(total != nil)
  }

  @Test func `detail is kept thirty days behind the newest line, sums longer`() throws {
    let place = try Workplace()
    let start = try #require(ISO8601DateFormatter().date(from: "2026-01-01T00:00:00Z"))
    let old = (0..<50).map {
      PostfixLines.message($0, at: start, "old.example", PostfixLines.sent)
    }.joined()
    let log = try place.write("mail.log", old)
    try place.run("analyze", log)
    #expect(try place.value("SELECT count(*) FROM attempt") == 50)
    let later = start.addingTimeInterval(31 * 86_400)
    try place.append(
      "mail.log",
      PostfixLines.message(999, at: later, "new.example", PostfixLines.sent)
    )
    try place.run("analyze", log)
    #expect(try place.value("SELECT count(*) FROM attempt") == 1)
    #expect(try place.value("SELECT count(*) FROM message") == 1)
    #expect(try place.value("SELECT sum(count) FROM tally") == 51)
    let decades = start.addingTimeInterval(800 * 86_400)
    try place.append(
      "mail.log",
      PostfixLines.message(1000, at: decades, "new.example", PostfixLines.sent)
    )
    try place.run("analyze", log)
    #expect(try place.value("SELECT sum(count) FROM tally") == 1)
  }

  @Test func `one that a newer version wrote is left alone`() throws {
    let place = try Workplace()
    try place.run("analyze", DatabaseTests.log, "--year", "2026")
    try DatabaseQueue(path: place.database).write { db in
      try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99-future')")
    }
    let outcome = try place.run("analyze", DatabaseTests.log, "--year", "2026")
    #expect(outcome.status != 0)
    #expect(outcome.complaint.contains("written by a newer mailtriage"))
  }

  @Test func `a damaged one is kept, and --rebuild begins anew from the sources`() throws {
    let place = try Workplace()
    try place.run("analyze", DatabaseTests.log, "--year", "2026")
    let good = try place.dump()
    let damage = Data("this was a database once, and is none any more".utf8)
    for suffix in ["-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: place.database + suffix)
    }
    try damage.write(to: URL(fileURLWithPath: place.database))
    let refused = try place.run("analyze", DatabaseTests.log, "--year", "2026")
    #expect(refused.status != 0)
    #expect(refused.complaint.contains("--rebuild"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.database)) == damage)
    let undone = Data("what a run that was killed left".utf8)
    try undone.write(to: URL(fileURLWithPath: place.database + "-journal"))
    let rebuilt = try place.run("analyze", DatabaseTests.log, "--year", "2026", "--rebuild")
    #expect(rebuilt.status == 0)
    #expect(rebuilt.complaint.contains("is kept as"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.database + ".old")) == damage)
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.database + ".old-journal")) == undone)
    #expect(try place.dump()["attempt"] == good["attempt"])
  }

  @Test(arguments: ["its head", "its pages", "its end"])
  func `one that is damaged anywhere is told of with 65, and kept`(_ part: String) throws {
    let place = try Workplace()
    try place.run("analyze", DatabaseTests.log, "--year", "2026")
    let good = try place.dump()
    let file = URL(fileURLWithPath: place.database)
    var bytes = try Data(contentsOf: file)
    let page = 4096
    switch part {
    case "its head": bytes.replaceSubrange(0..<16, with: Data(repeating: 0x78, count: 16))
    case "its pages":
      bytes.replaceSubrange(page..., with: Data(repeating: 0xa5, count: bytes.count - page))
    default: bytes = bytes.prefix(bytes.count / 2)
    }
    try bytes.write(to: file)
    let refused = try place.run("analyze", DatabaseTests.log, "--year", "2026")
    #expect(refused.status == 65)
    #expect(refused.complaint.contains("the database is damaged"))
    #expect(refused.complaint.contains("--rebuild"))
    #expect(try Data(contentsOf: file) == bytes)
    #expect(try place.run("analyze", DatabaseTests.log, "--year", "2026", "--rebuild").status == 0)
    #expect(try place.dump()["attempt"] == good["attempt"])
  }

  @Test func `while another run holds it the answer comes from what it holds, status 75`() throws {
    let place = try Workplace()
    try place.run("analyze", DatabaseTests.log, "--year", "2026")
    let other = try DatabaseQueue(path: place.database)
    let log = try place.write(
      "more.log",
      PostfixLines.message(
        1,
        at: Date(timeIntervalSince1970: 1_795_000_000),
        "b.example",
        PostfixLines.sent
      )
    )
    let outcome = try other.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      defer { try? db.execute(sql: "COMMIT") }
      return try place.run("analyze", log, "--now", "2026-11-23T12:02:49Z")
    }
    #expect(outcome.status == 75)
    #expect(outcome.complaint.contains("another run holds the database"))
    #expect(outcome.output.contains("birchhealth.example"))
  }

  @Test func `while another run fills it for the first time it is said when to ask again`() throws {
    let place = try Workplace()
    try place.run("analyze", DatabaseTests.log, "--year", "2026")
    let other = try DatabaseQueue(path: place.database)
    let outcome = try other.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA journal_mode = TRUNCATE")
      try db.execute(sql: "BEGIN EXCLUSIVE")
      defer { try? db.execute(sql: "COMMIT") }
      return try place.run("analyze", DatabaseTests.log, "--year", "2026")
    }
    #expect(outcome.status == 75)
    #expect(outcome.output.isEmpty)
    #expect(outcome.complaint.contains("run again when it is through"))
    #expect(!outcome.complaint.contains("answering from what it holds"))
  }

  @Test func `where there is no room the run ends with 74 and the database is whole`() throws {
    let place = try Workplace()
    try place.run("analyze", DatabaseTests.log, "--year", "2026")
    let big = try place.write(
      "big.log",
      (0..<20_000).map {
        PostfixLines.message(
          $0,
          at: Date(timeIntervalSince1970: 1_795_000_000),
          "b\($0).example",
          PostfixLines.expired
        )
      }.joined()
    )
    // A limit on the size of files stands in for a full device; its signal is ignored.
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "trap '' XFSZ; ulimit -f 2048; exec \"$@\"", "sh", Workplace.program.path, "analyze",
      big, "--database", place.database, "--timezone", "UTC", "--quiet",
    ]
    let outcome = try Workplace.finish(shell)
    #expect(outcome.status == 74)
    #expect(try place.value("PRAGMA integrity_check") == "ok")
    #expect(try place.run("analyze", big, "--quiet").status == 0)
    #expect(try place.value("SELECT count(*) FROM attempt WHERE source > 1") == 20_000)
  }
}
