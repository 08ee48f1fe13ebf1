import Experiment
import Foundation
import MailModel
import Testing

/// One run at a time per next hop, with time between its connections; and names in any script.
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

  /// Registered names, and a sample of RFC 3492 section 7.1.
  @Test(arguments: [
    ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.Example", "xn--bcher-kva.example"),
    ("münchen.de", "xn--mnchen-3ya.de"), ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ("президент.рф", "xn--d1abbgf6aiiy.xn--p1ai"), ("plain.example", "plain.example"),
    (
      "他们为什么不说中文.example",
      "xn--ihqwcrb4cv8a8dqg056pqjye.example"
    ),
  ])
  func `names in any script become A-labels`(_ text: String, _ name: String) {
    #expect(HostName(anyScript: text)?.description == name)
  }

  @Test(arguments: ["", "a b", "ü..example", "<ü>"])
  func `what is no name is none in any script`(_ text: String) {
    // Angle brackets and blanks are no letters of any label.
    let name = HostName(anyScript: text)
    #expect(name == nil || name?.description.utf8.allSatisfy { $0 != 32 && $0 != 60 } == true)
  }
}
