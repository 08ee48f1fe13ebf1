import Alerting
import Foundation
import MailModel
import Store
import Testing

/// Alerts survive whatever ends the program.
@Suite struct AlertKillTests {
  private static let count = 5000
  private static let noon = Timestamp(seconds: 1_772_452_800)

  @Test func `ten thousand alerts with kills in between: each is taken, its end after its start`()
    async throws
  {
    let place = NSTemporaryDirectory() + "alert-kill-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    try """
    #!/bin/sh
    echo "$MAILTRIAGE_ID $MAILTRIAGE_STATE" >> \(place)/told

    """.write(toFile: place + "/hook", atomically: true, encoding: .utf8)
    chmod(place + "/hook", 0o755)
    try "alert:\n  hook: \(place)/hook\n  timeout: 2s\n"
      .write(toFile: place + "/c.yaml", atomically: true, encoding: .utf8)
    try post(place + "/t.sqlite")

    // The rules find nothing, so that each run declares over what has fired.
    var kills = 0
    while kills < 40 {
      let delay = UInt32.random(in: 5_000...300_000)
      guard try !run(place, now: "2026-03-02T12:30:00Z", killAfter: delay) else { break }
      kills += 1
    }
    #expect(kills > 3)
    // Each run an hour later: on a busy machine no run before may have lived to see the quiet begin.
    for hour in 13..<23 where try waiting(place) > 0 {
      sleep(1)
      _ = try run(place, now: "2026-03-02T\(hour):30:00Z", killAfter: nil)
    }
    #expect(try waiting(place) == 0)
    check(try String(contentsOfFile: place + "/told", encoding: .utf8))
  }

  private func post(_ path: String) throws {
    let conditions = (0..<AlertKillTests.count).map { number in
      AlertCondition(
        key: "new-incident/\(number)",
        rule: .newIncident,
        severity: .warning,
        destination: "d\(number).example",
        failureClass: .certificateExpired,
        count: 1,
        firstSeen: AlertKillTests.noon,
        summary: "mail waits"
      )
    }
    let outbox = AlertOutbox(try TriageStore(path: path))
    let posted = try outbox.post(conditions, now: AlertKillTests.noon, settle: 0)
    #expect(posted.count == AlertKillTests.count)
  }

  private func waiting(_ place: String) throws -> Int {
    let store = try TriageStore(path: place + "/t.sqlite")
    return try store.outbox().count + store.openAlerts().count
  }

  /// Runs `alert`; true where it came to its end.
  private func run(_ place: String, now: String, killAfter: UInt32?) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent().appendingPathComponent("mailtriage")
    process.arguments = [
      "alert", "--config", place + "/c.yaml", "--database", place + "/t.sqlite", "--now", now,
      "--timezone", "UTC", "--quiet",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    if let killAfter {
      usleep(killAfter)
      kill(process.processIdentifier, SIGKILL)
    }
    process.waitUntilExit()
    return process.terminationReason == .exit
  }

  private func check(_ log: String) {
    var fired: Set<Substring> = []
    var resolved: Set<Substring> = []
    for line in log.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 2 else {
        Issue.record("the hook wrote \(line)")
        continue
      }
      if words[1] == "firing" {
        fired.insert(words[0])
      } else {
        #expect(fired.contains(words[0]), "\(words[0]) ended before it fired")
        resolved.insert(words[0])
      }
    }
    #expect(fired.count == AlertKillTests.count)
    #expect(resolved.count == AlertKillTests.count)
  }
}
