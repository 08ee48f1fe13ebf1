import Foundation
import TestSupport
import Testing

/// `watch` follows a log that is written, tells what changes, and ends when it is told to.
@Suite struct WatchCommandTests {
  private struct Event: Decodable {
    var schema: String
    var event: String
    var rule: String
    var destination: String?
  }

  /// A watch that writes into a file; ended with the test.
  private final class Running {
    let process: Process
    let answer: String

    init(_ place: Workplace, _ arguments: [String]) throws {
      answer = place.path + "/answer"
      process = place.process(["watch"] + arguments)
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle(
        forWritingAtPath: try place.write("complaints", "")
      )
      process.arguments? += ["--output", answer]
      try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    func wait(_ what: String, until holds: () throws -> Bool) throws {
      let end = Date().addingTimeInterval(60)
      while Date() < end {
        if try holds() { return }
        guard process.isRunning else { break }
        usleep(100_000)
      }
      throw LiveFailure("waited in vain for \(what): \(lines)")
    }

    var lines: [String] {
      let text = (try? String(contentsOfFile: answer, encoding: .utf8)) ?? ""
      return text.split(separator: "\n").map(String.init)
    }
  }

  private func message(_ number: Int, _ domain: String, _ result: String) -> String {
    PostfixLines.message(number, at: Date(), domain, result)
  }

  @Test(.timeLimit(.minutes(30)))
  func `what begins in a growing, rotated log is told at once, each once, and the hook gets it`()
    throws
  {
    let place = try Workplace()
    let log = try place.write("mail.log", message(1, "good.example", PostfixLines.sent))
    let hook = try place.write(
      "hook",
      "#!/bin/sh\necho \"$MAILTRIAGE_DESTINATION\" >> \(place.path)/told\n"
    )
    chmod(hook, 0o755)
    let watch = try Running(
      place,
      [log, "--hook", hook, "--every", "20m", "--format", "json", "--quiet"]
    )
    try watch.wait("the first round") {
      FileManager.default.fileExists(atPath: place.database)
        && (try? place.value("SELECT count(*) FROM message")) == 1
    }
    try place.append("mail.log", message(2, "first.example", PostfixLines.expired))
    try watch.wait("the first trouble") { watch.lines.contains { $0.contains("first.example") } }
    try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
    try place.write("mail.log", message(3, "second.example", PostfixLines.expired))
    try watch.wait("trouble after rotation") {
      watch.lines.contains { $0.contains("second.example") }
    }
    // The first one is repaired.
    try place.append("mail.log", message(4, "first.example", PostfixLines.sent))
    try place.append("mail.log", message(2, "first.example", PostfixLines.sent))
    try watch.wait("the first one's end") { watch.lines.contains { $0.contains("\"ended\"") } }
    watch.process.terminate()
    watch.process.waitUntilExit()
    #expect(watch.process.terminationReason == .exit && watch.process.terminationStatus == 0)
    let schema = try JSONSchema(contentsOf: Workplace.schema("watch"), allowsMore: false)
    var begun: [String] = []
    for line in watch.lines {
      #expect(try schema.faults(in: Data(line.utf8)) == [], "\(line)")
      let event = try JSONDecoder().decode(Event.self, from: Data(line.utf8))
      if event.rule == "new-incident" { begun.append("\(event.event) \(event.destination ?? "")") }
    }
    #expect(begun == ["began first.example", "began second.example", "ended first.example"])
    let told = try String(contentsOfFile: place.path + "/told", encoding: .utf8)
    #expect(told.contains("first.example\n") && told.contains("second.example\n"))
  }

  @Test(.timeLimit(.minutes(30)))
  func `a log that comes later is read then, and its absence is complained of once`() throws {
    let place = try Workplace()
    let log = place.path + "/late.log"
    let watch = try Running(place, [log, "--every", "1s"])
    func complaints() -> Int {
      let text = (try? String(contentsOfFile: place.path + "/complaints", encoding: .utf8)) ?? ""
      return text.components(separatedBy: "late.log: No such file").count - 1
    }
    try watch.wait("a complaint") { complaints() > 0 }
    sleep(3)
    #expect(complaints() == 1)
    try place.write("late.log", message(1, "first.example", PostfixLines.expired))
    try watch.wait("trouble") {
      watch.lines.contains { $0.contains(" began warning: new-incident") }
    }
    kill(watch.process.processIdentifier, SIGINT)
    watch.process.waitUntilExit()
    #expect(watch.process.terminationStatus == 0)
  }

  @Test(arguments: [
    (["-"], "a pipe cannot be followed"), (["--every", "0"], "--every 0"),
    (["--format", "html"], "a watch tells in text or json"),
  ])
  func `what cannot be watched is refused`(_ arguments: [String], _ complaint: String) throws {
    let outcome = try Workplace.finish(try Workplace().process(["watch"] + arguments))
    #expect(outcome.status == 64)
    #expect(outcome.complaint.contains(complaint), "\(outcome.complaint)")
  }
}
