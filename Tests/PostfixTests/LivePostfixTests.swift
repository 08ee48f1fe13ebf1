import Foundation
import MailModel
import MailServers
import TestSupport
import Testing

/// A running Postfix whose queue is read while it delivers.
@Suite(
  .serialized,
  .enabled(if: LivePostfix.canRun, "Postfix is not installed, or this is not root")
) struct LivePostfixTests {
  private static var now: Timestamp { Timestamp(seconds: Int64(Date().timeIntervalSince1970)) }

  @Test(.timeLimit(.minutes(30)))
  func `the queue is read while mail arrives, moves, is delivered and comes back`() throws {
    let server = try LivePostfix()
    try server.start()
    try server.submit(40, to: "bob@later.example")
    try server.submit(20, to: "eve@gone.example")
    var witness = QueueWitness(sender: "ann@sender.example")
    for round in 0..<40 {
      // New mail comes in meanwhile, and most of it leaves at once.
      if round.isMultiple(of: 5) { try server.submit(10, to: "joe@good.example") }
      let before = server.listed
      let read = Postfix().readQueue(directory: server.queue, now: LivePostfixTests.now)
      #expect(witness.faults(before: before, read, after: server.listed) == [], "round \(round)")
      usleep(100_000)
    }
    #expect(witness.checked > 1000)
    #expect(witness.states.contains(.deferred))
    // Nothing of ours held it up: as soon as the receivers take it, all of it is delivered.
    try server.recover()
    try server.wait("the queue to drain, but for what nobody takes", seconds: 180) {
      try server.flush()
      let waiting = Postfix().readQueue(directory: server.queue, now: LivePostfixTests.now)
      return waiting.messages.allSatisfy { $0.recipients.first?.address == "eve@gone.example" }
    }
    let log = try String(contentsOfFile: server.log, encoding: .utf8)
    let complaints = log.split(separator: "\n").filter {
      $0.contains(": warning: ") || $0.contains(": fatal: ") || $0.contains(": error: ")
        || $0.contains("corrupt")
    }
    #expect(complaints.isEmpty, "\(complaints.prefix(3))")
    #expect(log.contains("to=<bob@later.example>") && log.contains("status=sent"))
  }

  @Test(.timeLimit(.minutes(30)))
  func `what is read is what the server itself lists, and reading changes nothing`() throws {
    let server = try LivePostfix()
    try server.start()
    try server.submit(12, to: "bob@later.example")
    try server.submit(3, to: "eve@gone.example", from: "", bytes: 300_000)
    try server.wait("every message to be deferred") {
      let read = Postfix().readQueue(directory: server.queue, now: LivePostfixTests.now)
      return read.messages.count == 15
        && read.messages.allSatisfy { $0.recipients.first?.reason != nil }
    }
    try server.run(
      "/usr/sbin/postsuper",
      ["-c", server.configuration, "-h", try #require(server.listed.min())]
    )
    try server.stop()
    let before = try server.tree
    let read = Postfix().readQueue(directory: server.queue, now: LivePostfixTests.now)
    #expect(try server.tree == before)
    let listing = Postfix().readQueueListing(
      try server.listing(),
      path: "postqueue -j",
      now: LivePostfixTests.now
    )
    #expect(listing.troubles.isEmpty)
    func told(_ queue: QueueSnapshot) -> Set<String> {
      Set(
        queue.messages.map { message in
          "\(message.queueID) \(message.state == .held) <\(message.sender)> "
            + "\(message.lifetimeBase.seconds) "
            + message.recipients.map { "<\($0.address)> \($0.reason ?? "-")" }
            .joined(separator: " ")
        }
      )
    }
    #expect(told(read) == told(listing))
    #expect(read.messages.count == 15)
    #expect(read.messages.count { $0.state == .held } == 1)
    #expect(read.messages.count { $0.sender.isEmpty } == 3)
    #expect(read.messages.count { ($0.size ?? 0) > 300_000 } == 3)
    let reasons = Set(read.messages.compactMap { $0.recipients.first?.reason })
    #expect(reasons.contains { $0.contains("said: 450") })
    #expect(reasons.contains { $0.contains("Connection refused") })
  }

  private struct Told: Decodable {
    struct Destination: Decodable {
      struct Diagnosis: Decodable {
        var state: String
        var tls_is_cause: String
        var `class`: String
      }
      var domain: String
      var queued: Int
      var attempts: [String: Int]
      var diagnosis: Diagnosis?
    }
    struct Input: Decodable {
      var unrecognized: Int
      var lines: Int
    }
    var destinations: [Destination]
    var inputs: [Input]
  }

  @Test(.timeLimit(.minutes(30)))
  func `analyze reads its log and its queue while it runs, and says what is wrong`() throws {
    let server = try LivePostfix()
    try server.start()
    try server.submit(5, to: "bob@later.example")
    try server.submit(4, to: "eve@gone.example")
    try server.submit(3, to: "joe@good.example")
    try server.wait("the first attempts") {
      let log = try String(contentsOfFile: server.log, encoding: .utf8)
      return log.matches(of: /status=sent/).count >= 3
        && log.contains("to=<bob@later.example>") && log.contains("to=<eve@gone.example>")
    }
    let printed = try server.run(
      BuiltProgram.path,
      [
        "analyze", server.log, "--spool", server.queue, "--mta-config",
        server.configuration + "/main.cf", "--database", server.path + "/t.sqlite", "--format",
        "json", "--quiet",
      ]
    )
    let told = try JSONDecoder().decode(Told.self, from: printed)
    #expect(told.inputs.allSatisfy { $0.unrecognized == 0 })
    #expect(told.inputs.contains { $0.lines > 20 })
    let found = Dictionary(uniqueKeysWithValues: told.destinations.map { ($0.domain, $0) })
    #expect(found["good.example"]?.attempts["delivered"] == 3)
    #expect(found["good.example"]?.diagnosis == nil)
    #expect(found["later.example"]?.queued == 5)
    #expect(found["later.example"]?.diagnosis?.state == "active")
    #expect(found["later.example"]?.diagnosis?.tls_is_cause == "no")
    #expect(found["gone.example"]?.queued == 4)
    #expect(found["gone.example"]?.diagnosis?.class == "connection-refused")
  }
}
