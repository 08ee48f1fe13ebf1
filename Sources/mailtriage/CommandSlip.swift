import ArgumentParser
import Glibc

/// A command line whose command is none, with what was probably meant.
struct CommandSlip: CustomStringConvertible {
  let description: String

  /// Nil where the command is one, or only help is asked for.
  init?(_ arguments: [String], in command: any ParsableCommand.Type) {
    let name = CommandSlip.path(to: command)
    let commands = command.configuration.subcommands
    guard let word = arguments.first, !commands.isEmpty else { return nil }
    let names = commands.compactMap { $0.configuration.commandName }
    if let next = commands.first(where: { $0.configuration.commandName == word }) {
      guard let slip = CommandSlip(Array(arguments.dropFirst()), in: next) else { return nil }
      self = slip
      return
    }
    guard !CommandSlip.own.contains(word), !word.hasPrefix("--generate-") else { return nil }
    let shown = String(word.prefix(200))
    let known = "commands: \(names.joined(separator: ", ")); \(name) --help tells more"
    if word.hasPrefix("-") {
      guard let later = arguments.first(where: names.contains) else { return nil }
      description = "\(shown): options stand behind the command: \(name) \(later) \(shown) …"
    } else if let near = Spelling.nearest(to: word, among: names) {
      description = "\(shown): no such command; did you mean `\(name) \(near)`?"
    } else if names.contains("analyze"), word.contains("/") || access(word, F_OK) == 0 {
      description = "\(shown): a path, where a command is due: \(name) analyze \(shown)"
    } else if names.contains("explain"), word.contains(" ") {
      description = "no command comes first; to explain that line: \(name) explain '…'"
    } else {
      description = "\(shown): no such command; \(known)"
    }
  }

  /// What the parser itself takes in place of a command.
  private static let own: Set<String> = ["help", "-h", "--help", "-help", "--version"]

  private static func path(to command: any ParsableCommand.Type) -> String {
    let own = command.configuration.commandName ?? ""
    return command == Mailtriage.self ? own : "mailtriage \(own)"
  }
}
