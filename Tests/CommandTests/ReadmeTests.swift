import Foundation
import TestSupport
import Testing

/// The README shows what the program says of the sample logs.
struct ReadmeTests {
  /// A command line, and what stands below it.
  struct Shown: Sendable {
    var command: String
    var lines: [String]
  }

  /// Of the README's console blocks those commands that only read.
  static let shown: [Shown] = {
    let text =
      (try? String(contentsOfFile: BuiltProgram.checkout + "/README.md", encoding: .utf8)) ?? ""
    var found: [Shown] = []
    var isConsole = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
      if line.hasPrefix("```") {
        isConsole = line == "```console"
      } else if isConsole, line.hasPrefix("$ mailtriage ") {
        found.append(Shown(command: String(line.dropFirst(13)), lines: []))
      } else if isConsole, !found.isEmpty {
        found[found.count - 1].lines.append(String(line))
      }
    }
    return found.filter { one in
      !one.lines.isEmpty
        && ["analyze ", "explain ", "queue", "forecast", "trace ", "remedy ", "alert --nagios"]
          .contains { one.command.hasPrefix($0) }
    }
  }()

  @Test(.timeLimit(.minutes(10)))
  func `each answer shown is the program's own`() throws {
    #expect(ReadmeTests.shown.count == 7)
    let place = try Workplace()
    func say(_ command: String) throws -> [Substring] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.currentDirectoryURL = URL(fileURLWithPath: BuiltProgram.checkout)
      process.standardInput = FileHandle.nullDevice
      process.arguments = [
        "-c",
        "\"$0\" \(command) --database \"$1\" --mta-config SampleLogs/postfix/main.cf "
          + "--now 2026-11-23T12:02:49Z --year 2026 --timezone UTC --quiet",
        BuiltProgram.path, place.database,
      ]
      return try Workplace.finish(process).output.split(separator: "\n")
    }
    // The others answer from what it has read.
    let first = ReadmeTests.shown.filter { $0.command.hasPrefix("analyze ") }
    let others = ReadmeTests.shown.filter { !$0.command.hasPrefix("analyze ") }
    for one in first + others {
      // The README has it read where a server keeps its log.
      let command = one.command.hasPrefix("analyze ") ? "analyze SampleLogs/postfix" : one.command
      let said = try say(command)
      for line in one.lines where line != "…" {
        // What is too long for the page ends in an ellipsis.
        let isCut = line.hasSuffix("…")
        let shown = isCut ? line.dropLast() : line[...]
        let isSaid = said.contains { isCut ? $0.hasPrefix(shown) : $0 == shown }
        #expect(isSaid, "\(one.command): \(line)")
      }
    }
  }
}
