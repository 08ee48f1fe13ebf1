import Foundation
import Testing

extension Workplace {
  /// Runs the program as a user who is not root, who may read and write all of this place but what a
  /// test forbids. Cancels the test where that user cannot start the program at all.
  func runAsNobody(_ arguments: [String]) throws -> Outcome {
    let process = process(arguments)
    // A user who is none has no home, and the database is named anyway.
    process.environment?["HOME"] = "/nonexistent"
    guard getuid() == 0 else { return try Workplace.finish(process) }
    let drop = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    let trial = Process()
    trial.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    trial.arguments = drop + [Workplace.program.path, "--help"]
    guard try Workplace.finish(trial).status == 0 else {
      try Test.cancel("nobody may not start \(Workplace.program.path)")
    }
    process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    process.arguments = drop + [Workplace.program.path] + (process.arguments ?? [])
    return try Workplace.finish(process)
  }

  /// Gives a file or directory of this place to that user.
  func giveToNobody(_ name: String) {
    if getuid() == 0 { _ = chown(path + "/" + name, 65534, 65534) }
  }

  /// Runs a script of Python in which no signal is blocked or ignored: the threads that run tests block
  /// some, and a child would go on blocking them. The script finds the program's command line in `sys.argv`.
  func python(_ script: String, _ arguments: [String]) throws -> Outcome {
    let process = process(arguments, environment: ["MAILTRIAGE_COMMIT_BYTES": "20000"])
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    let start = """
      import os, signal, sqlite3, subprocess, sys, time
      signal.pthread_sigmask(signal.SIG_SETMASK, [])
      database = \"\(database)\"

      """
    process.arguments =
      ["-c", start + script, Workplace.program.path] + (process.arguments ?? [])
    return try Workplace.finish(process)
  }
}
