import Experiment
import Foundation
import Testing

/// One run at a time per next hop, with time between its connections.
struct TrialGateTests {
  private let directory = NSTemporaryDirectory() + "gate-" + UUID().uuidString

  @Test func `a second run waits until the first is done with a peer`() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let gate = TrialGate(directory: directory, gap: 0)
    var first = gate.enter(peer: "192.0.2.1", wait: 0)
    #expect(first != nil)
    #expect(gate.enter(peer: "192.0.2.1", wait: 0.1) == nil)
    #expect(gate.enter(peer: "192.0.2.2", wait: 0) != nil)
    first = nil
    #expect(gate.enter(peer: "192.0.2.1", wait: 0) != nil)
  }

  @Test func `connections to a peer keep their distance, over runs too`() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let gate = TrialGate(directory: directory, gap: 0.2)
    let elapsed = try ContinuousClock().measure {
      for _ in 0..<2 {
        let turn = try #require(gate.enter(peer: "192.0.2.1", wait: 0))
        turn.next()
        turn.next()
      }
    }
    #expect(elapsed >= .seconds(0.55))
  }

  @Test func `a directory that is a link is not used`() throws {
    let target = NSTemporaryDirectory() + "gate-" + UUID().uuidString
    defer {
      try? FileManager.default.removeItem(atPath: directory)
      try? FileManager.default.removeItem(atPath: target)
    }
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: directory, withDestinationPath: target)
    #expect(TrialGate(directory: directory).enter(peer: "192.0.2.1", wait: 0) == nil)
  }
}
