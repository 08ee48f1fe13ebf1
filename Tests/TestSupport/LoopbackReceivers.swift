import Foundation

/// Receivers with one fault each, on loopback ports of their own; they end with the tests.
package final class LoopbackReceivers: Sendable {
  private struct Started: Decodable {
    var directory: String
    var ports: [String: UInt16]
  }

  /// Nil where Python or its cryptography package is missing.
  package static let shared = LoopbackReceivers()

  /// Their keys and certificates, and what was taken.
  package let directory: String
  private let ports: [String: UInt16]
  /// They serve until this is closed, which the end of this process does.
  private let input = Pipe()

  private init?() {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [BuiltProgram.checkout + "/Tests/ExperimentTests/Fixtures/receivers.py"]
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

  package func port(_ name: String) throws -> UInt16 {
    guard let port = ports[name] else { throw LiveFailure("no receiver \(name)") }
    return port
  }
}
