import Foundation
import Testing

/// `explain` writes where, what and how much the common options say.
@Suite struct ExplainCommandTests {
  private static let line =
    "Mar  2 09:00:00 mx1 postfix/smtp[8]: 4ABC: to=<ann@b.example>, relay=none, delay=1, "
    + "delays=0/0/0/1, dsn=4.7.5, status=deferred (Server certificate not verified)"

  private func explain(_ arguments: String...) throws -> Workplace.Outcome {
    let process = Process()
    process.executableURL = Workplace.program
    process.arguments = ["explain"] + arguments + [ExplainCommandTests.line]
    process.standardInput = FileHandle.nullDevice
    return try Workplace.finish(process)
  }

  @Test(arguments: ["text", "json", "markdown", "html"])
  func `what is redacted names the domain and not the person`(_ format: String) throws {
    let plain = try explain("--format", format)
    #expect(plain.output.contains("ann@b"))
    let redacted = try explain("--format", format, "--redact", "--quiet")
    #expect(redacted.status == 0)
    #expect(!redacted.output.contains("ann@") && !redacted.output.contains("ann\\@"))
    #expect(redacted.output.contains("b.example") || redacted.output.contains("b\\.example"))
  }

  @Test func `the answer goes into the file that is named`() throws {
    let place = try Workplace()
    let outcome = try explain("--output", place.path + "/answer", "--format", "json")
    #expect(outcome.status == 0 && outcome.output == "")
    let answer = try String(contentsOfFile: place.path + "/answer", encoding: .utf8)
    #expect(answer == (try explain("--format", "json")).output)
    #expect(try explain("--output", "/nonexistent/answer").status == 73)
    #expect(try explain("--output", "/dev/full").status == 74)
  }

  @Test func `more is said of the server and of what TLS-RPT calls it where that is wanted`() throws
  {
    #expect(!(try explain()).output.contains("RFC 8460"))
    let more = try explain("--verbose").output
    #expect(more.contains("written by postfix, sending side, RFC 8460 result type"), "\(more)")
  }

  @Test func `a configuration that is named must be right`() throws {
    let place = try Workplace()
    #expect(try explain("--config", place.write("good.yaml", "timezone: UTC\n")).status == 0)
    let wrong = try explain("--config", place.write("bad.yaml", "timezone: Mars/X\n"))
    #expect(wrong.status == 78 && wrong.output == "")
  }
}
