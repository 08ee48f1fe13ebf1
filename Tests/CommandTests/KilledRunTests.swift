import Foundation
import Testing

/// A run that is killed at any moment and started again leaves the database of one that was not.
@Suite struct KilledRunTests {
  /// `MAILTRIAGE_KILLS` asks for more than CI does.
  private static let kills =
    ProcessInfo.processInfo.environment["MAILTRIAGE_KILLS"].flatMap { Int($0) } ?? 20

  @Test func `killed at random moments, over several sources`() throws {
    let sources = ["postfix", "exim", "sendmail"].map { Workplace.samples + "/" + $0 }
    let arguments =
      ["analyze"] + sources + ["--year", "2026", "--now", "2026-11-24T00:00:00Z", "--quiet"]
    // Small commits, so that a kill falls between them as well as into them.
    let environment = ["MAILTRIAGE_COMMIT_BYTES": "20000"]
    let whole = try Workplace()
    let start = ContinuousClock.now
    let answer = try Workplace.finish(whole.process(arguments, environment: environment))
    #expect(answer.status == 0)
    let length = (ContinuousClock.now - start).components
    let microseconds = length.seconds * 1_000_000 + length.attoseconds / 1_000_000_000_000
    let expected = try whole.dump()

    var killed = 0
    while killed < KilledRunTests.kills {
      let place = try Workplace()
      // Several kills of one database, then a run to its end.
      for _ in 0..<Int.random(in: 1...5) {
        let process = place.process(arguments, environment: environment)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        usleep(UInt32.random(in: 1000...UInt32(clamping: max(microseconds, 2000))))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        if process.terminationReason == .uncaughtSignal { killed += 1 }
      }
      let end = try Workplace.finish(place.process(arguments, environment: environment))
      #expect(end.status == 0)
      #expect(end.output == answer.output)
      let own = try place.dump()
      for (table, rows) in expected { #expect(own[table] == rows, "\(table)") }
    }
  }
}
