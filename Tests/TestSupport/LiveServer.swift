import Foundation

/// A mail server that runs on a machine of its own.
package protocol LiveServer {
  var machine: WalledMachine { get }
  /// Its log.
  var log: String { get }
}

extension LiveServer {
  package var logText: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

  /// Waits until something holds; where it never does, the failure tells how the log ends.
  package func wait(
    _ what: String,
    seconds: Double = 60,
    until holds: () throws -> Bool
  ) throws {
    try machine.wait(what, seconds: seconds, log: log, until: holds)
  }
}

extension WalledMachine {
  /// A trial as the server's configuration has it, with the reason.
  package struct Trial: Sendable {
    package var isOK: Bool
    package var explanation: String
  }

  private struct Told: Decodable {
    struct Trial: Decodable {
      var rung: String
      var ok: Bool
    }
    var trials: [Trial]
    var explanation: String
  }

  /// What `mailtriage retry` says of a domain there, with the machine's own configuration.
  package func trial(of domain: String) throws -> Trial {
    let said = try shell([
      "\(BuiltProgram.path) retry \(domain) --format json --quiet --timeout 5 --database :memory:"
    ])
    let told = try JSONDecoder().decode(Told.self, from: Data(said.utf8))
    guard let first = told.trials.first(where: { $0.rung == "as-configured" }) else {
      throw LiveFailure("no trial as configured: \(said)")
    }
    return Trial(isOK: first.ok, explanation: told.explanation)
  }
}
