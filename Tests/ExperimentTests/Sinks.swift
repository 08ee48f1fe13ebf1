import Foundation
import Testing

/// The fault-injecting receivers, started once; ended with the process's standard input or by time.
struct Sinks {
  struct Row: Decodable {
    struct Host: Decodable {
      var name: String
      var ip: String
    }

    var id: String
    var domain: String
    var policy: String
    var hosts: [Host]
  }

  struct Table: Decodable { var rows: [Row] }

  var directory: String
  var port: UInt16
  /// Where the zone of the receivers is answered, as by a validating resolver.
  var dnsAddress: String
  var dnsPort: UInt16
  var rows: [String: Row]
  private var process: Process

  /// Nil where Python or its cryptography package is missing.
  init?(only: [String], withDNS: Bool = false) throws {
    let script = try #require(
      Bundle.module.url(forResource: "sinks", withExtension: "py", subdirectory: "Fixtures")
    )
    directory = NSTemporaryDirectory() + "sinks-" + UUID().uuidString
    port = UInt16.random(in: 20_000...30_000)
    let net = "127.\(Int.random(in: 90...250))"
    let make = try Sinks.python([
      script.path, "gen", "--seed", "5", "--ip-base", net, "--out", directory,
    ])
    make.waitUntilExit()
    guard make.terminationStatus == 0 else { return nil }
    let data = try Data(contentsOf: URL(fileURLWithPath: directory + "/table.json"))
    let table = try JSONDecoder().decode(Table.self, from: data)
    rows = Dictionary(table.rows.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    dnsAddress = "\(net).0.1"
    dnsPort = port &+ 1
    let output = Pipe()
    process = try Sinks.python(
      [
        script.path, "run", "--dir", directory, "--port", "\(port)", "--max-s", "90", "--only",
        only.joined(separator: ","),
      ] + (withDNS ? ["--dns", "\(dnsAddress):\(dnsPort)"] : []),
      output: output
    )
    // They say so when they listen.
    _ = try output.fileHandleForReading.read(upToCount: 1)
  }

  private static func python(_ arguments: [String], output: Pipe? = nil) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = arguments
    if let output {
      process.standardOutput = output
    } else {
      process.standardOutput = FileHandle.nullDevice
    }
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  func stop() {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: directory)
  }
}
