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
}
