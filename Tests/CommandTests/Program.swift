import Foundation
import GRDB
import TestSupport
import Testing

/// A directory of its own with a database, in which the built program runs; gone when the test ends.
final class Workplace {
  struct Outcome {
    var status: Int32
    var output: String
    var complaint: String
    /// ``output`` and ``complaint`` as they came, which may be no UTF-8.
    var bytes = Data()
    /// Ended by a signal.
    var wasKilled: Bool
  }

  let path = NSTemporaryDirectory() + "mailtriage-\(UUID().uuidString)"
  var database: String { path + "/state/t.sqlite" }

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  static let program = URL(fileURLWithPath: BuiltProgram.path)

  /// The sample logs of the package.
  static let samples = BuiltProgram.checkout + "/SampleLogs"

  /// The schema of a command's JSON.
  static func schema(_ name: String) -> URL {
    URL(fileURLWithPath: BuiltProgram.checkout + "/Documentation/schemas/\(name).schema.json")
  }

  @discardableResult
  func write(_ name: String, _ text: some StringProtocol) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent,
      withIntermediateDirectories: true
    )
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }

  func append(_ name: String, _ text: some StringProtocol) throws {
    let file = try #require(FileHandle(forWritingAtPath: path + "/" + name))
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }

  /// The program, set up with this place's database; standard input is empty.
  func process(_ arguments: [String], environment: [String: String] = [:]) -> Process {
    let process = Process()
    process.executableURL = Workplace.program
    process.arguments = arguments + ["--database", database, "--timezone", "UTC"]
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs it to its end.
  @discardableResult
  func run(
    _ arguments: String...,
    environment: [String: String] = [:]
  ) throws -> Outcome {
    try Workplace.finish(process(arguments, environment: environment))
  }

  static func finish(_ process: Process) throws -> Outcome {
    let output = Pipe()
    // A file, so that neither pipe can fill while the other is read.
    let complaint = NSTemporaryDirectory() + "complaint-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: complaint) }
    try Data().write(to: URL(fileURLWithPath: complaint))
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: complaint)
    try process.run()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let text = try Data(contentsOf: URL(fileURLWithPath: complaint))
    return Outcome(
      status: process.terminationStatus,
      output: String(decoding: said, as: UTF8.self),
      complaint: String(decoding: text, as: UTF8.self),
      bytes: said + text,
      wasKilled: process.terminationReason == .uncaughtSignal
    )
  }

  /// Every table's rows in a fixed order, as texts.
  func dump() throws -> [String: [String]] {
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try DatabaseQueue(path: database, configuration: configuration)
    return try queue.read { db in
      let tables = try String.fetchAll(
        db,
        sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
      )
      var dump: [String: [String]] = [:]
      for table in tables {
        // A look at a queue is replaced as a whole: its rows are numbered anew, and say the same.
        let columns =
          switch table {
          case "queue": "path, server, host, taken_at, lists_messages, troubles"
          case "queue_message", "retry_record": "body"
          default: "*"
          }
        dump[table] = try Row.fetchAll(db, sql: "SELECT \(columns) FROM \(table)")
          .map(\.description).sorted()
      }
      return dump
    }
  }

  /// A single value of the database.
  func value<Value: DatabaseValueConvertible>(_ sql: String) throws -> Value? {
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try DatabaseQueue(path: database, configuration: configuration)
    return try queue.read { try Value.fetchOne($0, sql: sql) }
  }
}

/// Lines of a Postfix log, for tests that need many.
enum PostfixLines {
  /// One message: taken up, one attempt that ends as `result` says, removed where it is done.
  static func message(_ number: Int, at moment: Date, _ domain: String, _ result: String) -> String
  {
    let id =
      "4" + String(repeating: "0", count: max(0, 8 - String(number, radix: 16).count))
      + String(number, radix: 16).uppercased()
    let stamp = moment.formatted(.iso8601)
    var lines = [
      "\(stamp) mx1 postfix/qmgr[9]: \(id): from=<a@a.example>, size=900, nrcpt=1 (queue active)",
      "\(stamp) mx1 postfix/smtp[8]: \(id): to=<u\(number)@\(domain)>, "
        + "relay=mx.\(domain)[192.0.2.1]:25, delay=1, delays=0/0/0/1, \(result)",
    ]
    if result.contains("status=sent") {
      lines.append("\(stamp) mx1 postfix/qmgr[9]: \(id): removed")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static let sent = "dsn=2.0.0, status=sent (250 ok)"
  static let expired =
    "dsn=4.7.5, status=deferred (Server certificate not verified: certificate has expired)"
}
