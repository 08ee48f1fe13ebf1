import Experiment
import Foundation
import MailModel
import Testing

/// Receivers with one fault each, on ports of their own; they end with the tests.
final class Receivers: Sendable {
  private struct Started: Decodable {
    var directory: String
    var ports: [String: UInt16]
  }

  /// Nil where Python or its cryptography package is missing.
  static let shared = Receivers()

  let directory: String
  let ports: [String: UInt16]
  /// They serve until this is closed, which the end of this process does.
  private let input: Pipe

  private init?() {
    guard
      let script = Bundle.module.url(
        forResource: "receivers",
        withExtension: "py",
        subdirectory: "Fixtures"
      )
    else { return nil }
    let process = Process()
    let output = Pipe()
    input = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [script.path]
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    var line: [UInt8] = []
    while let byte = try? output.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0a {
      line.append(byte)
    }
    guard let started = try? JSONDecoder().decode(Started.self, from: Data(line)) else {
      return nil
    }
    directory = started.directory
    ports = started.ports
  }

  /// The name that the good certificates carry.
  static let host = "mx.receiver.example"

  /// A trial of one receiver up to RCPT TO, at a level, with the receivers' own CA trusted.
  func settings(
    _ name: String,
    _ level: TLSLevel = .encrypt,
    client: Bool = false
  ) throws -> TrialSettings {
    var policy = TLSPolicy(level: level, origin: .destination, caFile: directory + "/ca.pem")
    if client {
      policy.clientCertificate = directory + "/client.pem"
      policy.clientKey = directory + "/client.pem"
    }
    var settings = TrialSettings(
      rung: .asConfigured,
      address: name == "six" ? "::1" : "127.0.0.1",
      port: try #require(ports[name], "\(name)"),
      demand: TLSDemand(
        policy: policy,
        domain: "receiver.example",
        host: Receivers.host,
        tlsa: { .nothing(isSecure: false) }
      ),
      heloName: "sender.example"
    )
    settings.recipient = "postmaster@receiver.example"
    settings.timeout = 1
    return settings
  }

  /// The whole experiment, without a wait between its trials.
  func retry(
    _ settings: TrialSettings,
    inClear: Bool = true,
    repeats: Int = 1,
    seed: UInt64 = 3
  ) -> RetryResult {
    var dice = Dice(state: seed)
    return RetryExperiment(
      base: settings,
      mayTryInClear: inClear,
      isDestination: true,
      repeats: repeats
    ).run(attempt: TrialRun.run, pause: {}, random: &dice)
  }
}
