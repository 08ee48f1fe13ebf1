import Foundation
import MailModel
import Store
import Testing

@testable import Alerting

private let noon = Timestamp(seconds: 1_772_452_800)

private func condition(
  _ name: String,
  standing: AlertCondition.Standing = .present
) -> AlertCondition {
  AlertCondition(
    key: "new-incident/\(name)",
    rule: .newIncident,
    severity: .warning,
    destination: name,
    failureClass: .certificateExpired,
    count: 7,
    firstSeen: noon,
    summary: "mail waits",
    standing: standing
  )
}

/// What is to be told, kept until the hook has taken it.
struct AlertOutboxTests {
  /// A place with a hook that appends `ID STATE` to `log` and ends as `status` says.
  private final class Place {
    let path: String
    init() throws {
      path = NSTemporaryDirectory() + "outbox-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try write("status", "exit 0")
      try write(
        "hook",
        "#!/bin/sh\necho \"$MAILTRIAGE_DESTINATION $MAILTRIAGE_STATE\" >> \(path)/log\n. \(path)/status\n"
      )
      chmod(path + "/hook", 0o755)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
      try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
    }

    var told: [String] {
      let text = (try? String(contentsOfFile: path + "/log", encoding: .utf8)) ?? ""
      return text.split(separator: "\n").map(String.init)
    }

    /// With time enough for a machine on which every other test runs as well.
    var runner: HookRunner {
      HookRunner(executable: path + "/hook", timeout: .seconds(600))
    }
  }

  private func outbox() throws -> AlertOutbox { AlertOutbox(try TriageStore(path: ":memory:")) }

  @Test func `what the hook takes is gone, and is told once`() async throws {
    let place = try Place()
    let outbox = try outbox()
    let both = [condition("a.example"), condition("b.example")]
    #expect(try outbox.post(both, now: noon, settle: 0).count == 2)
    #expect(try outbox.post(both, now: noon, settle: 0).isEmpty)
    #expect(
      try await outbox.drain(place.runner, clock: { noon }).map(\.outcome) == [.taken, .taken]
    )
    #expect(place.told == ["a.example firing", "b.example firing"])
    #expect(try await outbox.drain(place.runner, clock: { noon }).isEmpty)
  }

  @Test func `what is not taken stays, and its end waits behind its start`() async throws {
    let place = try Place()
    let outbox = try outbox()
    _ = try outbox.post([condition("a.example")], now: noon, settle: 0)
    try place.write("status", "exit 1")
    #expect(try await outbox.drain(place.runner, clock: { noon }).map(\.outcome) == [.exited(1)])
    _ = try outbox.post([], now: noon, settle: 0)
    #expect(try await outbox.drain(place.runner, clock: { noon }).map(\.outcome) == [.exited(1)])
    try place.write("status", "exit 0")
    let taken = try await outbox.drain(place.runner, clock: { noon })
    #expect(taken.map(\.alert.state) == [.firing, .resolved])
    #expect(place.told.suffix(2) == ["a.example firing", "a.example resolved"])
  }

  @Test func `a hook that keeps failing is left alone, and no alert keeps the others waiting`()
    async throws
  {
    let place = try Place()
    let outbox = try outbox()
    let names = ["a", "b", "c", "d", "e"].map { "\($0).example" }
    _ = try outbox.post(names.map { condition($0) }, now: noon, settle: 0)
    try place.write("status", "case $MAILTRIAGE_DESTINATION in [abc].*) exit 1;; esac")
    #expect(try await outbox.drain(place.runner, clock: { noon }).count == 3)
    let second = try await outbox.drain(place.runner, clock: { noon })
    #expect(
      second.filter { $0.outcome == .taken }.map(\.alert.condition.destination) == [
        "d.example", "e.example",
      ]
    )
    #expect(try outbox.store.outbox().count == 3)
  }

  @Test func `a silenced destination is told of afterwards, if it is still so`() throws {
    let outbox = try outbox()
    try outbox.store.silence("a.example", until: noon.advanced(bySeconds: 3600))
    let both = [condition("a.example"), condition("b.example")]
    #expect(
      try outbox.post(both, now: noon, settle: 0).map(\.condition.destination) == ["b.example"]
    )
    let later = noon.advanced(bySeconds: 3601)
    #expect(
      try outbox.post(both, now: later, settle: 0).map(\.condition.destination) == ["a.example"]
    )
  }

  @Test func `what had fired before the silence is not declared over by it`() throws {
    let outbox = try outbox()
    _ = try outbox.post([condition("a.example")], now: noon, settle: 0)
    try outbox.store.silence("a.example", until: noon.advanced(bySeconds: 3600))
    #expect(try outbox.post([], now: noon.advanced(bySeconds: 60), settle: 0).isEmpty)
    let end = try outbox.post([], now: noon.advanced(bySeconds: 3601), settle: 0)
    #expect(end.map(\.state) == [.resolved])
  }

  @Test func `a row that another run has claimed is left to it until the claim runs out`()
    async throws
  {
    let place = try Place()
    let outbox = try outbox()
    _ = try outbox.post([condition("a.example")], now: noon, settle: 0)
    let number = try #require(try outbox.store.outbox().first?.number)
    let until = noon.advanced(bySeconds: 40)
    #expect(try outbox.store.claim(number, now: noon, until: until))
    #expect(try !outbox.store.claim(number, now: noon, until: until))
    #expect(try await outbox.drain(place.runner, clock: { noon }).isEmpty)
    #expect(try await outbox.drain(place.runner, clock: { until }).map(\.outcome) == [.taken])
  }

  @Test func `a missing hook loses nothing`() async throws {
    let outbox = try outbox()
    _ = try outbox.post([condition("a.example")], now: noon, settle: 0)
    let missing = HookRunner(executable: "/nonexistent/hook", timeout: .seconds(600))
    let outcome = try #require(try await outbox.drain(missing, clock: { noon }).first?.outcome)
    guard case .notStarted = outcome else {
      Issue.record("a missing hook gave \(outcome)")
      return
    }
    #expect(try outbox.store.outbox().count == 1)
  }
}
