import Foundation
import Testing

/// A receiver whose greeting, capabilities, replies and certificate are made to do harm, as `probe` and
/// `retry` show it and as it is kept.
@Suite(.enabled(if: HostileReceiver.canRun, "python3-cryptography is missing"))
struct HostileReceiverTests {
  @Test(arguments: ["text", "json", "markdown", "html"])
  func `what a receiver says and shows is only text`(_ format: String) throws {
    let receiver = try HostileReceiver()
    defer { receiver.stop() }
    let place = try Workplace()
    let common = ["--resolver", receiver.resolver, "--timeout", "5", "--format", format]
    let probe = try Workplace.finish(
      place.process(
        ["probe", "b.example", receiver.endpoint, "--port", receiver.port, "--no-versions"] + common
      )
    )
    #expect(probe.status == 0, "\(probe.complaint)")
    try HostileText.judge(probe, format, ["probe"])
    // Or nothing of it was seen.
    #expect(probe.output.contains("alert(1)") && probe.output.contains("SUBJECT"))
    for level in ["none", "may", "encrypt", "secure"] {
      let retry = try Workplace.finish(
        place.process(
          [
            "retry", "b.example", "--test-path", receiver.endpoint, "--path-is-destination",
            "--tls-level", level,
          ] + common
        )
      )
      #expect(!retry.output.isEmpty, "\(retry.complaint)")
      try HostileText.judge(retry, format, ["retry", level])
      #expect(retry.output.contains("owned"), "\(level)")
    }
    // What is kept of it comes back in other answers.
    for answer in [["remedy", "b.example"], ["analyze"], ["report"]] {
      let kept = try Workplace.finish(place.process(answer + ["--quiet", "--format", format]))
      try HostileText.judge(kept, format, answer)
    }
  }
}

/// The receiver, on a port of loopback that it chooses.
private final class HostileReceiver {
  static let canRun = FileManager.default.fileExists(
    atPath: "/usr/lib/python3/dist-packages/cryptography"
  )

  let port: String
  let resolver: String
  var endpoint: String { "127.0.0.1:" + port }
  private let process = Process()
  private let place: Workplace

  init() throws {
    place = try Workplace()
    for (number, payload) in (HostileText.payloads + [HostileText.lineEnds]).enumerated() {
      try place.write("payloads/\(1000 + number).text", payload)
      try HostileText.data(payload).write(
        to: URL(fileURLWithPath: place.path + "/payloads/\(1000 + number).bytes")
      )
    }
    let script = try #require(
      Bundle.module.url(
        forResource: "hostile-receiver",
        withExtension: "py",
        subdirectory: "Fixtures"
      )
    )
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [script.path, place.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let said = try #require(try output.fileHandleForReading.read(upToCount: 10))
    let ports = String(decoding: said, as: UTF8.self)
    try #require(ports.count == 10)
    port = String(ports.prefix(5))
    resolver = "127.0.0.1:" + ports.suffix(5)
  }

  func stop() {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
