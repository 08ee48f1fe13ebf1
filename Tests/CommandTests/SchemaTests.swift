import Foundation
import TestSupport
import Testing

/// Each command's JSON is as its schema in `Documentation/schemas` says, for real logs.
@Suite struct SchemaTests {
  private func faults(
    _ name: String,
    _ document: String,
    allowsMore: Bool = false
  ) throws -> [String] {
    let schema = try JSONSchema(
      contentsOf: Workplace.schema(name),
      allowsMore: allowsMore
    )
    return try schema.faults(in: Data(document.utf8))
  }

  struct Sample: CustomTestStringConvertible, Sendable {
    var server: String
    var configuration: String
    var now: String
    var destination: String
    var testDescription: String { server }
  }

  @Test(arguments: [
    Sample(
      server: "postfix",
      configuration: "main.cf",
      now: "2026-11-23T12:02:49Z",
      destination: "birchhealth.example"
    ),
    Sample(
      server: "exim",
      configuration: "exim.conf",
      now: "2026-11-21T00:58:48Z",
      destination: "fallowsupply.example"
    ),
    Sample(
      server: "sendmail",
      configuration: "sendmail.cf",
      now: "2026-11-23T12:29:28Z",
      destination: "garnet-agency.test"
    ),
  ])
  func `what the commands say of a sample is as its schema says`(_ sample: Sample) throws {
    let place = try Workplace()
    let logs = Workplace.samples + "/" + sample.server
    let settings = [
      "--mta-config", "\(logs)/\(sample.configuration)", "--now", sample.now, "--year", "2026",
      "--quiet", "--format", "json",
    ]
    let commands: [(String, [String])] = [
      ("analyze", ["analyze", logs, "--messages"]), ("analyze", ["analyze"]),
      ("queue", ["queue"]), ("forecast", ["forecast"]), ("trace", ["trace", sample.destination]),
      ("remedy", ["remedy", sample.destination]), ("report", ["report"]), ("alerts", ["alert"]),
    ]
    for (schema, words) in commands {
      let outcome = try Workplace.finish(place.process(words + settings))
      #expect(outcome.status == 0, "\(words): \(outcome.complaint)")
      #expect(outcome.output.count > 100)
      #expect(try faults(schema, outcome.output) == [], "\(words)")
    }
  }

  @Test func `an explained line is as its schema says, whatever it is`() throws {
    let process = Process()
    process.executableURL = Workplace.program
    process.arguments = [
      "explain", "--format", "json", "SSL alert number 42", "450 4.2.0 greylisted", "no failure",
      "\u{1b}[31m",
      "Mar  2 09:00:00 mx1 postfix/smtp[8]: 4ABC: to=<a@b.example>, relay=none, "
        + "delay=1, delays=0/0/0/1, dsn=4.7.5, status=deferred (Server certificate not verified)",
    ]
    let outcome = try Workplace.finish(process)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 5)
    for line in lines { #expect(try faults("explain", String(line)) == []) }
  }

  @Test func `a probe and a retry that meet nobody are as their schemas say`() throws {
    let place = try Workplace()
    for (schema, words) in [
      ("probe", ["probe", "127.0.0.1:9", "--timeout", "2"]),
      (
        "retry",
        [
          "retry", "b.example", "--test-path", "127.0.0.1:9", "--timeout", "2",
          "--path-is-destination",
        ]
      ),
    ] {
      let outcome = try Workplace.finish(
        place.process(words + ["--quiet", "--format", "json"])
      )
      #expect(outcome.output.count > 100, "\(outcome.complaint)")
      #expect(try faults(schema, outcome.output, allowsMore: true) == [], "\(schema)")
    }
  }

  @Test func `what the hook reads is as its schema says`() throws {
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
    let hook = try place.write("hook", "#!/bin/sh\ncat >> \(place.path)/alerts\n")
    chmod(hook, 0o755)
    for words in [["--test"], [log, "--now", "2026-03-02T10:00:00Z"]] {
      let outcome = try Workplace.finish(
        place.process(["alert", "--hook", hook, "--quiet"] + words)
      )
      #expect(outcome.status == 0, "\(outcome.complaint)")
    }
    let alerts = try String(contentsOfFile: place.path + "/alerts", encoding: .utf8)
    let lines = alerts.split(separator: "\n")
    #expect(lines.count >= 2)
    for line in lines { #expect(try faults("alert", String(line)) == [], "\(line)") }
  }

  @Test func `the checker sees what does not fit`() throws {
    let wrong: [(String, String)] = [
      (#"{"schema":"mailtriage.trace/2","messages":[]}"#, "is not mailtriage.trace/1"),
      (#"{"schema":"mailtriage.trace/1"}"#, "messages is missing"),
      (#"{"schema":"mailtriage.trace/1","messages":[],"more":1}"#, "more is in no schema"),
      (#"{"schema":"mailtriage.trace/1","messages":[{"queue_id":7}]}"#, "7 is no string"),
      (
        #"{"schema":"mailtriage.trace/1","messages":[{"arrived_at":"today"}]}"#,
        "today does not look like"
      ),
    ]
    for (document, fault) in wrong {
      let found = try faults("trace", document).joined(separator: "\n")
      #expect(found.contains(fault), "\(found)")
    }
  }
}
