import Foundation
import Testing

/// Files whose names are made to do harm: they are read as any other, and their names are only text.
@Suite struct HostileNameTests {
  private static let now = ["--now", "2026-03-02T12:00:00Z"]
  private static let names =
    (HostileText.payloads + [HostileText.lineEnds, "quotes'\"\\ and a\ttab"]).map {
      $0.replacing("/", with: "|")
    }

  /// One log a name, each of a message of its own, and one that is damaged.
  private func write(in place: Workplace) throws {
    let start = Date(timeIntervalSince1970: 1_772_442_845)
    for (number, name) in HostileNameTests.names.enumerated() {
      let text = PostfixLines.message(number, at: start, "b.example", PostfixLines.expired)
      for (suffix, bytes) in [("log", Data(text.utf8)), ("gz", Data([0x1f, 0x8b, 8, 0]))] {
        let path = HostileText.data("\(place.path)/log/\(name).\(suffix)") + [0]
        try place.write("log/kept", "")
        let descriptor = path.withUnsafeBytes { raw in
          raw.bindMemory(to: CChar.self).baseAddress.map {
            open($0, O_WRONLY | O_CREAT, 0o600)
          } ?? -1
        }
        try #require(descriptor >= 0, "\(name.debugDescription)")
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: bytes)
      }
    }
  }

  @Test(arguments: [
    ["analyze"], ["queue"], ["forecast"], ["report"], ["trace", "b.example"],
    ["remedy", "b.example"], ["alert"],
  ])
  func `a log's name is only text, in every format`(_ arguments: [String]) throws {
    let place = try Workplace()
    try write(in: place)
    let taken = try Workplace.finish(
      place.process(["analyze", place.path + "/log", "--verbose"] + HostileNameTests.now)
    )
    try HostileText.judge(taken, "text", ["analyze"])
    for format in ["text", "json", "markdown", "html"] {
      let outcome = try Workplace.finish(
        place.process(arguments + HostileNameTests.now + ["--format", format])
      )
      try HostileText.judge(outcome, format, arguments)
    }
  }

  @Test(arguments: ["text", "json", "markdown", "html"])
  func `each is named as it is, the damaged ones too, and all the others are analysed`(
    _ format: String
  ) throws {
    let place = try Workplace()
    try write(in: place)
    let outcome = try Workplace.finish(
      place.process(["analyze", place.path + "/log", "--format", format] + HostileNameTests.now)
    )
    #expect(outcome.status == 65)
    try HostileText.judge(outcome, format, ["analyze"])
    // One sentence a line, whatever is in a name.
    for line in outcome.complaint.split(separator: "\n") {
      #expect(line.hasPrefix("mailtriage: \(place.path)/log/"), "\(line)")
    }
    let sayable = HostileNameTests.names.filter { HostileText.data($0) == Data($0.utf8) }
    #expect(
      outcome.complaint.components(separatedBy: "the gzip file ends too early").count - 1
        == sayable.count
    )
    // The others cannot be opened by any text.
    #expect(
      outcome.complaint.components(separatedBy: "its name is no UTF-8").count - 1
        == 2 * (HostileNameTests.names.count - sayable.count)
    )
    guard format == "json" else { return }
    let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let answer = try #require(json as? [String: Any])
    let inputs = try #require(answer["inputs"] as? [[String: Any]])
    let paths = Set(inputs.compactMap { $0["path"] as? String })
    for name in sayable { #expect(paths.contains("\(place.path)/log/\(name).log")) }
    let totals = try #require(answer["totals"] as? [String: Any])
    #expect(totals["deferred"] as? Int == sayable.count)
  }

  @Test(arguments: [["analyze"], ["queue"], ["trace", "b.example"], ["config", "check"]])
  func `a path that is named on the command line is only text in what is said of it`(
    _ arguments: [String]
  ) throws {
    for name in HostileNameTests.names.filter({ HostileText.data($0) == Data($0.utf8) }) {
      let place = try Workplace()
      let isCheck = arguments[0] == "config"
      var words = arguments + ["--database", "\(place.path)/\(name)/t.sqlite"]
      if arguments.count == 1 { words.append("\(place.path)/\(name).gone") }
      if isCheck { words = ["config", "check", "--config", "\(place.path)/\(name)"] }
      let process = Process()
      process.executableURL = Workplace.program
      process.arguments = words
      process.standardInput = FileHandle.nullDevice
      let outcome = try Workplace.finish(process)
      #expect(outcome.status != 0)
      try HostileText.judge(outcome, "text", words)
      #expect(outcome.complaint.split(separator: "\n").allSatisfy { $0.hasPrefix("mailtriage: ") })
    }
  }

  @Test func `a journal of which a file is damaged, whatever it is called, is told of with 65`()
    throws
  {
    let journalctl = ["/usr/bin/journalctl", "/bin/journalctl"]
    guard journalctl.contains(where: { access($0, X_OK) == 0 }) else {
      try Test.cancel("journalctl is not installed")
    }
    let place = try Workplace()
    let start = Date(timeIntervalSince1970: 1_772_442_845)
    let log = try place.write(
      "mail.log",
      PostfixLines.message(1, at: start, "b.example", PostfixLines.sent)
    )
    let name = "\u{1b}[2J\u{202e}<script>alert(1)<"
    try place.write("\(name)/system.journal", String(repeating: "no journal\n", count: 1000))
    for (journal, reason) in [
      (name, "system.journal corrupted, ignoring file."),
      ("\(name)/system.journal", "journalctl: Failed to open files: Bad message"),
    ] {
      let process = place.process(
        ["analyze", "journal:\(place.path)/\(journal)", log, "--format", "json"]
          + HostileNameTests.now
      )
      let outcome = try Workplace.finish(process)
      #expect(outcome.status == 65)
      #expect(outcome.complaint.contains(reason))
      try HostileText.judge(outcome, "json", ["analyze", "journal:"])
      #expect(outcome.output.contains("\"delivered\":1,"))
    }
  }
}
