import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage

/// What became of one call of the alert hook.
package enum HookOutcome: Hashable, Sendable {
  /// Exit 0: the hook has the alert.
  case taken
  case exited(Int32)
  case signalled(Int32)
  /// Ran longer than allowed; its process group was ended.
  case timedOut
  /// Could not be started: missing, not executable, a directory.
  case notStarted(String)

  /// One sentence for a person.
  package var explanation: String {
    switch self {
    case .taken: "taken"
    case .exited(let status): "the hook ended with status \(status)"
    case .signalled(let signal): "the hook was ended by signal \(signal)"
    case .timedOut: "the hook ran too long and was ended"
    case .notStarted(let reason): "the hook could not be started: \(reason)"
    }
  }
}

/// Runs the alert hook: an executable, without a shell, in a session of its own, one JSON object on
/// standard input, output thrown away beyond a bound, the whole process group ended at the deadline.
package struct HookRunner: Sendable {
  package var executable: String
  package var timeout: Duration
  /// What the hook inherits; the alert's own variables come on top.
  package var inheritedEnvironment: [String: String]

  /// A runner for the executable at `path`.
  package init(
    executable: String,
    timeout: Duration,
    inheritedEnvironment: [String: String] = [:]
  ) {
    self.executable = executable
    self.timeout = timeout
    self.inheritedEnvironment = inheritedEnvironment
  }

  /// Gives one alert to the hook and waits for its end.
  package func run(_ alert: Alert) async -> HookOutcome {
    let input: [UInt8]
    do { input = Array(try alert.json()) + [UInt8(ascii: "\n")] } catch {
      return .notStarted("the alert cannot be written as JSON: \(error)")
    }
    let environment = inheritedEnvironment.merging(alert.environment) { _, own in own }
    let executable = executable
    let timeout = timeout
    return await withTaskGroup(of: HookOutcome?.self) { group in
      group.addTask {
        await HookRunner.startWhenWritten(executable, input: input, environment: environment)
      }
      group.addTask {
        do { try await Task.sleep(for: timeout) } catch { return nil }
        return .timedOut
      }
      var outcome: HookOutcome = .timedOut
      for await result in group {
        guard let result else { continue }
        outcome = result
        break
      }
      group.cancelAll()
      return outcome
    }
  }

  /// A hook that somebody is just writing cannot be executed (ETXTBSY): it is tried again for a second.
  @concurrent private static func startWhenWritten(
    _ executable: String,
    input: [UInt8],
    environment: [String: String]
  ) async -> HookOutcome {
    for _ in 0..<20 {
      do {
        return try await start(executable, input: input, environment: environment)
      } catch {
        guard (error as? SubprocessError)?.underlyingError == .textFileBusy else {
          return .notStarted("\(error)")
        }
        do { try await Task.sleep(for: .milliseconds(50)) } catch { break }
      }
    }
    return .notStarted("it is being written to")
  }

  private static func start(
    _ executable: String,
    input: [UInt8],
    environment: [String: String]
  ) async throws -> HookOutcome {
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = [
      .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .milliseconds(500))
    ]
    let values = Dictionary(
      uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) }
    )
    let source: FileDescriptor
    do { source = try HookRunner.readable(input) } catch {
      return .notStarted("its input cannot be prepared: \(error)")
    }
    let result = try await Subprocess.run(
      .path(FilePath(executable)),
      environment: .custom(values),
      platformOptions: options,
      input: .fileDescriptor(source, closeAfterSpawningProcess: true),
      output: .discarded,
      error: .discarded
    )
    switch result.terminationStatus {
    case .exited(0): return .taken
    case .exited(let status): return .exited(status)
    case .signaled(let signal): return .signalled(signal)
    }
  }

  /// The bytes as a file of its own without a name, mode 0600, at its start. A hook may end without
  /// reading its input: with a pipe the write would then fail, and swift-subprocess ends the whole
  /// process over the pipe's end.
  private static func readable(_ bytes: [UInt8]) throws(Errno) -> FileDescriptor {
    let pattern = FileManager.default.temporaryDirectory.path + "/mailtriage-alert-XXXXXX"
    var template = Array(pattern.utf8CString)
    let number = mkstemp(&template)
    guard number >= 0 else { throw Errno(rawValue: errno) }
    unlink(template)
    _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    let file = FileDescriptor(rawValue: number)
    do {
      try file.writeAll(bytes)
      try file.seek(offset: 0, from: .start)
    } catch {
      try? file.close()
      throw (error as? Errno) ?? .ioError
    }
    return file
  }
}
