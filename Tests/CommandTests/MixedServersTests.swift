import Foundation
import Testing

/// Logs of several servers together are told apart by content: each destination's figures are those
/// that the logs give alone.
@Suite struct MixedServersTests {
  /// What a destination's figures are.
  private struct Figures: Equatable {
    var attempts: [String: Int] = [:]
    var deliveredInClear = 0
    var failures: [String: Int] = [:]

    static func + (left: Figures, right: Figures) -> Figures {
      Figures(
        attempts: left.attempts.merging(right.attempts, uniquingKeysWith: +),
        deliveredInClear: left.deliveredInClear + right.deliveredInClear,
        failures: left.failures.merging(right.failures, uniquingKeysWith: +)
      )
    }
  }

  private static let logs = ["postfix/mail.log", "exim/mainlog.gz", "sendmail/mail.log"]

  /// The lines of the sample logs, a log at a time.
  private static func lines() throws -> [[String]] {
    try logs.map { name in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/gzip")
      process.arguments = ["-dcf", Workplace.samples + "/" + name]
      let said = try Workplace.finish(process)
      try #require(said.status == 0)
      return said.output.split(separator: "\n").map(String.init)
    }
  }

  /// Lines of several logs, one of each in turn.
  private static func interleaved(_ logs: [[String]]) -> [String] {
    var mixed: [String] = []
    for index in 0..<(logs.map(\.count).max() ?? 0) {
      for lines in logs where index < lines.count { mixed.append(lines[index]) }
    }
    return mixed
  }

  /// Exim's lines as syslog has them.
  private static func throughSyslog(_ lines: [String]) -> [String] {
    lines.map { line in
      let words = line.split(separator: " ", maxSplits: 2)
      return "\(words[0])T\(words[1])Z mx9 exim[77]: \(line)"
    }
  }

  private func figures(_ place: Workplace, _ paths: [String]) throws -> [String: Figures] {
    let outcome = try Workplace.finish(
      place.process(
        ["analyze"] + paths
          + ["--format", "json", "--now", "2026-12-01T00:00:00Z", "--year", "2026"]
      )
    )
    #expect(outcome.status == 0, "\(outcome.complaint)")
    let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let whole = try #require(answer as? [String: Any])
    for input in try #require(whole["inputs"] as? [[String: Any]]) {
      #expect(input["unrecognized"] as? Int == 0)
    }
    var figures: [String: Figures] = [:]
    for one in try #require(whole["destinations"] as? [[String: Any]]) {
      let domain = try #require(one["domain"] as? String)
      let failures = try #require(one["failures"] as? [[String: Any]])
      figures[domain] = Figures(
        attempts: try #require(one["attempts"] as? [String: Int]),
        deliveredInClear: try #require(one["delivered_in_clear"] as? Int),
        failures: Dictionary(
          failures.compactMap { failure in
            (failure["class"] as? String).map { ($0, failure["count"] as? Int ?? 0) }
          },
          uniquingKeysWith: +
        )
      )
    }
    return figures
  }

  /// The sums of what each log gives alone.
  private func alone() throws -> [String: Figures] {
    var sums: [String: Figures] = [:]
    for name in MixedServersTests.logs {
      let own = try figures(try Workplace(), [Workplace.samples + "/" + name])
      #expect(own.count > 20)
      sums.merge(own, uniquingKeysWith: +)
    }
    return sums
  }

  private func expect(_ told: [String: Figures], equal expected: [String: Figures]) {
    #expect(Set(told.keys) == Set(expected.keys))
    for (domain, figures) in expected where told[domain] != figures {
      Issue.record("\(domain): \(String(describing: told[domain])) instead of \(figures)")
    }
  }

  @Test func `in one directory, and in one file, line by line`() throws {
    let expected = try alone()
    let lines = try MixedServersTests.lines()
    let directory = try Workplace()
    for (number, log) in lines.enumerated() {
      try directory.write("logs/\(number).txt", log.joined(separator: "\n") + "\n")
    }
    let mixed = try Workplace()
    let interleaved = MixedServersTests.interleaved(lines)
    // Files of each server alone, and one that holds a further part of all three.
    let cut = interleaved.count / 2
    let behind = interleaved.dropFirst(cut)
    try mixed.write("logs/0", interleaved.prefix(cut).joined(separator: "\n") + "\n")
    try mixed.write("logs/1", behind.joined(separator: "\n") + "\n")
    let single = try Workplace()
    let path = try single.write("log", interleaved.joined(separator: "\n") + "\n")
    expect(try figures(directory, [directory.path + "/logs"]), equal: expected)
    expect(try figures(single, [path]), equal: expected)
    expect(try figures(mixed, [mixed.path + "/logs/0", mixed.path + "/logs/1"]), equal: expected)
  }

  @Test(arguments: [[0, 2], [1, 2], [0, 1], [0, 1, 2]])
  func `a syslog file of several servers, line by line`(_ servers: [Int]) throws {
    var lines = try MixedServersTests.lines()
    lines[1] = MixedServersTests.throughSyslog(lines[1])
    var expected: [String: Figures] = [:]
    for server in servers {
      let own = try Workplace()
      let path = try own.write("log", lines[server].joined(separator: "\n") + "\n")
      expected.merge(try figures(own, [path]), uniquingKeysWith: +)
    }
    let place = try Workplace()
    let mixed = MixedServersTests.interleaved(servers.map { lines[$0] })
    let path = try place.write("syslog", mixed.joined(separator: "\n") + "\n")
    expect(try figures(place, [path]), equal: expected)
  }

  @Test func `Exim's lines say the same through syslog, in pieces, and in its own file`() throws {
    let lines = try MixedServersTests.lines()[1]
    let own = try Workplace()
    let expected = try figures(
      own,
      [try own.write("mainlog", lines.joined(separator: "\n") + "\n")]
    )
    let pieces = MixedServersTests.throughSyslog(lines).flatMap { line -> [String] in
      let parts = line.split(separator: "exim[77]: ", maxSplits: 1)
      var rest = parts[1]
      var cut: [Substring] = []
      while !rest.isEmpty {
        cut.append(rest.prefix(120))
        rest = rest.dropFirst(120)
      }
      guard cut.count > 1 else { return [line] }
      return cut.enumerated().map {
        "\(parts[0])exim[77]: [\($0 + 1)/\(cut.count)] \($1)"
      }
    }
    #expect(pieces.count > lines.count * 3 / 2)
    let place = try Workplace()
    let path = try place.write("syslog", pieces.joined(separator: "\n") + "\n")
    expect(try figures(place, [path]), equal: expected)
  }

  /// `log_file_path = :syslog:/var/log/exim4/%slog`
  @Test(arguments: [[0], [1], [0, 1], [1, 0], [1, 0, 1]])
  func `Exim's own file and its syslog count each event once, in any order of runs`(
    _ runs: [Int]
  ) throws {
    let lines = try MixedServersTests.lines()[1]
    let own = try Workplace()
    let expected = try figures(
      own,
      [try own.write("mainlog", lines.joined(separator: "\n") + "\n")]
    )
    let place = try Workplace()
    // Neither has all: the file was rotated away, syslog began later.
    let paths = [
      try place.write("logs/a-mainlog", lines.dropLast(50).joined(separator: "\n") + "\n"),
      try place.write(
        "logs/b-syslog",
        MixedServersTests.throughSyslog(Array(lines.dropFirst(lines.count / 3)))
          .joined(separator: "\n") + "\n"
      ),
    ]
    for run in runs { _ = try figures(place, [paths[run]]) }
    expect(try figures(place, [place.path + "/logs"]), equal: expected)
  }
}
