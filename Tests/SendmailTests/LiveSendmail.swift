import Foundation
import TestSupport
import Testing

/// Debian's Sendmail, unpacked, on a machine of its own: a network namespace with a loopback, a mount
/// namespace with an `/etc/mail`, a system log and fault-injecting receivers. Needs root.
final class LiveSendmail {
  struct Row: Decodable {
    struct Host: Decodable { var name: String }
    var id: String
    var domain: String
    var hosts: [Host]
  }

  private struct Table: Decodable { var rows: [Row] }

  let path: String
  /// The receivers by scenario.
  let rows: [String: Row]
  private let world = Process()
  private let standardInput = Pipe()
  private static let host = "mx1.sender.example"
  private static let programs =
    (ProcessInfo.processInfo.environment["MAILTRIAGE_SERVERS"] ?? "")
    + "/sendmail/usr/libexec/sendmail"
  private static let receivers = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("ExperimentTests/Fixtures/sinks.py").path

  static var canRun: Bool {
    let needed: [String] = [
      programs + "/sendmail", programs + "/makemap", "/usr/bin/unshare", "/usr/bin/nsenter",
      "/usr/bin/python3", "/bin/bash", "/usr/lib/python3/dist-packages/cryptography",
    ]
    let ip: [String] = ["/sbin/ip", "/bin/ip"]
    return getuid() == 0 && needed.allSatisfy { isThere($0) } && ip.contains { isThere($0) }
  }

  private static func isThere(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  var queue: String { path + "/mqueue" }
  var log: String { path + "/mail.log" }
  /// The access map's source, as its `/etc/mail/access`.
  var accessFile: String { path + "/etc/mail/access" }
  var configuration: String { path + "/etc/mail/sendmail.cf" }

  /// `access` is the access map's source at the start.
  init(scenarios: [String], access: (_ rows: [String: Row]) -> String) throws {
    path = "/var/tmp/sm" + UUID().uuidString.prefix(8)
    let lab = path + "/lab"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for name in ["sendmail.cf", "world.sh", "syslog.py"] {
      let fixture = try #require(Bundle.module.resourcePath) + "/Fixtures/" + name
      try FileManager.default.copyItem(atPath: fixture, toPath: path + "/" + name)
    }
    let make = Process()
    make.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    make.arguments = [
      LiveSendmail.receivers, "gen", "--seed", "8", "--ip-base", "127.21", "--out", lab,
    ]
    make.standardOutput = FileHandle.nullDevice
    try make.run()
    make.waitUntilExit()
    let table = try JSONDecoder().decode(
      Table.self,
      from: try Data(contentsOf: URL(fileURLWithPath: lab + "/table.json"))
    )
    rows = Dictionary(table.rows.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    try access(rows).write(toFile: path + "/access", atomically: true, encoding: .utf8)
    world.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    world.arguments = [
      "-n", "-m", "-u", "/bin/bash", path + "/world.sh", path, lab, LiveSendmail.programs,
      LiveSendmail.host, LiveSendmail.receivers, scenarios.joined(separator: ","),
    ]
    world.standardInput = standardInput
    // A daemon that had it too would keep the machine alive.
    _ = fcntl(standardInput.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
    let complaints = FileManager.default.createFile(atPath: path + "/complaints", contents: nil)
    try #require(complaints)
    world.standardError = FileHandle(forWritingAtPath: path + "/complaints")
    world.standardOutput = FileHandle.nullDevice
    try world.run()
    try wait("the machine to be ready") {
      FileManager.default.fileExists(atPath: self.path + "/ready")
    }
  }

  deinit {
    if let pid = try? String(contentsOfFile: path + "/state/pid", encoding: .utf8)
      .split(separator: "\n").first.flatMap({ pid_t($0) })
    {
      kill(pid, SIGKILL)
    }
    try? standardInput.fileHandleForWriting.close()
    world.waitUntilExit()
    try? FileManager.default.removeItem(atPath: path)
  }

  func row(_ scenario: String) throws -> Row { try #require(rows[scenario]) }

  /// Starts the daemon with a queue run every `seconds`.
  func startDaemon(every seconds: Int) throws {
    try shell(["sendmail -bd -q\(seconds)s -L sm-mta"])
  }

  /// Puts a message into the queue without trying to deliver it; its queue id.
  @discardableResult
  func submit(to recipients: [String], from sender: String = "ann@sender.example") throws -> String
  {
    let before = listed
    try shell([
      "printf 'Subject: x\\n\\nhi\\n' | sendmail -Am -odq -f '\(sender)' "
        + recipients.map { "'\($0)'" }.joined(separator: " ")
    ])
    return listed.subtracting(before).first ?? ""
  }

  /// Queue ids, as the names of files tell.
  var listed: Set<String> {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: queue)) ?? []
    return Set(
      names.filter { $0.hasPrefix("qf") || $0.hasPrefix("hf") }.map { String($0.dropFirst(2)) }
    )
  }

  /// Queue ids whose control file is whole. One that is written for the first time is no message yet.
  var whole: Set<String> {
    listed.filter { id in
      ["qf", "hf"].contains { kind in
        (try? Data(contentsOf: URL(fileURLWithPath: "\(queue)/\(kind)\(id)")))?.suffix(2)
          == Data(".\n".utf8)
      }
    }
  }

  var logText: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

  /// Runs command lines there, the server's programs first in the path, until one fails; their output. Where
  /// the last one is `true`, none does.
  @discardableResult
  func shell(_ commands: [String]) throws -> String {
    let mode = commands.last == "true" ? "" : "set -e\n"
    let script = mode + commands.joined(separator: "\n")
    let told = try runToEnd(
      "/usr/bin/nsenter",
      [
        "-t", String(world.processIdentifier), "-n", "-m", "-u", "/bin/bash", "-c",
        "export PATH=\(LiveSendmail.programs):$PATH\n\(script)",
      ]
    )
    guard told.status == 0 else {
      throw LiveFailure("\(script): status \(told.status): \(told.output.suffix(1000))")
    }
    return told.output
  }

  /// Waits until something holds; generous, since machines are slow at times.
  func wait(_ what: String, seconds: Double = 60, until holds: () throws -> Bool) throws {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if try holds() { return }
      guard world.isRunning else { break }
      usleep(100_000)
    }
    let complaints = (try? String(contentsOfFile: path + "/complaints", encoding: .utf8)) ?? ""
    throw LiveFailure("waited in vain for \(what): \(complaints) \(logText.suffix(1500))")
  }
}

/// Why the server could not be used.
struct LiveFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
