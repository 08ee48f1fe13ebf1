import Foundation
import Testing

/// Inputs that are no plain files of plain lines, through the built program.
@Suite struct OddInputTests {
  private static let good = PostfixLines.message(
    1,
    at: Date(timeIntervalSince1970: 1_772_442_845),
    "b.example",
    PostfixLines.sent
  )
  private static let now = ["--now", "2026-03-02T12:00:00Z", "--format", "json"]

  private func delivered(_ output: String) throws -> Int? {
    let answer = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
    return (answer?["totals"] as? [String: Any])?["delivered"] as? Int
  }

  @Test func `a line of 100 MB is passed over in little memory`() throws {
    let place = try Workplace()
    let log = try place.write("mail.log", OddInputTests.good)
    let file = try #require(FileHandle(forWritingAtPath: log))
    try file.seekToEnd()
    let piece = Data(repeating: UInt8(ascii: "x"), count: 1 << 20)
    for _ in 0..<100 { try file.write(contentsOf: piece) }
    try file.write(
      contentsOf: Data(
        ("\n" + OddInputTests.good.replacing("40000000", with: "50000000")).utf8
      )
    )
    try file.close()
    let process = place.process([])
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // 600 MB of address space would not hold the line several times over.
    process.arguments =
      [
        "-c", "ulimit -v 600000; exec \"$0\" \"$@\"", Workplace.program.path, "analyze", log,
        "--database", place.database, "--timezone", "UTC",
      ] + OddInputTests.now
    let outcome = try Workplace.finish(process)
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(try delivered(outcome.output) == 2)
  }

  @Test(arguments: [["tar", "-cf"], ["tar", "-czf"], ["zip", "-q"]])
  func `an archive's members are read, and what lies before a cut`(_ packer: [String]) throws {
    let place = try Workplace()
    let noise = (0..<20_000).map { "2026-03-02T10:00:00Z mx1 cron[\($0 &* 7919)]: \($0)\n" }
      .joined()
    try place.write("in/a.log", OddInputTests.good)
    try place.write("in/b.log", OddInputTests.good.replacing("40000000", with: "50000000") + noise)
    let archive = place.path + "/logs.packed" + (packer[0] == "zip" ? ".zip" : "")
    let pack = Process()
    pack.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    pack.currentDirectoryURL = URL(fileURLWithPath: place.path + "/in")
    pack.arguments = packer + [archive, "a.log", "b.log"]
    #expect(try Workplace.finish(pack).status == 0)
    let whole = try Workplace.finish(place.process(["analyze", archive] + OddInputTests.now))
    #expect(whole.status == 0, "\(whole.complaint)")
    #expect(try delivered(whole.output) == 2)
    let again = try Workplace.finish(place.process(["analyze", archive] + OddInputTests.now))
    #expect(try delivered(again.output) == 2)

    let other = try Workplace()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
    try bytes.prefix(bytes.count * 2 / 3).write(to: URL(fileURLWithPath: other.path + "/cut"))
    let cut = try Workplace.finish(
      other.process(["analyze", other.path + "/cut"] + OddInputTests.now)
    )
    #expect(cut.status == 65)
    #expect(cut.complaint.contains("/cut"))
    #expect(try delivered(cut.output) == 2)
  }

  @Test func `each form of stamp may stand in one file, and a window cuts only the view`() throws {
    let place = try Workplace()
    func sent(_ id: String) -> String {
      "\(id): to=<b@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, "
        + PostfixLines.sent
    }
    let log = try place.write(
      "mail.log",
      """
      Mar  2 09:00:00 mx1 postfix/smtp[8]: \(sent("4000000A1"))
      <22>1 2026-03-02T09:10:00Z mx1 postfix/smtp 8 - - \(sent("4000000A2"))
      2026-03-02T09:20:00.123456+00:00 mx1 postfix/smtp[8]: \(sent("4000000A3"))
      {"__REALTIME_TIMESTAMP":"1772443800000000","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/smtp",\
      "_PID":"8","MESSAGE":"\(sent("4000000A4"))"}

      """
    )
    func count(_ more: String...) throws -> Int? {
      try delivered(
        try Workplace.finish(
          place.process(["analyze", log, "--year", "2026"] + more + OddInputTests.now)
        ).output
      )
    }
    // The window is of the view: what lies outside is taken in all the same, once.
    #expect(try count("--since", "2026-03-02T09:15:00Z") == 2)
    #expect(try count("--until", "2026-03-02T09:15:00Z") == 2)
    #expect(try count() == 4)
  }

  private func piped(_ place: Workplace, _ command: String) throws -> Workplace.Outcome {
    let process = place.process([])
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      [
        "-c", command + " | \"$0\" \"$@\"", Workplace.program.path, "analyze", "-", "--database",
        place.database, "--timezone", "UTC",
      ] + OddInputTests.now
    return try Workplace.finish(process)
  }

  @Test
  func `standard input that is gzip is unpacked as it comes, and a cut one as far as it goes`()
    throws
  {
    let place = try Workplace()
    let log = try place.write("mail.log", OddInputTests.good)
    let gzip = try piped(place, "gzip -c '\(log)'")
    #expect(gzip.status == 0, "\(gzip.complaint)")
    #expect(try delivered(gzip.output) == 1)
    // The same bytes by another way count once.
    #expect(try delivered(try piped(place, "cat '\(log)'").output) == 1)
    let cut = try piped(place, "gzip -c '\(log)' | head -c 60")
    #expect(cut.status == 65)
    #expect(cut.complaint.contains("the gzip file ends too early"))
  }

  @Test func `standard input without a line of mail ends with 65`() throws {
    let place = try Workplace()
    let outcome = try piped(place, "printf 'Dear diary,\\nno mail today.\\n'")
    #expect(outcome.status == 65)
    #expect(outcome.complaint.contains("no line of it is a mail log's"))
    #expect(try piped(place, "true").status == 0)
  }

  @Test func `a file whose name is no UTF-8 is named, and the rest is analysed`() throws {
    let place = try Workplace()
    try place.write("in/mail.log", OddInputTests.good)
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/bash")
    shell.arguments = ["-c", "cp \"$0/mail.log\" \"$0\"/$'b\\xff.log'", place.path + "/in"]
    #expect(try Workplace.finish(shell).status == 0)
    let outcome = try Workplace.finish(
      place.process(["analyze", place.path + "/in"] + OddInputTests.now)
    )
    #expect(outcome.status == 65)
    #expect(outcome.complaint.contains("its name is no UTF-8"))
    #expect(try delivered(outcome.output) == 1)
  }

  @Test func `a FIFO that is named is read to its end`() throws {
    let place = try Workplace()
    let fifo = place.path + "/pipe"
    #expect(mkfifo(fifo, 0o600) == 0)
    let log = try place.write("mail.log", OddInputTests.good)
    let writer = Process()
    writer.executableURL = URL(fileURLWithPath: "/bin/sh")
    writer.arguments = ["-c", "cat \"$0\" > \"$1\"", log, fifo]
    try writer.run()
    let outcome = try Workplace.finish(place.process(["analyze", fifo] + OddInputTests.now))
    writer.waitUntilExit()
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(try delivered(outcome.output) == 1)
  }

  @Test func `a socket that is named ends with 65, and the rest is analysed`() throws {
    let place = try Workplace()
    let log = try place.write("mail.log", OddInputTests.good)
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    python.arguments = [
      "-c", "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])",
      place.path + "/socket",
    ]
    try python.run()
    python.waitUntilExit()
    let named = try Workplace.finish(
      place.process(["analyze", place.path + "/socket", log] + OddInputTests.now)
    )
    #expect(named.status == 65)
    #expect(named.complaint.contains("a socket or block device"))
    #expect(try delivered(named.output) == 1)
    let walked = try Workplace.finish(place.process(["analyze", place.path] + OddInputTests.now))
    #expect(try delivered(walked.output) == 1)
  }

  @Test func `the bar is for a terminal alone, and colour not with NO_COLOR`() throws {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/script") else {
      try Test.cancel("script is not installed")
    }
    let place = try Workplace()
    let text = (1...20_000).map {
      PostfixLines.message(
        $0,
        at: Date(timeIntervalSince1970: 1_772_442_845),
        "b.example",
        PostfixLines.sent
      )
    }.joined()
    let log = try place.write("mail.log", text)
    let silent = try place.run("analyze", log, "--now", "2026-03-02T12:00:00Z")
    #expect(!silent.complaint.contains("█") && !silent.output.contains("\u{1b}"))
    // The terminal gets standard error alone; what it shows is in the transcript.
    let process = place.process(
      [],
      environment: ["NO_COLOR": "1", "MAILTRIAGE_COMMIT_BYTES": "20000"]
    )
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    process.arguments = [
      "-qec",
      "\(Workplace.program.path) analyze \(log) --timezone UTC --now 2026-03-02T12:00:00Z "
        + "--database \(place.path)/other.sqlite > \(place.path)/answer", "/dev/null",
    ]
    let shown = try Workplace.finish(process).output
    #expect(shown.contains("█") && shown.contains("/s") && shown.contains("s left"))
    let answer = try String(contentsOfFile: place.path + "/answer", encoding: .utf8)
    #expect(answer == silent.output)
  }

  @Test func `lines that are not mail's do not make the mail's lines look fresh`() throws {
    let place = try Workplace()
    try place.write(
      "log/mail.log",
      PostfixLines.message(
        1,
        at: Date(timeIntervalSince1970: 1_795_435_000),
        "b.example",
        PostfixLines.sent
      )
    )
    try place.write("log/dpkg.log", "2026-11-23 18:00:00 status installed libc6:amd64 2.36-9\n")
    try place.write("log/cron.log", "2026-11-23T18:00:00Z mx1 CRON[7]: (root) CMD (true)\n")
    let outcome = try place.run("analyze", place.path + "/log", "--now", "2026-11-23T19:00:00Z")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("newest line Mon 23 Nov 11:56"))
  }
}
