import Experiment
import Foundation
import MailModel
import TestSupport
import Testing

/// Debian's mail servers as receivers on loopback, and other tools' word on the same certificates.
@Suite(.enabled(if: RealServer.canRun, "root and python3-cryptography are needed"), .serialized)
struct RealServerTests {
  private struct Expected {
    var kind: String
    var level: TLSLevel
    var client = false
    var verdict: Verdict
    var rung: LadderRung?
    var failure: FailureClass?
  }

  /// All servers alike: what they demand, they demand by STARTTLS.
  private static let table: [Expected] = [
    Expected(kind: "good", level: .verify, verdict: .notReproduced),
    Expected(kind: "self-signed", level: .encrypt, verdict: .notReproduced),
    Expected(
      kind: "self-signed",
      level: .verify,
      verdict: .tlsIsTheCause,
      rung: .pinnedCertificate,
      failure: .certificateSelfSigned
    ),
    Expected(
      kind: "expired",
      level: .verify,
      verdict: .tlsIsTheCause,
      rung: .pinnedCertificate,
      failure: .certificateExpired
    ),
    Expected(kind: "tls-demanded", level: .verify, verdict: .notReproduced),
    Expected(
      kind: "tls-demanded",
      level: .none,
      verdict: .receiverDemandsTLS,
      failure: .tlsRequiredByReceiver
    ),
  ]

  @Test(.timeLimit(.minutes(30)), arguments: RealServer.available)
  func `each gets the right verdict`(_ name: String) throws {
    let receivers = try #require(LoopbackReceivers.shared)
    let server = try RealServer(name, pki: receivers.directory)
    defer { server.stop() }
    func retry(_ kind: String, _ level: TLSLevel, client: Bool) throws -> RetryResult {
      var settings = try receivers.settings("good", level, client: client)
      settings.port = try #require(server.ports[kind])
      settings.timeout = 10
      return receivers.retry(settings)
    }
    if server.breaksHandshakes {
      // OpenSMTPD 6.8 keeps its key in a process of its own, which OpenSSL 3 does not ask as it wants
      // to be asked: whatever key and version, no handshake gets to its end. Then TLS is the cause,
      // and rightly so.
      let good = try retry("good", .verify, client: false)
      #expect(good.verdict == .tlsIsTheCause)
      #expect(good.weakestChange == .plaintext)
      #expect(good.trials.first { !$0.isOK }?.failedStage == .handshake)
      let demanded = try retry("tls-demanded", .verify, client: false)
      #expect(demanded.verdict == .receiverDemandsTLS, "\(demanded.explanation)")
      let clear = try retry("tls-demanded", .none, client: false)
      #expect(clear.verdict == .receiverDemandsTLS, "\(clear.explanation)")
      return
    }
    for expected in RealServerTests.table {
      let result = try retry(expected.kind, expected.level, client: expected.client)
      let what = "\(name), \(expected.kind) at \(expected.level): \(result.explanation)"
      let first = result.trials.first { $0.rung == .asConfigured && !$0.isOK }
      #expect(result.verdict == expected.verdict, "\(what) \(first?.stages.last?.detail ?? "")")
      #expect(result.weakestChange == expected.rung, "\(what)")
      #expect(first?.failureClass == expected.failure, "\(what)")
    }
    for client in [false, true] {
      let result = try retry("client-demanded", .verify, client: client)
      let first = result.trials.first { $0.rung == .asConfigured && !$0.isOK }
      #expect(
        first?.failureClass == .clientCertificateRejected,
        "\(name), client certificate \(client): \(first?.stages.last?.detail ?? "")"
      )
      #expect(
        [.receiverDemandsTLS, .tlsIsTheCause].contains(result.verdict),
        "\(name): \(result.explanation)"
      )
    }
    try compare(server, receivers)
  }

  /// The leaf's fingerprint and the verify result, as openssl and posttls-finger see them.
  private func compare(_ server: RealServer, _ receivers: LoopbackReceivers) throws {
    for (kind, code) in [("good", 0), ("self-signed", 18), ("expired", 10)] {
      let port = try #require(server.ports[kind])
      var settings = try receivers.settings("good", .encrypt)
      settings.port = port
      settings.recipients = []
      settings.timeout = 10
      let facts = try #require(TrialRun.run(settings).facts)
      #expect(facts.verifyCode == code)
      let told = RealServer.output(
        "/usr/bin/openssl",
        [
          "s_client", "-connect", "127.0.0.1:\(port)", "-starttls", "smtp", "-CAfile",
          receivers.directory + "/ca.pem", "-servername", LoopbackReceivers.host,
        ]
      )
      if !told.isEmpty {
        #expect(told.contains("Verify return code: \(code) "), "\(told.suffix(600))")
        #expect(told.contains(facts.cipher))
      }
      let finger = RealServer.output(
        "/usr/sbin/posttls-finger",
        [
          "-c", "-l", "may", "-d", "sha256", "-F", receivers.directory + "/ca.pem", "-L",
          "summary,verbose", "[127.0.0.1]:\(port)",
        ]
      )
      if finger.contains("fingerprint=") {
        let plain = finger.lowercased().filter { $0 != ":" }
        #expect(plain.contains(try #require(facts.chain.first).fingerprint), "\(finger)")
        #expect(finger.contains(facts.cipher))
      }
      let swaks = RealServer.output(
        "/usr/bin/swaks",
        [
          "--server", "127.0.0.1:\(port)", "--quit-after", "RCPT", "--from", "<>", "--to",
          "postmaster@receiver.example", "--helo", "sender.example",
        ]
      )
      if !swaks.isEmpty { #expect(swaks.contains("STARTTLS")) }
    }
  }
}

/// A mail server started by the script beside it; ends with the test.
final class RealServer {
  static let all = ["postfix", "exim", "sendmail", "opensmtpd"]

  /// Where Debian's packages of those that are not installed are unpacked.
  private static var unpacked: String {
    ProcessInfo.processInfo.environment["MAILTRIAGE_SERVERS"] ?? "/nonexistent"
  }

  static var canRun: Bool { getuid() == 0 && LoopbackReceivers.shared != nil && !available.isEmpty }

  static var available: [String] {
    all.filter { name in
      let path =
        name == "postfix" ? "/usr/sbin/postfix" : "\(unpacked)/\(name)"
      return access(path, X_OK) == 0
    }
  }

  let ports: [String: UInt16]
  private let process = Process()
  private let input = Pipe()

  init(_ name: String, pki: String) throws {
    let script = try #require(
      Bundle.module.url(forResource: "servers", withExtension: "py", subdirectory: "Fixtures")
    )
    let output = Pipe()
    let complaint = FileManager.default.temporaryDirectory.appendingPathComponent(
      "complaint-" + UUID().uuidString
    )
    try Data().write(to: complaint)
    defer { try? FileManager.default.removeItem(at: complaint) }
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [script.path, name, RealServer.unpacked, pki]
    process.standardInput = input
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: complaint)
    try process.run()
    var line: [UInt8] = []
    while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0a {
      line.append(byte)
    }
    let told = try String(contentsOf: complaint, encoding: .utf8)
    let started = try? JSONDecoder().decode([String: UInt16].self, from: Data(line))
    ports = try #require(started, "\(name) did not start: \(told)")
  }

  /// Whether openssl(1) gets no session either.
  var breaksHandshakes: Bool {
    RealServer.output(
      "/usr/bin/openssl",
      ["s_client", "-connect", "127.0.0.1:\(ports["good"] ?? 0)", "-starttls", "smtp"]
    ).contains("alert internal error")
  }

  func stop() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// What a tool says; empty where it is not installed.
  static func output(_ program: String, _ arguments: [String]) -> String {
    guard access(program, X_OK) == 0 else { return "" }
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    guard (try? process.run()) != nil else { return "" }
    let said = (try? output.fileHandleForReading.readToEnd()) ?? Data()
    process.waitUntilExit()
    return String(decoding: said, as: UTF8.self)
  }
}
