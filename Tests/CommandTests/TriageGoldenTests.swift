import Foundation
import Testing

/// What the commands print for the sample logs, letter by letter. After a wanted change of wording:
/// `MAILTRIAGE_RECORD=1 swift test --filter TriageGoldenTests`, and read the difference.
@Suite struct TriageGoldenTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures/golden")

  private static let postfix = Workplace.samples + "/postfix"
  private static let moment = ["--now", "2026-11-23T12:02:49Z", "--year", "2026", "--quiet"]

  /// The sample read into a place's database, then `arguments`.
  private func printed(_ arguments: [String]) throws -> String {
    let place = try Workplace()
    let settings = ["--mta-config", TriageGoldenTests.postfix + "/main.cf"]
    let read = try Workplace.finish(
      place.process(["analyze", TriageGoldenTests.postfix] + settings + TriageGoldenTests.moment)
    )
    try #require(read.status == 0, "\(read.complaint)")
    let outcome = try Workplace.finish(
      place.process(arguments + settings + TriageGoldenTests.moment)
    )
    #expect(outcome.status == 0)
    #expect(outcome.complaint.isEmpty)
    return TriageGoldenTests.unfolded(outcome.output)
      .replacing(Workplace.samples, with: "SampleLogs")
  }

  /// Where the line that names sources is folded depends on how long this package's own path is.
  private static func unfolded(_ output: String) -> String {
    guard let names = output.range(of: "Also from earlier runs"),
      let end = output[names.upperBound...].range(of: "\n\n")
    else { return output }
    let named = output[names.lowerBound..<end.lowerBound].replacing("\n  ", with: " ")
    return output.replacingCharacters(in: names.lowerBound..<end.lowerBound, with: named)
  }

  private func compare(_ printed: String, with name: String) throws {
    let file = TriageGoldenTests.fixtures.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["MAILTRIAGE_RECORD"] == "1" {
      try Data(printed.utf8).write(to: file)
    }
    let wanted = try String(contentsOf: file, encoding: .utf8)
    let mine = printed.split(separator: "\n", omittingEmptySubsequences: false)
    let theirs = wanted.split(separator: "\n", omittingEmptySubsequences: false)
    for (number, (got, want)) in zip(mine, theirs).enumerated() where got != want {
      Issue.record("\(name), line \(number + 1): \(got)\nwanted: \(want)")
      return
    }
    #expect(mine.count == theirs.count)
  }

  @Test(arguments: [
    ("analyze.txt", ["analyze"]), ("analyze.md", ["analyze", "--format", "markdown"]),
    ("queue.txt", ["queue"]), ("forecast.txt", ["forecast"]),
    ("trace.txt", ["trace", "birchhealth.example", "--redact"]),
  ])
  func `the sample reads`(_ name: String, _ arguments: [String]) throws {
    try compare(try printed(arguments), with: name)
  }

  private struct Told: Decodable {
    struct Destination: Decodable {
      struct Diagnosis: Decodable {
        var incident: String
        var state: String
        var tls_is_cause: String
        var `class`: String
        var responsible: String
        var onset: String
        var trigger: String?
      }
      struct Forecast: Decodable {
        var next_expiry: String?
        var fix_by: String?
        var saved_if_fixed: Int
      }
      var domain: String
      var queued: Int
      var delivered_in_clear: Int
      var trend: String?
      var diagnosis: Diagnosis?
      var forecast: Forecast
    }
    struct Incident: Decodable {
      var id: String
      var domains: [String]
    }
    var schema: String
    var destinations: [Destination]
    var incidents: [Incident]
    var totals: [String: Int]
  }

  @Test func `the sample's diagnosis is`() throws {
    let json = try printed(["analyze", "--format", "json"])
    let told = try JSONDecoder().decode(Told.self, from: Data(json.utf8))
    #expect(told.schema == "mailtriage.analysis/1")
    var table = told.totals.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
    for one in told.destinations {
      let found = one.diagnosis.map {
        "\($0.state) \($0.tls_is_cause) \($0.class) \($0.responsible) since \($0.onset)"
          + ($0.trigger.map { " after: \($0)" } ?? "")
      }
      table +=
        "\(one.domain): \(found ?? "well"); \(one.queued) wait, \(one.trend ?? "-"), "
        + "\(one.delivered_in_clear) in clear; fix by \(one.forecast.fix_by ?? "-"), "
        + "NDR \(one.forecast.next_expiry ?? "-")\n"
    }
    try compare(table, with: "diagnosis.txt")
    // Each destination's incident is one of the list, which names it.
    let names = Dictionary(uniqueKeysWithValues: told.incidents.map { ($0.id, $0.domains) })
    for one in told.destinations {
      if let diagnosis = one.diagnosis {
        #expect(names[diagnosis.incident]?.contains(one.domain) == true, "\(one.domain)")
      }
    }
  }

  @Test(arguments: [
    ("postfix", "2026-11-23T12:02:49Z"), ("exim", "2026-11-21T00:58:48Z"),
    ("sendmail", "2026-11-23T12:29:28Z"),
  ])
  func `the first screen fits a hundred columns by thirty lines`(
    _ server: String,
    _ now: String
  ) throws {
    let place = try Workplace()
    let page = try place.run(
      "analyze",
      Workplace.samples + "/" + server,
      "--now",
      now,
      "--year",
      "2026",
      "--quiet"
    )
    let lines = page.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 30)
    #expect(lines.allSatisfy { $0.count <= 100 }, "\(lines.filter { $0.count > 100 })")
    // Whose fault, how fresh, how much was understood; the heading; what to do.
    #expect(lines.first?.hasPrefix("It looks like ") == true)
    #expect(page.output.contains("newest line ") && page.output.contains("Understood: "))
    for word in ["DESTINATION", "WAIT", "TREND", "OLDEST", "CAUSE", "FIX BY", "NDR", "DO THIS"] {
      #expect(page.output.contains(word))
    }
  }

  @Test func `long and hostile names do not break the screen`() throws {
    let place = try Workplace()
    let start = Date(timeIntervalSince1970: 1_772_442_845)
    var text = ""
    for number in 0..<80 {
      let domain = String(repeating: "x\u{1b}[31m\t|", count: 1 + number % 9) + "\(number).example"
      text += PostfixLines.message(number, at: start, domain, PostfixLines.expired)
    }
    let log = try place.write("mail.log", text)
    let page = try place.run("analyze", log, "--now", "2026-03-02T10:00:00Z", "--quiet")
    #expect(page.status == 0)
    let lines = page.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 30)
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(page.output.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0a })
  }

  @Test func `one hop that carries many domains is one row`() throws {
    let place = try Workplace()
    let start = Date(timeIntervalSince1970: 1_772_442_845)
    let text = (0..<12).map { number in
      PostfixLines.message(number, at: start, "d\(number).example", PostfixLines.expired)
        .replacing("mx.d\(number).example", with: "mx.hosting-provider.example")
    }.joined()
    let log = try place.write("mail.log", text)
    let page = try place.run("analyze", log, "--now", "2026-03-02T10:00:00Z", "--quiet")
    let rows = page.output.split(separator: "\n").filter { $0.contains(" ×12 ") }
    #expect(rows.count == 1)
    #expect(rows.first?.contains(" 12 growing") == true, "\(page.output)")
    #expect(page.output.hasPrefix("It looks like them: "))
    #expect(page.output.contains("TLS holds up 12 messages to 12 destinations"))
  }

  @Test func `deadlines that rest on assumed settings say so`() throws {
    let place = try Workplace()
    let log = try place.write(
      "mail.log",
      PostfixLines.message(
        1,
        at: Date(timeIntervalSince1970: 1_772_442_845),
        "b.example",
        PostfixLines.expired
      )
    )
    let assumed = try place.run("analyze", log, "--now", "2026-03-02T10:00:00Z", "--quiet")
    #expect(assumed.output.contains("7 Mar 09:14*") || assumed.output.contains("*  "))
    #expect(assumed.output.contains("* Deadlines by Postfix's rule"))
    let main = try place.write("main.cf", "maximal_queue_lifetime = 2d\n")
    let stated = try place.run(
      "analyze",
      log,
      "--mta-config",
      main,
      "--now",
      "2026-03-02T10:00:00Z",
      "--quiet"
    )
    #expect(!stated.output.contains("*"))
    #expect(stated.output.contains("4 Mar "))
  }

  @Test func `what earlier runs read is named`() throws {
    let place = try Workplace()
    let start = Date(timeIntervalSince1970: 1_772_442_845)
    let old = try place.write(
      "old.log",
      PostfixLines.message(1, at: start, "b.example", PostfixLines.expired)
    )
    let new = try place.write(
      "new.log",
      PostfixLines.message(2, at: start + 600, "c.example", PostfixLines.expired)
    )
    let first = try place.run("analyze", old, "--now", "2026-03-02T10:00:00Z", "--quiet")
    #expect(!first.output.contains("Also from earlier runs"))
    let second = try place.run("analyze", new, "--now", "2026-03-02T10:00:00Z", "--quiet")
    #expect(second.output.contains("Also from earlier runs: "))
    #expect(second.output.contains("b.example") && second.output.contains("c.example"))
  }

  private static let wrong: [(String, Int32)] = [
    ("analyze --now tomorrow", 64), ("analyze --format xml", 64),
    ("analyze --timezone Europe/Nowhere", 64), ("trace", 64), ("analyze /nonexistent/mail.log", 66),
    ("queue --spool /nonexistent", 66), ("trace nobody@nowhere.example", 66),
    ("forecast --mta-config /nonexistent/main.cf", 66), ("analyze --config PLACE/bad.yaml", 78),
    ("analyze --mta-config PLACE/letter", 78), ("analyze PLACE/letter", 65),
    ("analyze PLACE/none/", 66),
  ]

  @Test(arguments: wrong)
  func `ends with the status that says what was wrong`(
    _ command: String,
    _ status: Int32
  ) throws {
    let place = try Workplace()
    try place.write("bad.yaml", "hook_timeout: [\n")
    try place.write("letter", "Dear reader,\nthis is no log and no configuration.\n")
    let words = command.replacing("PLACE", with: place.path).split(separator: " ").map(String.init)
    // `--timezone` twice is a fault of its own.
    let process = place.process(words)
    if words.contains("--timezone") {
      process.arguments = words + ["--database", place.database]
    }
    let outcome = try Workplace.finish(process)
    #expect(outcome.status == status, "\(outcome.complaint)")
    #expect(!outcome.complaint.isEmpty)
  }

  @Test func `a log that may not be read ends with 77, and the rest is told`() throws {
    let place = try Workplace()
    let start = Date(timeIntervalSince1970: 1_772_442_845)
    try place.write("a/secret.log", "x\n")
    try place.write(
      "a/mail.log",
      PostfixLines.message(1, at: start, "b.example", PostfixLines.expired)
    )
    chmod(place.path + "/a/secret.log", 0)
    chmod(place.path, 0o777)
    chmod(place.path + "/a", 0o755)
    chmod(place.path + "/a/mail.log", 0o644)
    let process = place.process([
      "analyze", place.path + "/a", "--now", "2026-03-02T10:00:00Z", "--quiet",
    ])
    if getuid() == 0 {
      // Root may read everything: run as somebody else, where the program can be reached.
      let copy = place.path + "/mailtriage"
      try FileManager.default.copyItem(atPath: Workplace.program.path, toPath: copy)
      process.arguments =
        ["--reuid=65534", "--clear-groups", copy] + (process.arguments ?? [])
      process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    }
    let outcome = try Workplace.finish(process)
    #expect(outcome.status == 77, "\(outcome.complaint)")
    #expect(outcome.complaint.contains("secret.log"))
    #expect(outcome.output.contains("b.example"))
  }
}
