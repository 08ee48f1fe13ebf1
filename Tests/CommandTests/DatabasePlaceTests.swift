import Foundation
import GRDB
import Testing

/// Places where a database cannot be, or only just.
@Suite struct DatabasePlaceTests {
  private static let start = Date(timeIntervalSince1970: 1_772_442_845)
  private static let lines = PostfixLines.message(1, at: start, "b.example", PostfixLines.sent)
  private static let now = ["--now", "2026-03-02T12:00:00Z", "--format", "json"]

  private func delivered(_ output: String) throws -> Int? {
    let answer = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
    return (answer?["totals"] as? [String: Any])?["delivered"] as? Int
  }

  private func analyze(_ place: Workplace, asNobody: Bool = false) throws -> Workplace.Outcome {
    let arguments = ["analyze", place.path + "/mail.log"] + DatabasePlaceTests.now
    return asNobody
      ? try place.runAsNobody(arguments) : try Workplace.finish(place.process(arguments))
  }

  @Test func `a full disk ends the run with 74, and the next one with room makes up for it`() throws
  {
    guard getuid() == 0 else { try Test.cancel("only root can mount a small file system") }
    let log = (0..<6000).map {
      PostfixLines.message(
        $0,
        at: DatabasePlaceTests.start,
        "b\($0).example",
        PostfixLines.expired
      )
    }.joined()
    let whole = try Workplace()
    let path = try whole.write("mail.log", log)
    #expect(try analyze(whole).status == 0)

    let place = try Workplace()
    let shell = place.process([], environment: ["DATABASE": place.database])
    shell.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    shell.currentDirectoryURL = URL(fileURLWithPath: place.path)
    shell.arguments = [
      "-m", "sh", "-c",
      """
      mkdir small state && mount -t tmpfs -o size=1m none small || { echo none; exit; }
      run() {
        "$@" --database small/t.sqlite --timezone UTC > /dev/null 2>> complaint
        echo $?
      }
      run "$@"
      python3 -c 'import sqlite3, sys
      print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])' \
        small/t.sqlite
      mount -o remount,size=64m small
      run "$@"
      cp small/t.sqlite* state/
      """, "sh", Workplace.program.path, "analyze", path,
    ]
    shell.arguments? += DatabasePlaceTests.now
    let outcome = try Workplace.finish(shell)
    // Nor in a container or a changed root that lets nobody have mounts of their own.
    guard outcome.output != "none\n", !outcome.complaint.hasPrefix("unshare: ") else {
      try Test.cancel("nothing can be mounted here")
    }
    #expect(outcome.output == "74\nok\n0\n", "\(outcome.complaint)")
    let complaint = try String(contentsOfFile: place.path + "/complaint", encoding: .utf8)
    #expect(complaint.contains("t.sqlite: no space left on the device"))
    let expected = try whole.dump()
    let own = try place.dump()
    for (table, rows) in expected { #expect(own[table] == rows, "\(table)") }
  }

  @Test func `an empty file becomes a database`() throws {
    let place = try Workplace()
    try place.write("mail.log", DatabasePlaceTests.lines)
    try place.write("state/t.sqlite", "")
    for _ in 0..<2 {
      let outcome = try analyze(place)
      #expect(outcome.status == 0, "\(outcome.complaint)")
      #expect(try delivered(outcome.output) == 1)
    }
  }

  @Test func `a directory is none, and stays as it is`() throws {
    let place = try Workplace()
    try place.write("mail.log", DatabasePlaceTests.lines)
    try place.write("state/t.sqlite/mine", "kept")
    let outcome = try analyze(place)
    #expect(outcome.status == 73)
    #expect(
      outcome.complaint
        == "mailtriage: \(place.database): the database cannot be opened: Is a directory\n"
    )
    #expect(outcome.output.isEmpty)
    let left = try FileManager.default.contentsOfDirectory(atPath: place.database)
    #expect(left == ["mine"])
  }

  @Test func `a file where its directory should be ends with 73`() throws {
    let place = try Workplace()
    try place.write("mail.log", DatabasePlaceTests.lines)
    try place.write("state", "a file")
    let outcome = try analyze(place)
    #expect(outcome.status == 73)
    #expect(outcome.complaint.contains("\(place.database): the database cannot be opened"))
  }

  enum Lock: CaseIterable {
    case file
    case directory
    case directoryBeforeTheFirstRun
  }

  @Test(arguments: Lock.allCases)
  func `one that may not be written ends with 77 and is left as it was`(_ lock: Lock) throws {
    let place = try Workplace()
    try place.write("mail.log", DatabasePlaceTests.lines)
    try place.write("state/old", "")
    place.giveToNobody("state")
    if lock != .directoryBeforeTheFirstRun {
      #expect(try analyze(place, asNobody: true).status == 0)
    }
    let before = try? Data(contentsOf: URL(fileURLWithPath: place.database))
    let mode: mode_t = lock == .file ? 0o400 : 0o500
    #expect(chmod(lock == .file ? place.database : place.path + "/state", mode) == 0)
    defer { chmod(place.path + "/state", 0o700) }
    let outcome = try analyze(place, asNobody: true)
    #expect(outcome.status == 77)
    #expect(
      outcome.complaint
        == "mailtriage: \(place.database): no permission to open or write the database\n"
    )
    #expect((try? Data(contentsOf: URL(fileURLWithPath: place.database))) == before)
  }
}
