import Foundation
import MailModel
import MailServers
import TestSupport
import Testing

/// What every mail server's log must tell, written once. A server takes part through a folder of
/// fixtures: `STORY.log`, real lines, and `stories.json`, what happened in them.
struct ConformanceTests {
  /// What happened in one log.
  struct Story: Decodable {
    struct Recipient: Decodable {
      var address: String
      var status: String
      var attempts: [String]
      /// Result lines without a connection behind them.
      var untried: Int
      var classes: [String]
    }

    var queue_id: String
    var sender: String
    var recipients: [Recipient]
    var delivered_in_clear: Int
    /// All messages of the log, notices included.
    var messages: [String]
    /// What the server wrote to senders, in its order; nil where the log does not begin early enough.
    var notices: [String]?
  }

  struct Named: Sendable, CustomStringConvertible {
    var server: String
    var name: String
    var description: String { "\(server): \(name)" }
    var path: String { ConformanceTests.fixtures + "/\(server)/\(name).log" }
  }

  /// Every server that is registered must tell these.
  static let required = [
    "accepted", "deferred-on-tls-then-delivered", "plaintext-fallback", "split-among-recipients",
    "expired-into-an-ndr", "held", "restart-in-between",
  ]

  static let fixtures = Bundle.module.resourcePath.map { $0 + "/Fixtures" } ?? ""

  static let stories: [Named] = registeredMailServers.flatMap { server in
    names(server.id.description).map { Named(server: server.id.description, name: $0) }
  }

  private static func names(_ server: String) -> [String] {
    let files =
      (try? FileManager.default.contentsOfDirectory(atPath: "\(fixtures)/\(server)")) ?? []
    return files.filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }.sorted()
  }

  private func expected(_ story: Named) throws -> Story {
    let path = ConformanceTests.fixtures + "/\(story.server)/stories.json"
    let all = try JSONDecoder().decode(
      [String: Story].self,
      from: try Data(contentsOf: URL(fileURLWithPath: path))
    )
    return try #require(all[story.name])
  }

  // MARK: The stories

  @Test(arguments: registeredMailServers.map(\.id.description))
  func `every server has the required stories`(_ server: String) {
    #expect(Set(ConformanceTests.names(server)).isSuperset(of: ConformanceTests.required))
  }

  @Test(arguments: stories)
  func `the log tells what happened to the message`(_ story: Named) throws {
    let expected = try expected(story)
    let place = try Place()
    let told = try place.analyze([story.path])
    let message = try #require(told.messages[expected.queue_id])
    #expect(message.sender == expected.sender)
    #expect(message.mta == story.server)
    #expect(
      message.recipients.map(\.address).sorted() == expected.recipients.map(\.address).sorted()
    )
    for recipient in expected.recipients {
      let own = try #require(message.recipients.first { $0.address == recipient.address })
      #expect(own.status == recipient.status)
      #expect(own.attempts.map(\.outcome) == recipient.attempts)
      #expect(own.attempts.count { !$0.tried } == recipient.untried)
      #expect(Set(own.attempts.compactMap(\.class)).sorted() == recipient.classes)
    }
    #expect(told.messages.keys.sorted() == expected.messages)
    #expect(told.totals.delivered_in_clear == expected.delivered_in_clear)
    #expect(told.unrecognized == 0)
  }

  @Test(arguments: stories)
  func `the log tells what the sender was told`(_ story: Named) throws {
    guard let expected = try expected(story).notices else { return }
    let server = try #require(registeredMailServers.first { $0.id.description == story.server })
    let lines = try String(contentsOfFile: story.path, encoding: .utf8).split(separator: "\n")
    let said = ConformanceTests.read(server.makeDialect(), lines.map(ConformanceTests.bare))
    let notices = said.map { String($0.prefix { $0 != " " }) }
      .filter { ["delay", "nonDelivery", "success"].contains($0) }
    #expect(notices == expected)
  }

  @Test(arguments: registeredMailServers.map(\.id.description))
  func `every server has a story with a delay warning and one with an NDR`(_ server: String) throws
  {
    let told = try ConformanceTests.stories.filter { $0.server == server }
      .flatMap { try expected($0).notices ?? [] }
    #expect(Set(told) == ["delay", "nonDelivery"])
  }

  private static func read<Dialect: LogDialect>(_ dialect: Dialect, _ lines: [String]) -> [String] {
    var log = EventLog { dialect }
    return log.read(lines)
  }

  /// A line as ``EventLog`` takes it: `Nov 23 12:23:11 host tag[1]: text`, or Exim's own.
  private static func bare(_ line: Substring) -> String {
    line.first?.isNumber ?? false ? "0 - " + line.dropFirst(20) : "0 " + afterHost(line)
  }

  private static func afterHost(_ line: Substring) -> Substring {
    line.dropFirst(16).drop { $0 != " " }.dropFirst()
  }

  @Test(arguments: stories)
  func `a run that ended anywhere goes on where it ended`(_ story: Named) throws {
    let lines = try String(contentsOfFile: story.path, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
    let whole = try Place()
    let expected = try whole.analyze([story.path])
    for cut in Set((1...3).map { lines.count * $0 / 4 }).filter({ $0 > 0 }) {
      let place = try Place()
      let log = try place.write("log", lines.prefix(cut).joined(separator: "\n") + "\n")
      _ = try place.analyze([log])
      try place.append("log", lines.dropFirst(cut).joined(separator: "\n"))
      let told = try place.analyze([log])
      #expect(told.messages == expected.messages, "cut behind line \(cut)")
      #expect(told.totals == expected.totals, "cut behind line \(cut)")
      let again = try place.analyze([log])
      #expect(again.messages == expected.messages)
      #expect(again.totals == expected.totals)
    }
  }

  @Test(arguments: stories)
  func `a line of the server that nobody knows is counted and changes nothing`(
    _ story: Named
  ) throws {
    let text = try String(contentsOfFile: story.path, encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init)
    let last = try #require(lines.last)
    let unknown = try #require(unknownLine(story.server, like: last))
    let place = try Place()
    let log = try place.write("log", text + unknown + "\n")
    let told = try place.analyze([log])
    let plain = try Place().analyze([story.path])
    #expect(told.unrecognized == 1)
    #expect(told.messages == plain.messages)
  }

  /// A line of a shape that no version writes, behind the envelope of a real one.
  private func unknownLine(_ server: String, like line: String) -> String? {
    if server == "exim" {
      let words = line.split(separator: " ", maxSplits: 3).map(String.init)
      return words.prefix(3).joined(separator: " ") + " ~~ the moon is full"
    }
    guard let tag = line.range(of: "]: ") else { return nil }
    return line[..<tag.upperBound] + "the moon is full"
  }

  @Test func `logs of all servers in one directory, and in one file, are told apart by content`()
    throws
  {
    let accepted = ConformanceTests.stories.filter { $0.name == "split-among-recipients" }
    #expect(accepted.count == registeredMailServers.count)
    let directory = try Place()
    var mixed: [String] = []
    for (number, story) in accepted.enumerated() {
      let text = try String(contentsOfFile: story.path, encoding: .utf8)
      _ = try directory.write("logs/\(number).txt", text)
      mixed += text.split(separator: "\n").map(String.init)
    }
    let apart = try directory.analyze([directory.path + "/logs"])
    let place = try Place()
    let together = try place.analyze([
      try place.write("mixed", mixed.joined(separator: "\n") + "\n")
    ])
    for story in accepted {
      let alone = try Place().analyze([story.path])
      for (id, message) in alone.messages {
        #expect(apart.messages[id] == message)
        #expect(together.messages[id] == message)
      }
    }
    #expect(together.unrecognized == 0)
    #expect(apart.unrecognized == 0)
  }

  /// A tag of each server.
  private static let tags = ["postfix": "postfix/smtp", "exim": "exim", "sendmail": "sm-mta"]

  @Test(arguments: stories.filter { $0.name == "split-among-recipients" })
  func `lines under another server's name make no messages`(_ story: Named) throws {
    let text = try String(contentsOfFile: story.path, encoding: .utf8)
    let own = try Place().analyze([story.path])
    for server in registeredMailServers where server.id.description != story.server {
      let tag = try #require(ConformanceTests.tags[server.id.description])
      let strange = text.split(separator: "\n").map { line in
        let words = ConformanceTests.bare(line).dropFirst(2)
        let said =
          words.hasPrefix("- ") ? words.dropFirst(2) : words.drop { $0 != ":" }.dropFirst(2)
        return "Nov 23 12:23:11 mx1 \(tag)[77]: \(said)\n"
      }
      let place = try Place()
      let told = try place.analyze([try place.write("log", text + strange.joined())])
      #expect(told.messages == own.messages, "as \(server.name)'s")
      #expect(told.totals == own.totals)
    }
  }
}
