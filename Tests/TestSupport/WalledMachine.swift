import Foundation
package import MailModel

/// A machine of its own for one mail server that Debian packages and the tests unpack: a network
/// namespace with a loopback, a mount namespace with an `/etc` and a system log, and receivers that
/// each have one fault, found by DNS. Needs root. Gone with its last reference.
package final class WalledMachine {
  /// One destination domain and the hosts that its mail goes to.
  package typealias Receiver = Sinks.Row

  /// Its directory, outside and inside.
  package let path: String
  /// Where the server's programs lie; the first in the path of ``shell(_:)``.
  package let programs: String
  /// The receivers by scenario.
  package let receivers: [String: Receiver]
  private let world = Process()
  private let standardInput = Pipe()

  private static let host = "mx1.sender.example"

  /// Where `scripts/unpack-servers` put Debian's packages.
  package static let servers =
    ProcessInfo.processInfo.environment["MAILTRIAGE_SERVERS"] ?? "/nonexistent"

  /// Whether there is root, the programs named, below ``servers``, and all else that it takes.
  package static func canRun(_ programs: [String]) -> Bool {
    let needed: [String] =
      programs.map { servers + "/" + $0 } + [
        "/usr/bin/unshare", "/usr/bin/nsenter", "/usr/bin/python3", "/bin/bash",
        "/usr/lib/python3/dist-packages/cryptography",
      ]
    let ip: [String] = ["/sbin/ip", "/bin/ip"]
    return getuid() == 0 && needed.allSatisfy { isThere($0) } && ip.contains { isThere($0) }
  }

  private static func isThere(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  /// `programs` lies below ``servers``; `setup` is the shell script that puts the server there, and
  /// `files` are written into the machine's directory before it runs.
  package init(
    programs: String,
    setup: String,
    scenarios: [String],
    files: (_ receivers: [String: Receiver]) -> [String: String] = { _ in [:] }
  ) throws {
    path = "/var/tmp/walled" + UUID().uuidString.prefix(8)
    self.programs = WalledMachine.servers + "/" + programs
    let lab = path + "/lab"
    for (name, data) in try WalledMachine.lab.get() {
      let file = URL(fileURLWithPath: lab + "/" + name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try data.write(to: file)
    }
    receivers = try Sinks.table(in: lab)
    for (name, text) in files(receivers) {
      try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
    }
    world.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    world.arguments = [
      "-n", "-m", "-u", "/bin/bash",
      BuiltProgram.checkout + "/Tests/TestSupport/Machine/machine.sh",
      path, lab, WalledMachine.host, Sinks.script, scenarios.joined(separator: ","),
      self.programs, setup,
    ]
    world.standardInput = standardInput
    // A daemon that had it too would keep the machine alive.
    _ = fcntl(standardInput.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
    _ = FileManager.default.createFile(atPath: path + "/complaints", contents: nil)
    world.standardError = FileHandle(forWritingAtPath: path + "/complaints")
    world.standardOutput = FileHandle.nullDevice
    try world.run()
    try wait("the machine to be ready") {
      FileManager.default.fileExists(atPath: self.path + "/ready")
    }
  }

  deinit {
    try? standardInput.fileHandleForWriting.close()
    // A process that another test began at the wrong moment may hold the pipe open.
    world.terminate()
    world.waitUntilExit()
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The receivers' table, keys and certificates by file name: the same for every machine, made once.
  private static let lab: Result<[String: Data], any Error> = Result {
    let place = NSTemporaryDirectory() + "lab-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: place) }
    _ = try Sinks.generate(into: place, seed: 8, net: "198.18")
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: place) {
      files[name] = FileManager.default.contents(atPath: place + "/" + name)
    }
    return files
  }

  package func receiver(_ scenario: String) throws -> Receiver {
    guard let found = receivers[scenario] else {
      throw LiveFailure("no receiver for \(scenario)")
    }
    return found
  }

  /// Runs command lines there, as if typed into a root shell, until one fails; their output, errors
  /// included. Where the last one is `true`, none does.
  @discardableResult
  package func shell(_ commands: [String]) throws -> String {
    let mode = commands.last == "true" ? "" : "set -e -o pipefail\n"
    let script = mode + commands.joined(separator: "\n")
    let told = try runToEnd(
      "/usr/bin/nsenter",
      [
        "-t", String(world.processIdentifier), "-n", "-m", "-u", "/bin/bash", "-c",
        "export PATH=\(programs):$PATH\n\(script)",
      ]
    )
    guard told.status == 0 else {
      throw LiveFailure("\(script): status \(told.status): \(told.output.suffix(1000))")
    }
    return told.output
  }

  /// Waits until something holds, or the machine has ended.
  package func wait(
    _ what: String,
    seconds: Double = 60,
    log: String = "",
    until holds: () throws -> Bool
  ) throws {
    try waitUntil(
      what,
      seconds: seconds,
      log: log,
      complaints: path + "/complaints",
      isOver: { !world.isRunning },
      holds
    )
  }
}

extension WalledMachine {
  /// Hands a message over on a port of the machine, as a trial does: from nobody.
  package func send(to recipient: String, port: Int) throws {
    try shell([
      """
      python3 - << 'END'
      import smtplib
      with smtplib.SMTP("127.0.0.1", \(port), timeout=20) as s: s.sendmail("", ["\(recipient)"], "Subject: x\\n\\nhi\\n")
      END
      """
    ])
  }

  /// What a probe finds of a peer's certificate: SHA-256 of it and of its key, in lower-case hex.
  package struct Certificate {
    package var fingerprint: String?
    package var publicKey: String?
    package var names: [HostName] = []
  }

  package func certificate(of receiver: Receiver) throws -> Certificate {
    let told = try shell([
      "cert=$(openssl s_client -starttls smtp -connect \(receiver.hosts.first?.name ?? ""):25"
        + " < /dev/null 2> /dev/null | openssl x509 2> /dev/null)",
      "echo \"$cert\" | openssl x509 -noout -fingerprint -sha256 -ext subjectAltName 2> /dev/null",
      "echo \"$cert\" | openssl x509 -pubkey -noout 2> /dev/null"
        + " | openssl pkey -pubin -outform der 2> /dev/null | sha256sum",
      "true",
    ])
    return Certificate(
      fingerprint: told.firstMatch(of: /Fingerprint=(\S+)/).map {
        $0.output.1.replacing(":", with: "").lowercased()
      },
      publicKey: told.firstMatch(of: /([0-9a-f]{64})  -/).map { String($0.output.1) },
      names: told.matches(of: /DNS:([a-z0-9.-]+)/).compactMap { HostName($0.output.1) }
    )
  }

  /// One connection to a receiver, as the receiver tells it when it ends.
  package struct Session: Decodable {
    package struct TLS: Decodable { package var version: String? }
    private struct Mail: Decodable {
      var rcpts: [[String]]
      var data_reply: String?
    }
    package var scenario: String?
    package var starttls: Bool?
    /// The handshake that was tried, without a version where it failed.
    package var tls: TLS?
    private var tx: [Mail]?

    /// Recipients whose mail was taken.
    package var accepted: [String] {
      (tx ?? []).filter { $0.data_reply?.hasPrefix("2") ?? false }.flatMap { mail in
        mail.rcpts.filter { $0.last?.hasPrefix("2") ?? false }.compactMap(\.first)
      }
    }
  }

  /// All connections that have ended, in their order.
  package var sessions: [Session] {
    let text = (try? String(contentsOfFile: path + "/lab/sink.jsonl", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap {
      try? JSONDecoder().decode(Session.self, from: Data($0.utf8))
    }
  }

  /// Whether a receiver took a message, and whether in a session where STARTTLS was never asked for.
  package func tookInClear(_ scenario: String) -> Bool? {
    let taken = sessions.filter { $0.scenario == scenario && !$0.accepted.isEmpty }
    return taken.isEmpty ? nil : taken.allSatisfy { $0.starttls == false }
  }
}
