import Foundation
import Testing

/// Inputs that the user may not read: each is named, the rest is analysed.
@Suite struct ForbiddenInputTests {
  private static let lines = PostfixLines.message(
    1,
    at: Date(timeIntervalSince1970: 1_772_442_845),
    "b.example",
    PostfixLines.sent
  )

  private func analyze(_ place: Workplace, _ paths: String...) throws -> Workplace.Outcome {
    try place.write("state/old", "")
    place.giveToNobody("state")
    return try place.runAsNobody(
      ["analyze"] + paths.map { place.path + "/" + $0 } + [
        "--now", "2026-03-02T12:00:00Z", "--format", "json",
      ]
    )
  }

  private func expect(_ outcome: Workplace.Outcome, says sentence: String) throws {
    #expect(outcome.status == 77)
    #expect(outcome.complaint == "mailtriage: \(sentence)\n")
    let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let totals = try #require((answer as? [String: Any])?["totals"] as? [String: Any])
    #expect(totals["delivered"] as? Int == 1)
  }

  @Test(arguments: [["locked.log", "mail.log"], ["."]])
  func `a log`(_ paths: [String]) throws {
    let place = try Workplace()
    try place.write("mail.log", ForbiddenInputTests.lines)
    let locked = try place.write("locked.log", ForbiddenInputTests.lines)
    chmod(locked, 0)
    place.giveToNobody("locked.log")
    let outcome =
      paths.count == 1
      ? try analyze(place, paths[0]) : try analyze(place, paths[0], paths[1])
    try expect(outcome, says: "\(locked): Permission denied")
  }

  @Test(arguments: [
    (0o000, "the directory cannot be read"),
    (0o400, "no permission to open what is in the directory"),
  ])
  func `a directory`(_ mode: Int, _ reason: String) throws {
    let place = try Workplace()
    try place.write("log/mail.log", ForbiddenInputTests.lines)
    try place.write("log/old/mail.log", ForbiddenInputTests.lines)
    place.giveToNobody("log/old")
    chmod(place.path + "/log/old", mode_t(mode))
    defer { chmod(place.path + "/log/old", 0o700) }
    try expect(try analyze(place, "log"), says: "\(place.path)/log/old: \(reason)")
  }

  @Test func `a log in a directory that may not be entered`() throws {
    let place = try Workplace()
    try place.write("mail.log", ForbiddenInputTests.lines)
    let hidden = try place.write("old/mail.log", ForbiddenInputTests.lines)
    place.giveToNobody("old")
    chmod(place.path + "/old", 0o600)
    defer { chmod(place.path + "/old", 0o700) }
    try expect(
      try analyze(place, "old/mail.log", "mail.log"),
      says: "\(hidden): Permission denied"
    )
  }
}
