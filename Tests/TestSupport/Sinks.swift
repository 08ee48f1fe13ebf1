import Foundation

/// Receivers that each have one fault, on loopback, with the DNS that leads to them. They end with
/// ``stop()``, or by time.
package final class Sinks {
  /// One destination domain and the hosts that its mail goes to.
  package struct Row: Decodable, Sendable {
    package struct Host: Decodable, Sendable {
      package var name: String
      package var ip: String
    }

    /// The scenario.
    package var id: String
    package var domain: String
    /// The level that a sender demands of it, in Postfix's words.
    package var policy: String
    package var hosts: [Host]
  }

  private struct Table: Decodable { var rows: [Row] }

  package static let script = BuiltProgram.checkout + "/Tests/ExperimentTests/Fixtures/sinks.py"

  /// Whether Python can make their certificates.
  package static let canRun =
    FileManager.default.fileExists(atPath: "/usr/bin/python3")
    && FileManager.default.fileExists(atPath: "/usr/lib/python3/dist-packages/cryptography")

  /// Keys, certificates and tables.
  package let directory: String
  package let port: UInt16
  /// Where their zone is answered, as by a validating resolver: `ADDRESS:PORT`.
  package let resolver: String
  package let dnsAddress: String
  package let dnsPort: UInt16
  /// By scenario.
  package let rows: [String: Row]
  private let process: Process

  /// Receivers for the scenarios, on a port of their own or where any sender finds them (25, as root).
  package init(_ scenarios: [String], port: UInt16? = nil) throws {
    directory = NSTemporaryDirectory() + "sinks-" + UUID().uuidString
    self.port = port ?? UInt16.random(in: 20_000...30_000)
    let net = "127.\(Int.random(in: 20...250))"
    rows = try Sinks.generate(into: directory, seed: 5, net: net)
    dnsAddress = "\(net).0.1"
    dnsPort = UInt16.random(in: 30_001...32_000)
    resolver = "\(dnsAddress):\(dnsPort)"
    process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [
      Sinks.script, "run", "--dir", directory, "--port", "\(self.port)", "--max-s", "120", "--dns",
      resolver, "--only", scenarios.joined(separator: ","),
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    // They say so when they listen.
    _ = try output.fileHandleForReading.read(upToCount: 1)
  }

  package func row(_ scenario: String) throws -> Row {
    guard let row = rows[scenario] else { throw LiveFailure("no receiver for \(scenario)") }
    return row
  }

  package func stop() {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Makes the table, keys and certificates of all scenarios; the receivers by scenario.
  static func generate(into directory: String, seed: Int, net: String) throws -> [String: Row] {
    let made = try runToEnd(
      "/usr/bin/python3",
      [script, "gen", "--seed", "\(seed)", "--ip-base", net, "--out", directory]
    )
    guard made.status == 0 else { throw LiveFailure("no receivers: \(made.output.suffix(1000))") }
    return try table(in: directory)
  }

  /// The receivers of a directory by scenario.
  static func table(in directory: String) throws -> [String: Row] {
    let data = try Data(contentsOf: URL(fileURLWithPath: directory + "/table.json"))
    return Dictionary(
      try JSONDecoder().decode(Table.self, from: data).rows.map { ($0.id, $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }
}
