import Foundation
import Testing

/// What `mailtriage analyze --messages` tells, as far as the suite asks.
struct Told: Decodable {
  struct Message: Decodable, Equatable {
    struct Recipient: Decodable, Equatable {
      struct Attempt: Decodable, Equatable {
        var at: String
        var outcome: String
        var tried: Bool
        var `class`: String?
      }
      var address: String
      var status: String
      var attempts: [Attempt]
    }
    var queue_id: String
    var mta: String
    var sender: String?
    var recipients: [Recipient]
  }

  struct Totals: Decodable, Equatable {
    var messages: Int
    var recipients: Int
    var delivered: Int
    var deferred: Int
    var bounced: Int
    var expired: Int
    var tls_failures: Int
    var delivered_in_clear: Int
  }

  struct Input: Decodable {
    var unrecognized: Int
  }

  var totals: Totals
  var unrecognized: Int
  var messages: [String: Message]

  private enum Key: String, CodingKey {
    case totals, inputs, messages
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    totals = try container.decode(Totals.self, forKey: .totals)
    unrecognized = try container.decode([Input].self, forKey: .inputs)
      .reduce(0) { $0 + $1.unrecognized }
    messages = Dictionary(
      try container.decode([Message].self, forKey: .messages).map { ($0.queue_id, $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }
}

/// A directory of its own with a database, gone when the test ends.
final class Place {
  let path = NSTemporaryDirectory() + "conformance-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent,
      withIntermediateDirectories: true
    )
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }

  func append(_ name: String, _ text: String) throws {
    let file = try #require(FileHandle(forWritingAtPath: path + "/" + name))
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }

  /// Runs the program over the inputs, on this place's database.
  func analyze(_ inputs: [String]) throws -> Told {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent().appendingPathComponent("mailtriage")
    process.arguments =
      ["analyze"] + inputs + [
        "--messages", "--format", "json", "--database", path + "/t.sqlite", "--year", "2026",
        "--timezone", "UTC", "--now", "2026-11-25T20:00:00Z", "--quiet",
      ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return try JSONDecoder().decode(Told.self, from: data)
  }
}
