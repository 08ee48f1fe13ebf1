import Foundation
import GRDB
import Testing

/// A run that is killed at any moment and started again leaves the database of one that was not.
@Suite struct KilledRunTests {
  /// `MAILTRIAGE_KILLS` asks for more than CI does.
  private static let kills =
    ProcessInfo.processInfo.environment["MAILTRIAGE_KILLS"].flatMap { Int($0) } ?? 20

  @Test func `killed at random moments, over several sources`() throws {
    // Plain logs, packed ones, listings of queues, and a journal that was exported.
    let sources = ["postfix", "exim", "sendmail"].map { Workplace.samples + "/" + $0 }
    let other = try Workplace()
    let journal = try other.write("journal.export", KilledRunTests.journal())
    let arguments =
      ["analyze"] + sources + [journal] + [
        "--year", "2026", "--now", "2026-11-24T00:00:00Z", "--quiet",
      ]
    // Small commits, so that a kill falls between them as well as into them.
    let environment = ["MAILTRIAGE_COMMIT_BYTES": "5000"]
    let whole = try Workplace()
    let start = ContinuousClock.now
    let answer = try Workplace.finish(whole.process(arguments, environment: environment))
    #expect(answer.status == 0)
    let length = (ContinuousClock.now - start).components
    let microseconds = length.seconds * 1_000_000 + length.attoseconds / 1_000_000_000_000
    let expected = try whole.dump()
    let end = try whole.value("SELECT sum(cursor) FROM source") ?? 0

    var killed = 0
    var halfway = 0
    // By chance none may fall between two commits: then there are more of them.
    while killed < KilledRunTests.kills || (halfway == 0 && killed < 5 * KilledRunTests.kills) {
      let place = try Workplace()
      // Several kills of one database, then a run to its end.
      for _ in 0..<Int.random(in: 1...5) {
        let process = place.process(arguments, environment: environment)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // A third at any moment, the others once the database is open.
        if Int.random(in: 0..<3) > 0 { place.waitForDatabase() }
        // Reading is the smaller part of a run.
        let latest = microseconds / Int64.random(in: 2...20)
        usleep(UInt32.random(in: 1000...UInt32(clamping: max(latest, 2000))))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        if process.terminationReason == .uncaughtSignal { killed += 1 }
      }
      if let reached = try? KilledRunTests.reached(place.database), reached > 0, reached < end {
        halfway += 1
      }
      let last = try Workplace.finish(place.process(arguments, environment: environment))
      #expect(last.status == 0)
      #expect(last.output == answer.output)
      let own = try place.dump()
      for (table, rows) in expected { #expect(own[table] == rows, "\(table)") }
    }
    // Or the kills fell before and behind what they are meant for.
    #expect(halfway > 0)
  }

  /// How many bytes a killed run had taken in, all sources together.
  private static func reached(_ path: String) throws -> Int {
    // What the killed run left in the log of the database is only seen by a writer.
    try DatabaseQueue(path: path).read {
      try Int.fetchOne($0, sql: "SELECT sum(cursor) FROM source") ?? 0
    }
  }

  /// An exported journal of a host of its own.
  private static func journal() -> String {
    (0..<800).flatMap { number in
      PostfixLines.message(
        number,
        at: Date(timeIntervalSince1970: 1_795_000_000 + Double(number)),
        "j\(number % 9).example",
        number % 3 == 0 ? PostfixLines.expired : PostfixLines.sent
      ).split(separator: "\n").map { line in
        let words = line.split(separator: " ", maxSplits: 3)
        let tag = words[2].prefix { $0 != "[" }
        return """
          __CURSOR=s=1;i=\(number)
          __REALTIME_TIMESTAMP=\(1_795_000_000 + number)000000
          _HOSTNAME=mx9
          SYSLOG_IDENTIFIER=\(tag)
          SYSLOG_PID=8
          MESSAGE=\(words[3])


          """
      }
    }.joined()
  }
}

extension Workplace {
  /// Waits until a run has made the database its own, ten seconds at most.
  fileprivate func waitForDatabase() {
    for _ in 0..<10_000 where access(database + "-ingest", F_OK) != 0 { usleep(1000) }
  }
}
