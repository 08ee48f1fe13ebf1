import Foundation
import Testing

/// Text made to do harm, in every place where outside text enters, through every command and every
/// format: nothing of it is more than text in an output.
@Suite struct HostileTextTests {
  private static let answers: [[String]] = [
    ["analyze"], ["queue"], ["forecast"], ["report"], ["trace", "4ABCDEF10"],
    ["trace", "192.0.2.1", "<script>alert(1)</script>.example", "';DROP TABLE message;--"],
    ["trace", "a.example"], ["remedy", "<script>alert(1)</script>.example"],
    ["remedy", "$(touch${ifs}/tmp/owned).example"], ["analyze", "--messages"],
    ["alert"], ["remedy", "<img/src=x/onerror=alert(1)>.example"], ["forecast", "--verbose"],
  ]

  @Test(arguments: answers)
  func `outside text is only text, in every format`(_ arguments: [String]) throws {
    let place = try Workplace()
    let inputs = try inputs(place)
    let now = ["--now", "2026-03-02T12:00:00Z", "--quiet"]
    let taken = try Workplace.finish(place.process(["analyze"] + inputs + now))
    #expect(taken.status == 0, "\(taken.complaint)")
    for format in ["text", "json", "markdown", "html"] {
      let outcome = try Workplace.finish(place.process(arguments + now + ["--format", format]))
      try HostileText.judge(outcome, format, arguments)
    }
    let messages: Int? = try place.value("SELECT count(*) FROM message")
    #expect((messages ?? 0) >= HostileText.payloads.count)
  }

  @Test func `the report by mail has its own fields alone, and both its parts are harmless`() throws
  {
    let place = try Workplace()
    let now = ["--now", "2026-03-02T12:00:00Z", "--quiet"]
    let inputs = try inputs(place)
    #expect(try Workplace.finish(place.process(["analyze"] + inputs + now)).status == 0)
    let mail = try Workplace.finish(place.process(["report", "--email"] + now)).output
    #expect(mail.utf8.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x0a })
    let parts = mail.components(separatedBy: "\n\n")
    let fields = parts[0].split(separator: "\n").filter { !$0.hasPrefix(" ") }.map {
      $0.prefix { $0 != ":" }
    }
    #expect(
      fields == [
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted",
        "Content-Type",
      ]
    )
    let bodies = parts.compactMap {
      Data(base64Encoded: $0.prefix { $0 != "-" }.filter { !$0.isNewline })
    }.filter { $0.count > 100 }.map { String(decoding: $0, as: UTF8.self) }
    try #require(bodies.count == 2)
    try HostileText.judge(bodies[0], "markdown", ["report", "--email"])
    try HostileText.judge(bodies[1], "html", ["report", "--email"])
  }

  @Test(arguments: ["text", "json", "markdown", "html"], ["--", "-", "--ndr"])
  func `a hostile line is explained harmlessly`(_ format: String, _ way: String) throws {
    let place = try Workplace()
    let process = Process()
    process.executableURL = Workplace.program
    process.arguments = ["explain", "--format", format]
    let lines = place.path + "/lines"
    try HostileText.log().write(to: URL(fileURLWithPath: lines))
    process.standardInput = FileHandle(forReadingAtPath: lines)
    switch way {
    case "--":
      process.arguments? += ["--"] + HostileText.payloads.map { "454 4.7.5 \($0) has expired" }
      process.arguments?.append(HostileText.lineEnds)
    case "--ndr": process.arguments?.append("--ndr")
    default: break
    }
    let outcome = try Workplace.finish(process)
    #expect(outcome.status == 0, "\(outcome.complaint)")
    try HostileText.judge(outcome, format, ["explain", way])
  }

  @Test func `alerts, metrics and the monitoring line carry it as text`() throws {
    let place = try Workplace()
    let inputs = try inputs(place)
    let hook = try place.write(
      "hook",
      "#!/bin/sh\ncat >> \(place.path)/alerts\nenv -0 >> \(place.path)/env\n"
    )
    chmod(hook, 0o755)
    let metrics = place.path + "/mailtriage.prom"
    let now = ["--now", "2026-03-02T12:00:00Z", "--quiet"]
    let told = try Workplace.finish(
      place.process(["alert", "--hook", hook, "--prometheus", metrics] + inputs + now)
    )
    #expect(told.status == 0, "\(told.complaint)")
    let alerts = try String(contentsOfFile: place.path + "/alerts", encoding: .utf8)
    let lines = alerts.split(separator: "\n")
    #expect(lines.count > 5)
    for line in lines { try HostileText.judge(String(line), "json", ["alert hook"]) }
    // A variable's end is a NUL, so that a line end in one would be seen.
    let environment = try String(contentsOfFile: place.path + "/env", encoding: .utf8)
      .split(separator: "\0").filter { $0.hasPrefix("MAILTRIAGE_") }
    #expect(environment.count > lines.count)
    for variable in environment {
      #expect(HostileText.harmful(String(variable)).isEmpty && !variable.contains("\n"))
    }
    let text = try String(contentsOfFile: metrics, encoding: .utf8)
    #expect(HostileText.harmful(text).isEmpty)
    try HostileText.judgeMetrics(text)
    let plugin = try Workplace.finish(place.process(["alert", "--nagios"] + now))
    #expect(HostileText.harmful(plugin.output).isEmpty)
    #expect(plugin.output.split(separator: "\n").count == 1)
    #expect(plugin.output.split(separator: "|", omittingEmptySubsequences: false).count == 2)
  }

  private func inputs(_ place: Workplace) throws -> [String] {
    let log = place.path + "/mail.log"
    try HostileText.log().write(to: URL(fileURLWithPath: log))
    return [log, try place.write("queue.json", try HostileText.queue())]
  }
}
