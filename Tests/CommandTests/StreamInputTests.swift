import Foundation
import Testing

/// Input that cannot be opened again, and output that cannot be written.
@Suite struct StreamInputTests {
  private static let lines = PostfixLines.message(
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

  /// Runs a shell's script with the program as `$0` and the place's database as `$DATABASE`.
  private func shell(_ script: String, _ place: Workplace) throws -> Workplace.Outcome {
    let shell = place.process([], environment: ["DATABASE": place.database, "TMPDIR": place.path])
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.currentDirectoryURL = URL(fileURLWithPath: place.path)
    shell.arguments = ["-c", script, Workplace.program.path] + StreamInputTests.now
    return try Workplace.finish(shell)
  }

  private static let analyze = "\"$0\" analyze --database \"$DATABASE\" --timezone UTC \"$@\""

  @Test(arguments: ["cat", "gzip -c", "bzip2 -c", "xz -c", "zstd -qc", "tar -cf -", "tar -czf -"])
  func `standard input may be packed`(_ packer: String) throws {
    let place = try Workplace()
    try place.write("mail.log", StreamInputTests.lines)
    let outcome = try shell("\(packer) mail.log | \(StreamInputTests.analyze) -", place)
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(try delivered(outcome.output) == 1)
    // What it was held in meanwhile is gone.
    let left = try FileManager.default.contentsOfDirectory(atPath: place.path)
    #expect(left.sorted() == ["mail.log", "state"])
  }

  @Test(arguments: ["cat letter", "cat letter | gzip -c", "cat /dev/zero"])
  func `standard input that is no log ends with 65`(_ source: String) throws {
    let place = try Workplace()
    try place.write("letter", "Dear reader\n")
    let outcome = try shell("\(source) | \(StreamInputTests.analyze) -", place)
    #expect(outcome.status == 65)
    #expect(outcome.complaint.contains("-: at byte 0: no line of it is a mail log's"))
  }

  @Test(arguments: ["tar -cf", "tar -czf", "zip -q"])
  func `packed logs in an archive are read, and one that is damaged is named`(
    _ packer: String
  ) throws {
    let place = try Workplace()
    try place.write("a.log", StreamInputTests.lines)
    try place.write("c.log", StreamInputTests.lines.replacing("40000000", with: "50000000"))
    try place.write("d.log", StreamInputTests.lines.replacing("40000000", with: "60000000"))
    let outcome = try shell(
      """
      gzip a.log && printf '\\037\\213\\010damaged, and not long enough' > b.gz && xz d.log
      tar -cf e.tar d.log.xz
      \(packer) all.zip a.log.gz b.gz c.log d.log.xz e.tar
      \(StreamInputTests.analyze) all.zip
      """,
      place
    )
    #expect(outcome.status == 65)
    #expect(outcome.complaint.contains("all.zip(b.gz)"))
    #expect(outcome.complaint.contains("all.zip(e.tar): packed twice"))
    #expect(try delivered(outcome.output) == 3)
  }

  @Test func `a log behind a line that fills all of the first look is read`() throws {
    let place = try Workplace()
    let endless = String(repeating: "x", count: 200_000)
    try place.write("mail.log", endless + "\n" + StreamInputTests.lines)
    let read = try shell("\(StreamInputTests.analyze) mail.log", place)
    #expect(read.status == 0, "\(read.complaint)")
    #expect(try delivered(read.output) == 1)
    try place.write("other", endless + "\n")
    let other = try shell("\(StreamInputTests.analyze) other mail.log", place)
    #expect(other.status == 65)
    #expect(other.complaint.contains("/other: at byte 0: no line of it is a mail log's"))
    #expect(try delivered(other.output) == 1)
  }

  /// Lines of no mail: enough that each packing makes several blocks of them.
  private static let noise = (0..<12_000).map {
    "2026-03-02T10:00:00Z mx1 cron[\($0 &* 7919)]: \($0)\n"
  }.joined()

  @Test(arguments: ["gzip", "bzip2 -1", "xz", "zstd -q", "lz4 -q -B4"], [true, false])
  func `what lies before a cut or a changed bit in a packed log is read, the rest is named`(
    _ packer: String,
    _ isCut: Bool
  ) throws {
    let place = try Workplace()
    try place.write("mail.log", StreamInputTests.lines + StreamInputTests.noise)
    try place.write("good.log", StreamInputTests.lines.replacing("40000000", with: "50000000"))
    guard try shell("\(packer) -c mail.log > whole", place).status == 0 else {
      try Test.cancel("\(packer) is not installed")
    }
    var bytes = try Data(contentsOf: URL(fileURLWithPath: place.path + "/whole"))
    if isCut { bytes = bytes.prefix(bytes.count * 2 / 3) } else { bytes[bytes.count / 2] ^= 0x10 }
    try bytes.write(to: URL(fileURLWithPath: place.path + "/packed"))
    let outcome = try shell("\(StreamInputTests.analyze) packed good.log", place)
    #expect(outcome.status == 65)
    #expect(outcome.complaint.contains("/packed: at byte "))
    #expect(try delivered(outcome.output) == 2)
  }

  @Test(arguments: [
    "analyze", "queue mail.log", "forecast", "trace b.example", "remedy b.example",
    "report --email",
    "alert --nagios",
  ])
  func `an answer that cannot be written ends with 74`(_ command: String) throws {
    let place = try Workplace()
    try place.write(
      "mail.log",
      StreamInputTests.lines.replacing(PostfixLines.sent, with: PostfixLines.expired)
    )
    #expect(try shell("\(StreamInputTests.analyze) mail.log", place).status == 0)
    let run = "\"$0\" \(command) --database \"$DATABASE\" --timezone UTC --now 2026-03-02T12:00:00Z"
    for (place, way) in [(place, "> /dev/full"), (place, ">&-")] {
      let outcome = try shell("\(run) \(way)", place)
      // A monitoring plugin knows four statuses; 3 is that it cannot tell.
      #expect(outcome.status == (command.hasPrefix("alert") ? 3 : 74), "\(outcome.complaint)")
    }
    #expect(try place.value("PRAGMA integrity_check") == "ok")
  }

  @Test func `metrics replace a file, follow a link, and go into what is no file as they come`()
    throws
  {
    let place = try Workplace()
    try place.write("mail.log", StreamInputTests.lines)
    try place.write("real.prom", "old")
    let outcome = try shell(
      """
      mkfifo pipe && ln -s real.prom link && ln -s pipe other && mkdir directory
      alert() {
        "$0" alert mail.log --prometheus "$1" --database "$DATABASE" --timezone UTC --quiet \
          --now 2026-03-02T12:00:00Z > /dev/null
        echo $?
      }
      alert link; alert directory; alert pipe
      exec 3<>pipe; alert other; exec 4<pipe 3>&-; cat <&4 > got
      """,
      place
    )
    #expect(outcome.output == "0\n73\n73\n0\n")
    #expect(
      outcome.complaint == """
        mailtriage: directory: Is a directory
        mailtriage: pipe: No such device or address

        """
    )
    for file in ["real.prom", "got"] {
      let text = try String(contentsOfFile: place.path + "/" + file, encoding: .utf8)
      #expect(text.hasPrefix("# HELP"), "\(file)")
    }
    func kind(_ name: String) -> mode_t {
      var status = stat()
      return lstat(place.path + "/" + name, &status) == 0 ? status.st_mode & S_IFMT : 0
    }
    #expect(kind("pipe") == S_IFIFO && kind("link") == S_IFLNK && kind("other") == S_IFLNK)
    let left = try FileManager.default.contentsOfDirectory(atPath: place.path)
    #expect(!left.contains { $0.hasSuffix(".new") })
  }
}
