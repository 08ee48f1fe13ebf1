import Foundation
import Testing

/// What the program says, and how it ends, when an input is broken or missing: the rest is analysed.
@Suite struct BrokenInputTests {
  private struct Outcome {
    var status: Int32
    var output: String
    var complaint: String
  }

  private static let lines = """
    2026-03-02T09:14:05Z mx1 postfix/qmgr[9]: 4ABC1D2E3F: from=<a@a.example>, size=9, nrcpt=1 (queue active)
    2026-03-02T09:14:06Z mx1 postfix/smtp[8]: 4ABC1D2E3F: to=<b@b.example>, relay=mx.b.example[192.0.2.1]:25, \
    delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)
    2026-03-02T09:14:06Z mx1 postfix/qmgr[9]: 4ABC1D2E3F: removed

    """

  /// Runs `analyze` on files written for it; beside each broken input lies a whole log.
  private func analyze(_ broken: String, _ bytes: Data?) throws -> Outcome {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: place) }
    try Data(BrokenInputTests.lines.utf8).write(to: place.appendingPathComponent("mail.log"))
    if let bytes { try bytes.write(to: place.appendingPathComponent(broken)) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent().appendingPathComponent("mailtriage")
    process.arguments = [
      "analyze", place.appendingPathComponent(broken).path,
      place.appendingPathComponent("mail.log").path, "--database",
      place.appendingPathComponent("t.sqlite").path, "--format", "json", "--now",
      "2026-03-03T00:00:00Z",
    ]
    let output = Pipe()
    let complaint = Pipe()
    process.standardOutput = output
    process.standardError = complaint
    try process.run()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    let complained = try complaint.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus,
      output: String(decoding: said, as: UTF8.self),
      complaint: String(decoding: complained, as: UTF8.self)
    )
  }

  @Test(arguments: [
    ("none.log", nil as [UInt8]?, Int32(66), "No such file or directory"),
    ("cut.gz", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], 65, "the gzip file ends too early"),
    ("damaged.gz", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xFF, 0xFF], 65, "damaged gzip data"),
    ("cut.xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0, 4], 65, "cut.xz"),
    ("letter.txt", Array("Dear reader\n".utf8), 65, "no line of it is a mail log's"),
  ])
  func `says what is wrong with an input and analyses the rest`(
    _ name: String,
    _ bytes: [UInt8]?,
    _ status: Int32,
    _ reason: String
  ) throws {
    let outcome = try analyze(name, bytes.map { Data($0) })
    #expect(outcome.status == status)
    #expect(outcome.complaint.contains(name))
    #expect(outcome.complaint.contains(reason))
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    )
    let totals = try #require(answer["totals"] as? [String: Any])
    #expect(totals["delivered"] as? Int == 1)
  }
}
