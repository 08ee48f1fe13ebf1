import Alerting
import FoundationEssentials
import Glibc
import MailModel
import Testing

/// A directory for scripts that goes away with its test.
final class ScriptDirectory: Sendable {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.path + "/hook-\(UInt64.random(in: 0...UInt64.max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// Writes an executable shell script and gives its path.
  func script(_ body: String, mode: Int = 0o755) throws -> String {
    let file = path + "/hook-\(UInt64.random(in: 0...UInt64.max))"
    try Data("#!/bin/sh\n\(body)\n".utf8).write(to: URL(filePath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }

  func read(_ name: String) -> String? {
    FileManager.default.contents(atPath: path + "/" + name).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

private let alert = Alert(
  id: "new-incident-1",
  state: .firing,
  condition: AlertCondition(
    key: "new-incident/example.com",
    rule: .newIncident,
    severity: .critical,
    destination: "example.com",
    failureClass: .certificateExpired,
    count: 42,
    firstSeen: Timestamp(seconds: 1_772_442_845),
    fixBy: Timestamp(seconds: 1_772_500_000),
    summary: "42 messages to example.com wait; $(rm -rf /) `id` \u{1b}[31m\n\"quoted\""
  )
)

@Suite(.serialized, .timeLimit(.minutes(2)))
struct HookRunnerTests {
  /// With time enough for a machine on which every other test runs as well, unless time is the point.
  private func runner(_ path: String, seconds: Double = 600) -> HookRunner {
    HookRunner(
      executable: path,
      timeout: .seconds(seconds),
      inheritedEnvironment: ["PATH": "/usr/bin:/bin"]
    )
  }

  @Test func `gives the alert as JSON on standard input and as variables`() async throws {
    let directory = try ScriptDirectory()
    let hook = try directory.script(
      "cat > '\(directory.path)/in'; printf '%s' \"$MAILTRIAGE_CLASS/$MAILTRIAGE_COUNT/$MAILTRIAGE_SUMMARY\" > '\(directory.path)/env'"
    )
    #expect(await runner(hook).run(alert) == .taken)
    let json = try #require(directory.read("in"))
    #expect(json.contains(#""schema":"mailtriage.alert/1""#))
    #expect(json.contains(#""remedy":null"#))
    #expect(json.contains(#""fix_by":"2026-03-03T01:06:40Z""#))
    let variables = try #require(directory.read("env"))
    #expect(
      variables.hasPrefix("certificate-expired/42/42 messages to example.com wait; $(rm -rf /)")
    )
    #expect(!variables.unicodeScalars.contains { $0.value < 0x20 })
  }

  @Test(arguments: [1, 3, 75])
  func `any status but 0 is not taken`(_ status: Int32) async throws {
    let directory = try ScriptDirectory()
    #expect(await runner(try directory.script("exit \(status)")).run(alert) == .exited(status))
  }

  @Test func `a hook that does not read its input may still take the alert`() async throws {
    let directory = try ScriptDirectory()
    var large = alert
    large.condition.summary = String(repeating: "x", count: 300_000)
    #expect(await runner(try directory.script("exec 0<&-; exit 0")).run(large) != .timedOut)
    #expect(await runner(try directory.script("exec 0<&-; sleep 0.1; exit 0")).run(alert) == .taken)
  }

  @Test func `a hook that is just being written is waited for`() async throws {
    let directory = try ScriptDirectory()
    let hook = try directory.script("exit 0")
    let writer = open(hook, O_WRONLY)
    try #require(writer >= 0)
    async let outcome = runner(hook).run(alert)
    try await Task.sleep(for: .milliseconds(300))
    close(writer)
    #expect(await outcome == .taken)
  }

  @Test func `a crashing hook is not taken`() async throws {
    let directory = try ScriptDirectory()
    #expect(await runner(try directory.script("kill -SEGV $$")).run(alert) == .signalled(11))
  }

  @Test func `a hook that floods its output is taken without being kept`() async throws {
    let directory = try ScriptDirectory()
    let hook = try directory.script("head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2")
    #expect(await runner(hook).run(alert) == .taken)
  }

  @Test func `a slow hook is ended with all that it started`() async throws {
    let directory = try ScriptDirectory()
    let hook = try directory.script(
      "trap '' TERM; (trap '' TERM; sleep 8; echo late > '\(directory.path)/late') & sleep 60"
    )
    let started = ContinuousClock.now
    #expect(await runner(hook, seconds: 0.5).run(alert) == .timedOut)
    #expect(ContinuousClock.now - started < .seconds(8))
    try await Task.sleep(for: .seconds(8.5))
    #expect(directory.read("late") == nil)
  }

  @Test func `missing, not executable and no file at all could not be started`() async throws {
    let directory = try ScriptDirectory()
    let plain = try directory.script("exit 0", mode: 0o644)
    for path in [directory.path + "/nowhere", plain, directory.path] {
      let outcome = await runner(path).run(alert)
      guard case .notStarted(let reason) = outcome else {
        Issue.record("\(path): \(outcome)")
        continue
      }
      #expect(!reason.isEmpty)
    }
  }
}
