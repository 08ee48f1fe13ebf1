import Foundation
import Testing

/// Logs of which a part is no log: what is good is taken in, the rest is named.
@Suite struct DamagedLogTests {
  private static let start = Date(timeIntervalSince1970: 1_772_442_845)
  private static let lines = PostfixLines.message(1, at: start, "b.example", PostfixLines.sent)
  private static let now = ["--now", "2026-03-02T12:00:00Z"]

  private struct Answer {
    var outcome: Workplace.Outcome
    var totals: [String: Int]
    /// The errors of all inputs.
    var errors: [[String: Any]]
  }

  private func answer(_ outcome: Workplace.Outcome) throws -> Answer {
    let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let answer = try #require(json as? [String: Any])
    let totals = try #require(answer["totals"] as? [String: Any])
    let inputs = try #require(answer["inputs"] as? [[String: Any]])
    return Answer(
      outcome: outcome,
      totals: totals.compactMapValues { $0 as? Int },
      errors: inputs.flatMap { $0["errors"] as? [[String: Any]] ?? [] }
    )
  }

  private func analyze(_ place: Workplace, _ arguments: String...) throws -> Answer {
    try answer(
      try Workplace.finish(
        place.process(["analyze"] + arguments + DamagedLogTests.now + ["--format", "json"])
      )
    )
  }

  /// Runs a script, in which `"$0" "$@"` analyses standard input.
  private func shell(_ script: String, _ place: Workplace) throws -> Workplace.Outcome {
    let shell = place.process([])
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.currentDirectoryURL = URL(fileURLWithPath: place.path)
    shell.arguments =
      ["-c", script, Workplace.program.path, "analyze", "-"]
      + ["--database", place.database, "--timezone", "UTC", "--format", "json"]
      + DamagedLogTests.now
    return try Workplace.finish(shell)
  }

  private static let packers = ["gzip", "bzip2", "xz", "zstd -q", "lz4 -q"]

  @Test(arguments: packers)
  func `what stands behind the end of packed data is named, and all before it read`(
    _ packer: String
  ) throws {
    let place = try Workplace()
    try place.write("mail.log", DamagedLogTests.lines)
    try place.write(
      "good.log",
      DamagedLogTests.lines.replacing("40000000", with: "50000000")
    )
    guard try shell("\(packer) -c mail.log > packed", place).status == 0 else {
      try Test.cancel("\(packer) is not installed")
    }
    let packed = place.path + "/packed"
    let whole = try Data(contentsOf: URL(fileURLWithPath: packed))
    try (whole + Data("rubbish, and more of it".utf8)).write(to: URL(fileURLWithPath: packed))
    let answer = try analyze(place, packed, place.path + "/good.log")
    #expect(answer.outcome.status == 65)
    #expect(answer.totals["delivered"] == 2)
    #expect(answer.outcome.complaint.contains("/packed: at byte "))
    #expect(answer.outcome.complaint.contains("what stands behind the end of the "))
    // libarchive looks at the next four bytes of lz4 before it says so.
    let offset = try #require(answer.errors.first?["offset"] as? Int)
    #expect((whole.count...whole.count + 4).contains(offset))

    // Zeros are padding, and another member is more of the log.
    let other = try Workplace()
    let more = try other.write(
      "more",
      DamagedLogTests.lines.replacing("40000000", with: "50000000")
    )
    #expect(try shell("\(packer) -c '\(more)' > more", place).status == 0)
    let second = try Data(contentsOf: URL(fileURLWithPath: place.path + "/more"))
    try (whole + second + Data(count: 512)).write(to: URL(fileURLWithPath: other.path + "/packed"))
    let padded = try analyze(other, other.path + "/packed")
    #expect(padded.outcome.status == 0, "\(padded.outcome.complaint)")
    #expect(padded.totals["delivered"] == 2)
  }

  @Test(arguments: ["gzip", "xz"])
  func `a small packed log that is cut gives the lines before the cut`(_ packer: String) throws {
    let place = try Workplace()
    let log = (0..<200).map {
      PostfixLines.message($0, at: DamagedLogTests.start, "d\($0).example", PostfixLines.sent)
    }.joined()
    try place.write("mail.log", log)
    #expect(try shell("\(packer) -c mail.log > whole", place).status == 0)
    let whole = try Data(contentsOf: URL(fileURLWithPath: place.path + "/whole"))
    try whole.prefix(whole.count * 3 / 4).write(to: URL(fileURLWithPath: place.path + "/cut"))
    let answer = try analyze(place, place.path + "/cut")
    #expect(answer.outcome.status == 65)
    #expect(answer.outcome.complaint.contains("the \(packer) file ends too early"))
    #expect((answer.totals["delivered"] ?? 0) > 100)
  }

  @Test(arguments: ["UTF-16", "UTF-16LE", "UTF-16BE"], [false, true])
  func `a log in UTF-16 is read, and its lines come back`(
    _ encoding: String,
    _ isPiped: Bool
  ) throws {
    let place = try Workplace()
    let log = DamagedLogTests.lines.replacing("u1@", with: "ü😀1@")
    try place.write("plain", log.replacing("\n", with: "\r\n"))
    #expect(try shell("iconv -f UTF-8 -t \(encoding) plain > mail.log", place).status == 0)
    let path = place.path + "/mail.log"
    let answer =
      isPiped
      ? try answer(try shell("cat mail.log | \"$0\" \"$@\"", place)) : try analyze(place, path)
    #expect(answer.outcome.status == 0, "\(answer.outcome.complaint)")
    #expect(answer.totals["delivered"] == 1)
    if !isPiped {
      let trace = try place.run("trace", "b.example")
      #expect(trace.output.contains("to=<ü😀1@b.example>"))
      #expect(try analyze(place, path).totals["delivered"] == 1)
    }
  }

  @Test(arguments: ["gzip -c utf16", "tar -czf - utf16.gz"])
  func `packed UTF-16 is called that`(_ packer: String) throws {
    let place = try Workplace()
    try place.write("plain", DamagedLogTests.lines)
    let made = try shell(
      "iconv -t UTF-16 plain > utf16; gzip -k utf16; \(packer) > packed",
      place
    )
    #expect(made.status == 0, "\(made.complaint)")
    for outcome in [
      try analyze(place, place.path + "/packed").outcome,
      try shell("\"$0\" \"$@\" < packed", place),
    ] {
      #expect(outcome.status == 65)
      #expect(outcome.complaint.contains("it is packed UTF-16"))
      #expect(outcome.complaint.contains("iconv -f UTF-16 -t UTF-8"))
    }
  }

  @Test(arguments: ["mail.log", "log", "mail.log.gz", "-", "packed -"])
  func `a log that begins with many lines without a stamp is read, and they are counted`(
    _ input: String
  ) throws {
    let place = try Workplace()
    let banner = (0..<4000).map { "A banner of line \($0), which says nothing of mail.\n" }.joined()
    try place.write("mail.log", banner + DamagedLogTests.lines)
    try place.write("log/mail.log", banner + DamagedLogTests.lines)
    let answer =
      switch input {
      case "-": try answer(try shell("\"$0\" \"$@\" < mail.log", place))
      case "packed -": try answer(try shell("gzip -c mail.log | \"$0\" \"$@\"", place))
      case "mail.log.gz":
        try answer(
          try shell("gzip mail.log; shift 2; \"$0\" analyze mail.log.gz \"$@\"", place)
        )
      default: try analyze(place, place.path + "/" + input)
      }
    #expect(answer.outcome.status == 0, "\(answer.outcome.complaint)")
    #expect(answer.totals["delivered"] == 1)
    let reason = "4000 lines have no stamp, most at its head, and were not understood"
    #expect(answer.outcome.complaint.contains(reason))
    #expect(answer.errors.map { $0["reason"] as? String } == [reason])
  }

  @Test(arguments: [
    // The operator's word for the last line, which nothing overrules.
    (["--year", "2026"], "2026-01-02T09:14:06Z", false),
    (["--year", "2024"], "2024-01-02T09:14:06Z", false),
    // Without it a day that only leap years have is of one, and that is said.
    ([], "2024-01-02T09:14:06Z", true),
  ])
  func `the year of a log that ends on 29 February`(
    _ year: [String],
    _ onset: String,
    _ isTold: Bool
  ) throws {
    let place = try Workplace()
    let deferral =
      "mx1 postfix/smtp[8]: 4ABC1D2E3F: to=<b@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, "
      + "delays=0/0/0/1, " + PostfixLines.expired
    let log = try place.write(
      "mail.log",
      """
      Dec 30 09:14:05 mx1 postfix/qmgr[9]: 4ABC1D2E3F: from=<a@a.example>, size=9, nrcpt=1 (queue active)
      Jan  2 09:14:06 \(deferral)
      Feb 28 23:00:00 \(deferral)
      Feb 29 09:14:06 \(deferral)

      """
    )
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_772_524_800)],
      ofItemAtPath: log
    )
    let process = place.process(
      ["analyze", log] + year + ["--format", "json", "--now", "2026-03-03T12:00:00Z"]
    )
    let answer = try answer(try Workplace.finish(process))
    #expect(answer.outcome.status == 0, "\(answer.outcome.complaint)")
    #expect(answer.totals["deferred"] == 3)
    #expect(answer.outcome.output.contains("\"onset\":\"\(onset)\""))
    #expect(answer.outcome.complaint.contains("--year states the year") == isTold)
  }

  @Test func `the year that is stated is that of a stream's last line, seen or not`() throws {
    let head =
      "Dec 30 09:14:05 mx1 postfix/qmgr[9]: 4ABC1D2E3F: from=<a@a.example>, size=9, nrcpt=1\n"
    let tail = "Jan  2 09:14:06 mx1 postfix/qmgr[9]: 4ABC1D2E3F: removed\n"
    for noise in [0, 3000] {
      let place = try Workplace()
      let between = String(repeating: "Dec 30 10:00:00 mx1 cron[7]: nothing\n", count: noise)
      try place.write("mail.log", head + between + tail)
      let outcome = try shell("\"$0\" \"$@\" --year 2026 < mail.log", place)
      #expect(outcome.status == 0, "\(outcome.complaint)")
      #expect(try place.value("SELECT max(newest) FROM source") == 1_767_345_246_000_000)
    }
  }
}
