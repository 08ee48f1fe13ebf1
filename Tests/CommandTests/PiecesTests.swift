import Foundation
import Testing

/// Logs come in pieces: from pipes, as members of archives, with holes. No piece loses a line.
@Suite struct PiecesTests {
  private static let start = Date(timeIntervalSince1970: 1_772_442_845)

  /// Messages, one a minute, each of three lines; all are delivered.
  private static func log(_ numbers: Range<Int>) -> String {
    numbers.map { number in
      PostfixLines.message(
        number,
        at: start.addingTimeInterval(Double(number) * 60),
        "d\(number % 7).example",
        PostfixLines.sent
      )
    }.joined()
  }

  /// Runs a shell's script in the place, with the program as `$0` and its answer as JSON.
  private func shell(_ script: String, _ place: Workplace) throws -> Workplace.Outcome {
    let shell = place.process([], environment: ["TMPDIR": place.path])
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.currentDirectoryURL = URL(fileURLWithPath: place.path)
    shell.arguments = ["-c", script, Workplace.program.path]
    return try Workplace.finish(shell)
  }

  private static func analyze(_ words: String) -> String {
    "\"$0\" analyze --database state/t.sqlite --timezone UTC --now 2026-03-09T00:00:00Z "
      + "--format json \(words)"
  }

  private func totals(_ outcome: Workplace.Outcome) throws -> [String: Int] {
    let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let totals = try #require((answer as? [String: Any])?["totals"] as? [String: Any])
    return totals.compactMapValues { $0 as? Int }
  }

  @Test(arguments: [1_000, 5_000, 65_535, 70_001])
  func `a pipe is read whole, in pieces of any size`(_ size: Int) throws {
    let place = try Workplace()
    try place.write("mail.log", PiecesTests.log(0..<600))
    let pieces = "dd if=mail.log bs=\(size) status=none"
    let outcome = try shell("\(pieces) | \(PiecesTests.analyze("-"))", place)
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(try totals(outcome)["delivered"] == 600)
  }

  @Test(arguments: ["tar -cf", "tar -czf", "tar -cJf", "zip -q", "zip -q0"])
  func `an archive's members are read whole, each at its place in time`(_ packer: String) throws {
    let place = try Workplace()
    // By name the newest comes first; the last message of each log ends in the next one.
    let whole = PiecesTests.log(0..<1200).split(separator: "\n").map(String.init)
    let names = ["mail.log.2", "mail.log.1", "mail.log"]
    for (piece, name) in names.enumerated() {
      let lines = whole[(piece * 1201)..<min((piece + 1) * 1201, whole.count)]
      try place.write(name, lines.joined(separator: "\n") + "\n")
    }
    try place.write("README", "What these logs are.\n")
    let packed = try shell("\(packer) all README mail.log mail.log.1 mail.log.2", place)
    if packed.status == 127 { try Test.cancel("\(packer) is not installed") }
    let name = packer.hasPrefix("zip") ? "all.zip" : "all"
    for words in [name, name, "- < \(name)"] {
      let outcome = try shell(PiecesTests.analyze(words), place)
      #expect(outcome.status == 0, "\(outcome.complaint)")
      let totals = try totals(outcome)
      #expect(totals["messages"] == 1200)
      #expect(totals["delivered"] == 1200)
      #expect(totals["queued"] == 0)
    }
  }

  @Test func `packed members are put into the order of time as well`() throws {
    let place = try Workplace()
    let lines = PiecesTests.log(0..<2).split(separator: "\n").map(String.init)
    try place.write("b.log", lines[..<2].joined(separator: "\n") + "\n")
    try place.write("a.log", lines[2...].joined(separator: "\n") + "\n")
    let pack = "gzip a.log && xz b.log && tar -cf all a.log.gz b.log.xz"
    let outcome = try shell("\(pack) && \(PiecesTests.analyze("all"))", place)
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(try totals(outcome)["messages"] == 2)
    #expect(try totals(outcome)["queued"] == 0)
  }

  @Test func `what is encrypted in an archive is named, and the members behind it are read`() throws
  {
    let place = try Workplace()
    try place.write("secret.log", PiecesTests.log(0..<5))
    try place.write("mail.log", PiecesTests.log(5..<9))
    let packed = try shell("zip -qP pass all secret.log && zip -q all mail.log", place)
    if packed.status == 127 { try Test.cancel("zip is not installed") }
    let outcome = try shell(PiecesTests.analyze("all.zip"), place)
    #expect(outcome.status == 65)
    #expect(outcome.complaint.contains("all.zip(secret.log): "))
    #expect(outcome.complaint.contains("it is encrypted: unpack it first"))
    #expect(try totals(outcome)["delivered"] == 4)
  }

  @Test(arguments: ["cat", "gzip -c", "xz -c"])
  func `a pipe that begins as a known log does, and goes on otherwise, is read`(
    _ packer: String
  ) throws {
    let place = try Workplace()
    try place.write("old.log", PiecesTests.log(0..<80))
    try place.write("new.log", PiecesTests.log(0..<40) + PiecesTests.log(100..<150))
    try place.write("short.log", PiecesTests.log(0..<30))
    _ = try shell(PiecesTests.analyze("old.log"), place)
    for (log, delivered) in [("short", 80), ("old", 80), ("new", 130), ("new", 130)] {
      let pipe = "\(packer) \(log).log | \(PiecesTests.analyze("-"))"
      let outcome = try shell(pipe, place)
      #expect(outcome.status == 0, "\(outcome.complaint)")
      #expect(try totals(outcome)["delivered"] == delivered, "\(log)")
    }
  }

  @Test(arguments: [100, 70_000, 3_000_000])
  func `a hole of zeros before lines swallows none of them`(_ size: Int) throws {
    let place = try Workplace()
    let hole = String(repeating: "\0", count: size)
    try place.write("mail.log", hole + PiecesTests.log(0..<3) + hole + PiecesTests.log(3..<7))
    let outcome = try shell(PiecesTests.analyze("mail.log"), place)
    #expect(outcome.status == 0)
    #expect(outcome.complaint.isEmpty)
    #expect(try totals(outcome)["messages"] == 7)
    try place.append("mail.log", hole + PiecesTests.log(7..<8))
    #expect(try totals(shell(PiecesTests.analyze("mail.log"), place))["messages"] == 8)
  }

  @Test(arguments: [
    // A frame to be skipped, as pzstd writes one.
    #"printf 'P\052\115\030\004\000\000\000abcd'; zstd -qc mail.log"#, "lz4 -l -qc mail.log",
  ])
  func `rarer forms of what is packed are read`(_ packer: String) throws {
    let place = try Workplace()
    try place.write("mail.log", PiecesTests.log(0..<9))
    guard try shell("(\(packer)) > packed", place).status == 0 else {
      try Test.cancel("the packer is not installed")
    }
    let outcome = try shell(PiecesTests.analyze("packed"), place)
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(try totals(outcome)["delivered"] == 9)
  }

  @Test(arguments: [
    ("LPKSHHRH", "name it with `journal:` before its path"),
    ("SQLite format 3\0", "it is an SQLite database"),
    ("7z\u{bc}\u{af}\u{27}\u{1c}", "unpack it with `7z x`"),
    ("Rar!\u{1a}\u{7}", "RAR"), ("\u{1f}\u{9d}\u{90}", "unpack it with `gzip -d`"),
    ("PK\u{5}\u{6}", "an archive without a file in it"), ("LZIP\u{1}", "unpack it with `lzip -d`"),
    ("{\n\t\"__REALTIME_TIMESTAMP\" : \"1\"\n}\n", "write it with `journalctl -o json`"),
  ])
  func `what is not read as it lies there is named, with what to do`(
    _ head: String,
    _ advice: String
  ) throws {
    let place = try Workplace()
    try place.write("log/mail.log", PiecesTests.log(0..<3))
    let bytes = head.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    let rest = Data(PiecesTests.log(50..<60).utf8)
    let isBinary = bytes.first != UInt8(ascii: "{")
    try (Data(bytes) + (isBinary ? rest : Data()))
      .write(to: URL(fileURLWithPath: place.path + "/log/other"))
    let named = try shell(PiecesTests.analyze("log/other log/mail.log"), place)
    #expect(named.status == 65)
    #expect(named.complaint.contains("/other: "))
    #expect(named.complaint.contains(advice))
    #expect(try totals(named)["delivered"] == 3)
    // In a directory it may be anything.
    let met = try shell(PiecesTests.analyze("log"), place)
    #expect(met.status == 0)
    #expect(met.complaint.isEmpty)
    #expect(try totals(met)["delivered"] == 3)
  }

  @Test func `its own database is no log, in whichever directory it lies`() throws {
    let place = try Workplace()
    try place.write(
      "mail.log",
      PiecesTests.log(0..<9).replacing("status=sent", with: "status=bounced")
    )
    for _ in 0..<3 {
      let outcome = try shell(PiecesTests.analyze("."), place)
      #expect(outcome.status == 0)
      #expect(outcome.complaint.isEmpty)
      #expect(try totals(outcome)["bounced"] == 9)
    }
  }

  @Test func `a log whose file has no date is one of the last year`() throws {
    let place = try Workplace()
    try place.write(
      "mail.log",
      PiecesTests.log(0..<1).replacing("2026-03-02T09:14:05Z", with: "Mar  2 09:14:05")
    )
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)],
      ofItemAtPath: place.path + "/mail.log"
    )
    let outcome = try shell(PiecesTests.analyze("mail.log --since 2026-03-01T00:00:00Z"), place)
    #expect(try totals(outcome)["delivered"] == 1)
  }
}
