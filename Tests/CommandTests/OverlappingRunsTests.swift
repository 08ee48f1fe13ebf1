import Foundation
import Testing

/// Two runs at once, as when cron starts the next one before the last has ended.
@Suite struct OverlappingRunsTests {
  @Test func `runs over one log at once count it once`() throws {
    let place = try Workplace()
    let lines = (0..<12_000).map {
      PostfixLines.message(
        $0,
        at: Date(timeIntervalSince1970: 1_772_442_845 + Double($0)),
        "d\($0 % 50).example",
        $0 % 3 == 0 ? PostfixLines.expired : PostfixLines.sent
      )
    }
    let log = try place.write("mail.log", lines.joined())
    let runs = (0..<3).map { _ in
      place.process(
        ["analyze", log, "--now", "2026-03-04T00:00:00Z", "--quiet"],
        // Many small transactions: between any two of them another run may write.
        environment: ["MAILTRIAGE_COMMIT_BYTES": "20000"]
      )
    }
    for run in runs {
      run.standardOutput = FileHandle.nullDevice
      run.standardError = FileHandle.nullDevice
      try run.run()
    }
    for run in runs { run.waitUntilExit() }
    // One that waited for too long says so, and answers from what is stored.
    #expect(runs.allSatisfy { [0, 75].contains($0.terminationStatus) })
    #expect(runs.contains { $0.terminationStatus == 0 })
    #expect(try place.value("SELECT count(*) FROM attempt") == 12_000)
    #expect(try place.value("SELECT count(*) FROM message") == 12_000)
    #expect(try place.value("SELECT count(*) FROM source") == 1)
    #expect(try place.value("SELECT sum(count) FROM tally") == 12_000)
    #expect(try place.value("PRAGMA integrity_check") == "ok")
  }
}
