import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import mailtriage

/// What is promised of every command: the common options, a help with examples, a hint where a word
/// was misspelt.
@Suite struct CommonOptionsTests {
  private func run(_ arguments: [String]) throws -> Workplace.Outcome {
    let process = Process()
    process.executableURL = Workplace.program
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    return try Workplace.finish(process)
  }

  private static let commands: [[String]] = [
    ["analyze"], ["explain"], ["trace"], ["queue"], ["forecast"], ["remedy"], ["report"],
    ["alert"], ["config", "check"], ["retry"], ["probe"],
  ]
  /// What these cannot do without.
  private static let needed = [
    "explain": ["x"], "trace": ["x"], "remedy": ["x.example"], "retry": ["x.example"],
    "probe": ["x.example"],
  ]

  @Test func `no command is forgotten here`() {
    let listed = Set(CommonOptionsTests.commands.compactMap(\.first))
    let all = Set(Mailtriage.configuration.subcommands.compactMap { $0.configuration.commandName })
    #expect(listed == all)
  }

  @Test(arguments: commands)
  func `each command takes each common option`(_ words: [String]) throws {
    let needed = CommonOptionsTests.needed[words[0]] ?? []
    let options = [
      "--database", ":memory:", "--rebuild", "--spool", "/s", "--mta-config", "/m", "--config", "c",
      "--since", "36h", "--until", "2026-03-02T09:14:05Z", "--now", "2026-03-02T09:14:05Z",
      "--timezone", "UTC", "--year", "2026", "--format", "json", "--output", "o", "--redact",
      "--quiet", "--verbose",
    ]
    _ = try Mailtriage.parseAsRoot(words + needed + options)
  }

  @Test(arguments: [[]] + commands)
  func `each help shows examples that are right`(_ words: [String]) throws {
    let help = try run(words + ["--help"])
    #expect(help.status == 0)
    let examples = help.output.split(separator: "\n").filter { $0.contains(" mailtriage ") }
      .filter { !$0.hasPrefix("USAGE:") && !$0.contains("See 'mailtriage") }
    #expect(!examples.isEmpty, "\(help.output)")
    for example in examples {
      // What stands in a pipe before it or behind it is the shell's.
      let pieces = example.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      let own = try #require(pieces.first { $0.hasPrefix("mailtriage") })
      let shell = try runToEnd("/bin/sh", ["-c", "printf '%s\\n' \(own.split(separator: "<")[0])"])
      let arguments = shell.output.split(separator: "\n").map(String.init)
      _ = try Mailtriage.parseAsRoot(Array(arguments.dropFirst()))
      #expect(arguments.dropFirst().starts(with: words), "\(example)")
      #expect(CommandSlip(Array(arguments.dropFirst()), in: Mailtriage.self) == nil)
    }
  }

  @Test(arguments: [
    (["analyse"], "analyse: no such command; did you mean `mailtriage analyze`?"),
    (["qeue", "/var/log/mail.log"], "qeue: no such command; did you mean `mailtriage queue`?"),
    (
      ["config", "chek", "--quiet"],
      "chek: no such command; did you mean `mailtriage config check`?"
    ),
    (
      ["/no/such.log", "--quiet"],
      "/no/such.log: a path, where a command is due: mailtriage analyze /no/such.log"
    ),
    (
      ["--format", "json", "queue"],
      "--format: options stand behind the command: mailtriage queue --format …"
    ),
    (
      ["450 4.7.1 try later"],
      "no command comes first; to explain that line: mailtriage explain '…'"
    ),
    (["\u{1b}[31mred"], "commands: analyze, explain,"),
  ])
  func `a word that is no command is answered with what was probably meant`(
    _ arguments: [String],
    _ hint: String
  ) throws {
    let outcome = try run(arguments)
    #expect(outcome.status == 64)
    #expect(outcome.output == "")
    #expect(outcome.complaint.contains(hint), "\(outcome.complaint)")
    #expect(!outcome.complaint.contains("\u{1b}"))
  }

  @Test func `an option that is misspelt is answered with the right one`() throws {
    let outcome = try run(["analyze", "--databse", "x"])
    #expect(outcome.status == 64)
    #expect(outcome.complaint.contains("'--database'"))
  }
}
