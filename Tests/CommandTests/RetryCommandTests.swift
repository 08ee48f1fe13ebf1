import Foundation
import MailModel
import TestSupport
import Testing

/// `retry` and `probe` as the built program runs them, against receivers on loopback.
@Suite(.enabled(if: LoopbackReceivers.shared != nil, "python3-cryptography is needed"))
struct RetryCommandTests {
  private struct Told: Decodable {
    struct Trial: Decodable {
      struct Stage: Decodable { var stage: String }
      var rung: String
      var tls: Bool
      var peer: String
      var stages: [Stage]
      var ok: Bool
      var failed_stage: String?
    }
    var schema: String
    var destination: String
    var test_path: String?
    var source: String?
    var trials: [Trial]
    var verdict: String
    var weakest_change: String?
    var explanation: String
  }

  private let receivers: LoopbackReceivers
  private let place: Workplace

  init() throws {
    receivers = try #require(LoopbackReceivers.shared)
    place = try Workplace()
  }

  private func retry(
    _ arguments: [String],
    at name: String,
    level: String = "verify"
  ) throws -> Workplace.Outcome {
    try Workplace.finish(
      place.process(
        ["retry"] + arguments + [
          "--test-path", "127.0.0.1:\(try receivers.port(name))", "--tls-level", level, "--ca-file",
          receivers.directory + "/ca.pem", "--resolver", "127.0.0.1:\(try receivers.port("dns"))",
          "--timeout", "3",
        ]
      )
    )
  }

  private func told(_ outcome: Workplace.Outcome) throws -> Told {
    #expect(outcome.status == 0, "\(outcome.complaint)")
    return try JSONDecoder().decode(Told.self, from: Data(outcome.output.utf8))
  }

  @Test func `the result comes as promised, and is kept`() throws {
    let told = try told(try retry(["receiver.example", "--format", "json"], at: "expired"))
    #expect(told.schema == "mailtriage.retry/1")
    #expect(told.destination == "receiver.example")
    #expect(told.test_path == "mx.receiver.example:\(try receivers.port("expired"))")
    #expect(told.source == "127.0.0.1")
    #expect(told.verdict == "tls-is-the-cause")
    #expect(told.weakest_change == "pinned-certificate")
    #expect(told.trials.allSatisfy { trial in trial.peer.hasPrefix("127.0.0.1:") })
    #expect(told.trials.contains { $0.rung == "plaintext" && !$0.tls && $0.ok })
    // Nobody's mail: nothing is sent behind RCPT TO.
    #expect(!told.trials.flatMap(\.stages).contains { $0.stage == "data" })
    #expect(try place.value("SELECT verdict FROM retry") == "tls-is-the-cause")
  }

  @Test func `wrapper mode of the configuration is used on any port`() throws {
    let main = try place.write(
      "main.cf",
      """
      myhostname = sender.example
      smtp_tls_security_level = verify
      smtp_tls_wrappermode = yes
      smtp_tls_CAfile = \(receivers.directory)/ca.pem

      """
    )
    let outcome = try Workplace.finish(
      place.process([
        "retry", "receiver.example", "--format", "json", "--mta-config", main, "--test-path",
        "127.0.0.1:\(try receivers.port("implicit"))", "--resolver",
        "127.0.0.1:\(try receivers.port("dns"))", "--timeout", "3",
      ])
    )
    let told = try told(outcome)
    #expect(told.verdict == "not-reproduced", "\(told.explanation)")
    #expect(told.trials.first?.stages.map(\.stage).prefix(2) == ["connect", "handshake"])
  }

  @Test func `the first line of the text is the verdict`() throws {
    let outcome = try retry(["receiver.example"], at: "expired")
    #expect(outcome.output.hasPrefix("receiver.example: tls-is-the-cause"))
    #expect(outcome.output.contains("policy tried: level verify"))
  }

  @Test func `what a relay replies proves nothing, unless it is vouched for`() throws {
    let doubted = try told(try retry(["elsewhere.example", "--format", "json"], at: "expired"))
    #expect(doubted.verdict == "inconclusive")
    let vouched = try told(
      try retry(
        ["elsewhere.example", "--path-is-destination", "--format", "json"],
        at: "self-signed"
      )
    )
    #expect(vouched.verdict == "tls-is-the-cause")
  }

  @Test func `a probe message that nobody saw arrive proves nothing`() throws {
    let told = try told(
      try retry(
        ["elsewhere.example", "--send-probe", "me@elsewhere.example", "--format", "json"],
        at: "good"
      )
    )
    #expect(told.verdict == "inconclusive")
    #expect(told.explanation.contains("--path-is-destination"))
    #expect(told.trials.allSatisfy { !$0.stages.contains { $0.stage == "data" } })
  }

  @Test(arguments: [("yes", "not-reproduced"), ("no", "inconclusive")])
  func `a probe message that was seen to arrive shows that the path leads there`(
    _ answer: String,
    _ verdict: String
  ) throws {
    let process = place.process([
      "retry", "elsewhere.example", "--send-probe", "me@elsewhere.example", "--format", "json",
      "--test-path", "127.0.0.1:\(try receivers.port("good"))", "--tls-level", "verify",
      "--server-name", "mx.receiver.example", "--ca-file", receivers.directory + "/ca.pem",
      "--resolver", "127.0.0.1:\(try receivers.port("dns"))", "--timeout", "3",
    ])
    let input = Pipe()
    try input.fileHandleForWriting.write(contentsOf: Data("\(answer)\n".utf8))
    try input.fileHandleForWriting.close()
    process.standardInput = input
    let told = try told(try Workplace.finish(process))
    #expect(told.verdict == verdict, "\(told.explanation)")
    #expect(taken().contains("To: <me@elsewhere.example>"))
  }

  @Test(arguments: [
    ["--incidents", "--replay", "--yes"], ["receiver.example", "--replay"],
    ["receiver.example", "--queue-id", "1abcde-000001-AB"], [],
    ["--queue-id", "1abcde-000001-AB", "--replay"],
    ["receiver.example", "--sender", "a@b.example> SIZE=1"], ["receiver.example", "--repeat", "0"],
  ])
  func `what may not be asked is refused as usage`(_ arguments: [String]) throws {
    try spool(for: "receiver.example")
    let spool = arguments.contains("--queue-id") ? ["--spool", place.path + "/spool"] : []
    let outcome = try retry(arguments + spool, at: "good")
    #expect(outcome.status == 64, "\(outcome.complaint)")
    #expect(outcome.output.isEmpty)
  }

  // MARK: A queued message

  /// A message in an Exim spool.
  private func spool(for domain: String, body: String = "hello\n") throws {
    let id = "1abcde-000001-AB"
    try place.write(
      "spool/input/\(id)-H",
      """
      \(id)-H
      Debian-exim 103 107
      <ann@sender.example>
      1772449200 0
      -helo_name a
      XX
      1
      bob@\(domain)

      020F From: ann@s.example
      013  Subject: hey
      012* X-Gone: yes

      """
    )
    try place.write("spool/input/\(id)-D", "\(id)-D\n" + body)
    try place.write("spool/db/retry", "")
  }

  private func replay(_ domain: String, at name: String, level: String) throws -> Told {
    try told(
      try retry(
        [
          "--queue-id", "1abcde-000001-AB", "--spool", place.path + "/spool", "--replay", "--yes",
          "--path-is-destination", "--format", "json",
        ],
        at: name,
        level: level
      )
    )
  }

  private func taken() -> String {
    (try? String(contentsOfFile: receivers.directory + "/taken.txt", encoding: .utf8)) ?? ""
  }

  @Test func `a queue id stands for the destination of its message, and sends none of it`() throws {
    let body = "secret \(UUID().uuidString)\n"
    try spool(for: "receiver.example", body: body)
    let told = try told(
      try retry(
        [
          "--queue-id", "1abcde-000001-AB", "--spool", place.path + "/spool", "--format", "json",
        ],
        at: "good"
      )
    )
    #expect(told.destination == "receiver.example")
    #expect(told.verdict == "not-reproduced")
    #expect(!taken().contains(body))
  }

  @Test(arguments: [("good", "verify"), ("expired", "verify"), ("plain", "encrypt")])
  func `a replay sends the message with the change that works, and leaves the original`(
    _ name: String,
    _ level: String
  ) throws {
    let token = UUID().uuidString
    try spool(for: "receiver.example", body: ".\(token)\n")
    // No demand of the operator for this very destination, and none of the destination's own.
    let told = try replay("receiver.example", at: name, level: level)
    #expect(told.trials.last?.stages.last?.stage == "end", "\(told.explanation)")
    #expect(told.explanation.contains("stays queued"))
    #expect(taken().contains("From: ann@s.example\nSubject: hey\n\n..\(token)\n----"))
    #expect(FileManager.default.fileExists(atPath: place.path + "/spool/input/1abcde-000001-AB-D"))
  }

  @Test(arguments: [("plain", "encrypt"), ("expired", "verify")])
  func `a replay that breaks what the destination promises is refused`(
    _ name: String,
    _ level: String
  ) throws {
    let token = UUID().uuidString
    try spool(for: "dane.example", body: token + "\n")
    let told = try replay("dane.example", at: name, level: level)
    #expect(told.verdict == "refused-by-policy")
    #expect(told.explanation.contains("DANE"))
    #expect(!taken().contains(token))
  }

  @Test func `a demand for this very destination refuses a replay in clear`() throws {
    let token = UUID().uuidString
    try spool(for: "receiver.example", body: token + "\n")
    try place.write(
      "main.cf",
      "smtp_tls_policy_maps = hash:/etc/postfix/tls_policy\nmyhostname = a\n"
    )
    try place.write("tls_policy", "receiver.example encrypt\n")
    let outcome = try Workplace.finish(
      place.process([
        "retry", "--queue-id", "1abcde-000001-AB", "--spool", place.path + "/spool", "--replay",
        "--yes", "--format", "json", "--mta-config", place.path + "/main.cf", "--mta-config",
        place.path + "/tls_policy", "--test-path", "127.0.0.1:\(try receivers.port("plain"))",
        "--resolver", "127.0.0.1:\(try receivers.port("dns"))", "--timeout", "3",
      ])
    )
    let told = try told(outcome)
    #expect(told.verdict == "refused-by-policy")
    #expect(told.explanation.contains("this very destination"))
    #expect(!taken().contains(token))
  }

  @Test func `the destinations of active incidents are tried, one result a line`() throws {
    let start = Date(timeIntervalSinceNow: -3600)
    try place.write(
      "mail.log",
      PostfixLines.message(1, at: start, "receiver.example", PostfixLines.expired)
    )
    try place.run("analyze", place.path + "/mail.log", "--quiet")
    let outcome = try retry(["--incidents", "--format", "json"], at: "expired")
    let told = try told(outcome)
    #expect(told.destination == "receiver.example")
    #expect(told.verdict == "tls-is-the-cause")
    let analysis = try place.run("analyze", place.path + "/mail.log", "--format", "json", "-q")
    #expect(analysis.output.contains("\"confirmed_by\":\"retry\""))
  }

  // MARK: probe

  @Test(arguments: [
    ("müller.example", ["mx.receiver.example", "\"class\":null"]),
    ("mx.nowhere.example:25", ["does not exist (NXDOMAIN)", "\"class\":\"dns-failure\""]),
    ("broken.example", ["SERVFAIL", "\"class\":\"dns-failure\""]),
    ("null.example", ["null MX", "\"class\":\"dns-failure\""]),
    ("[::1]:9", ["\"address\":\"::1\"", "connection-refused"]),
  ])
  func `a probe of any name tells how far it came`(_ target: String, _ words: [String]) throws {
    let outcome = try Workplace.finish(
      place.process([
        "probe", target, "--format", "json", "--port", "\(try receivers.port("good"))",
        "--resolver", "127.0.0.1:\(try receivers.port("dns"))", "--timeout", "2", "--no-versions",
      ])
    )
    for word in words { #expect(outcome.output.contains(word), "\(outcome.output.prefix(900))") }
  }

  @Test func `a probe tells a host on its first line and in JSON`() throws {
    let port = try receivers.port("expired")
    let options = [
      "--ca-file", receivers.directory + "/ca.pem", "--resolver",
      "127.0.0.1:\(try receivers.port("dns"))", "--server-name", "mx.receiver.example", "--timeout",
      "3",
    ]
    let text = try Workplace.finish(place.process(["probe", "127.0.0.1:\(port)"] + options))
    #expect(text.status == 0, "\(text.complaint)")
    let first = text.output.split(separator: "\n").first ?? ""
    #expect(first.contains("certificate-expired"), "\(first)")
    let json = try Workplace.finish(
      place.process(["probe", "127.0.0.1:\(port)", "--format", "json"] + options)
    )
    #expect(json.output.contains("\"schema\":\"mailtriage.probe/1\""))
    #expect(json.output.contains("\"verify_code\":10"))
  }
}
