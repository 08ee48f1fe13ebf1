import Foundation
import Testing

/// Where nothing of the input was understood, nothing sounds like an all-clear.
@Suite struct NothingUnderstoodTests {
  /// A mail log whose every line is of a kind that is not known.
  private static let odd =
    "2026-03-02T09:14:05Z mx1 postfix/smtp[8]: gibberish of tomorrow\n"
    + "2026-03-02T09:14:06Z mx1 postfix/smtp[8]: more of it 12\n"
  /// Lines of other programs alone.
  private static let foreign = "2026-03-02T09:14:05Z mx1 cron[8]: (root) CMD (true)\n"
  private static let letter = "Dear reader,\nno mail today.\n"
  private static let logs = [odd, foreign, letter]

  private static let allClear = [
    "No destination is in trouble", "Nothing waits", "Nothing to alert of", "Nothing:",
    "Nothing began", "None.",
  ]

  private func run(_ words: [String], _ log: String) throws -> Workplace.Outcome {
    let place = try Workplace()
    let path = try place.write("odd.log", log)
    return try Workplace.finish(
      place.process(words + [path, "--now", "2026-03-02T10:00:00Z", "--quiet"])
    )
  }

  @Test(
    arguments: ["analyze", "queue", "forecast", "alert", "report"],
    ["text", "markdown", "html"]
  )
  func `each answer says so first`(_ command: String, _ format: String) throws {
    for log in NothingUnderstoodTests.logs {
      let outcome = try run([command, "--format", format], log)
      let text = outcome.output.replacing("\\", with: "")
      let start = format == "html" ? text.firstRange(of: "<body>")?.upperBound : nil
      let body = text[(start ?? text.startIndex)...]
      #expect(outcome.status == (log == NothingUnderstoodTests.foreign ? 0 : 65))
      #expect(
        body.contains("Nothing was understood") || body.contains("Nothing is known yet"),
        "\(body.prefix(2000))"
      )
      for words in NothingUnderstoodTests.allClear {
        #expect(!body.contains(words), "\(words)")
      }
      if command != "report" { #expect(body.contains("odd.log")) }
    }
  }

  @Test func `with verbose the lines of mail that were not understood are shown, escaped`() throws {
    let place = try Workplace()
    let log =
      NothingUnderstoodTests.odd + NothingUnderstoodTests.foreign
      + "2026-03-02T09:14:07Z mx1 postfix/smtp[8]: \u{1b}[2Jto ann@a.example\n"
    let path = try place.write("odd.log", log)
    func complaint(_ words: String...) throws -> String {
      try Workplace.finish(
        place.process(["analyze", path, "--now", "2026-03-02T10:00:00Z"] + words)
      ).complaint
    }
    let told = try complaint("--verbose", "--redact")
    #expect(told.contains("odd.log: offset 0: not understood: 2026-03-02T09:14:05Z mx1 postfix"))
    #expect(told.contains("more of it 12"))
    #expect(!told.contains("\u{1b}[2J") && !told.contains("ann@") && told.contains("@a.example"))
    #expect(!told.contains("cron"))
    #expect(!(try complaint()).contains("not understood:"))
  }

  @Test(arguments: ["analyze", "queue", "forecast", "alert", "report"])
  func `a script reads it from the JSON`(_ command: String) throws {
    for log in NothingUnderstoodTests.logs {
      let output = try run([command, "--format", "json"], log).output
      #expect(output.contains(#""understood":false"#), "\(output)")
    }
    let good = PostfixLines.message(
      1,
      at: Date(timeIntervalSince1970: 1_772_442_845),
      "b.example",
      PostfixLines.sent
    )
    #expect(try run([command, "--format", "json"], good).output.contains(#""understood":true"#))
  }

  @Test func `a monitoring plugin says that it does not know`() throws {
    for log in NothingUnderstoodTests.logs {
      let outcome = try run(["alert", "--nagios"], log)
      #expect(outcome.status == 3)
      #expect(outcome.output.hasPrefix("MAILTRIAGE UNKNOWN - "), "\(outcome.output)")
    }
    let missing = try Workplace().run("alert", "--nagios", "/nonexistent.log", "--quiet")
    #expect(missing.status == 3)
    #expect(missing.output.contains("/nonexistent.log"))
  }

  @Test func `what earlier runs have read is told as that`() throws {
    let place = try Workplace()
    let good = try place.write(
      "good.log",
      PostfixLines.message(
        1,
        at: Date(timeIntervalSince1970: 1_772_442_845),
        "b.example",
        PostfixLines.sent
      )
    )
    let odd = try place.write("odd.log", NothingUnderstoodTests.odd)
    let now = ["--now", "2026-03-02T10:00:00Z", "--quiet"]
    #expect(try Workplace.finish(place.process(["analyze", good] + now)).status == 0)
    for command in ["analyze", "queue", "forecast", "alert"] {
      let outcome = try Workplace.finish(place.process([command, odd] + now))
      // A terminal's lines end somewhere.
      let words = outcome.output.filter { !$0.isWhitespace }
      let caveat = "Nothing was understood of \(odd); what is said here was known before."
      #expect(words.hasPrefix(caveat.filter { !$0.isWhitespace }), "\(outcome.output)")
    }
    let nagios = try Workplace.finish(place.process(["alert", "--nagios", odd] + now))
    #expect(nagios.status == 3, "\(nagios.output)")
  }

  @Test func `a time in which nothing was tried is no all-clear`() throws {
    let log = PostfixLines.message(
      1,
      at: Date(timeIntervalSince1970: 1_772_442_845),
      "b.example",
      PostfixLines.sent
    )
    let late = try run(["analyze", "--since", "10m"], log)
    #expect(late.output.hasPrefix("Nothing was tried in the time looked at"), "\(late.output)")
    let whole = try run(["analyze", "--since", "1h"], log)
    #expect(whole.output.hasPrefix("No destination is in trouble"), "\(whole.output)")
  }

  @Test func `the report names the input that could not be read`() throws {
    for format in ["markdown", "html", "json"] {
      let outcome = try run(["report", "--format", format], NothingUnderstoodTests.letter)
      let text = outcome.output.replacing("\\", with: "")
      #expect(text.contains("odd.log"))
      #expect(text.contains("no line of it is a mail log"), "\(text)")
    }
  }
}
