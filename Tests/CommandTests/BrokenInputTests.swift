import Foundation
import Testing

/// What the program says, and how it ends, when an input is broken or missing: the rest is analysed.
@Suite struct BrokenInputTests {
  private static let lines = PostfixLines.message(
    1,
    at: Date(timeIntervalSince1970: 1_772_442_845),
    "b.example",
    PostfixLines.sent
  )

  struct Broken: CustomTestStringConvertible {
    var name: String
    /// Nil where there is no such file.
    var bytes: [UInt8]?
    var status: Int32
    /// What is said behind the path.
    var reason: String
    /// Whether it is told of too where it is met in a directory, and not named.
    var isToldInDirectory = true

    var testDescription: String { name }

    init(_ name: String, _ bytes: [UInt8]?, _ status: Int32, _ reason: String, inDirectory: Bool) {
      self.name = name
      self.bytes = bytes
      self.status = status
      self.reason = reason
      isToldInDirectory = inDirectory
    }
  }

  private static let gzip: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
  private static let xz: [UInt8] = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0, 4]
  private static let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
  private static let noise = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7 | 0x80) }
  private static let noLog = ": at byte 0: no line of it is a mail log's"

  private static let table: [Broken] = [
    Broken("none.log", nil, 66, ": No such file or directory", inDirectory: false),
    Broken("letter.txt", Array("Dear reader\n".utf8), 65, noLog, inDirectory: false),
    Broken("noise.log", noise, 65, noLog, inDirectory: false),
    Broken("zeros.log", Array(repeating: 0, count: 100_000), 65, noLog, inDirectory: false),
    Broken(
      "cut.gz",
      gzip,
      65,
      ": at byte 10: the gzip file ends too early",
      inDirectory: true
    ),
    Broken(
      "damaged.gz",
      gzip + [0xFF, 0xFF],
      65,
      ": at byte 12: damaged gzip data (invalid block)",
      inDirectory: true
    ),
    Broken("cut.xz", xz, 65, ": at byte 8: the xz file ends too early", inDirectory: true),
    Broken(
      "damaged.xz",
      xz + Array(repeating: 0xA5, count: 40),
      65,
      ": at byte 12: damaged xz data (the data does not fit its checksum or form)",
      inDirectory: true
    ),
    // An xz header that asks for 512 MB.
    Broken(
      "greedy.xz",
      xz + [
        0xE6, 0xD6, 0xB4, 0x46, 0x02, 0, 0x21, 1, 0x22, 0, 0, 0, 0x82, 0x40, 0xAC, 0xDC, 1, 2, 3,
      ],
      65,
      ": at byte 24: it takes more than 256 MB to unpack",
      inDirectory: true
    ),
    Broken("cut.zst", zstd, 65, ": at byte 4: the zstd file ends too early", inDirectory: true),
    Broken(
      "damaged.zst",
      zstd + Array(repeating: 0xA5, count: 40),
      65,
      ": at byte 5: damaged zstd data (Dictionary mismatch)",
      inDirectory: true
    ),
    Broken(
      "damaged.bz2",
      Array("BZh91AY&SY and then".utf8),
      65,
      ": at byte 19: bzip decompression failed",
      inDirectory: true
    ),
    Broken(
      "cut.zip",
      [0x50, 0x4B, 3, 4, 20, 0],
      65,
      ": at byte 6: Truncated ZIP file header",
      inDirectory: true
    ),
    Broken(
      "queue.json",
      Array("{\"queue_name\": \"deferred\", \"queue_id\": \"4ABC1D2E3F\", \"arri\n".utf8),
      65,
      ": at byte 0: not an entry of postqueue -j",
      inDirectory: true
    ),
  ]

  private func expect(_ outcome: Workplace.Outcome, _ status: Int32, says complaint: String) throws
  {
    #expect(outcome.status == status)
    #expect(outcome.complaint == complaint)
    let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let totals = try #require((answer as? [String: Any])?["totals"] as? [String: Any])
    #expect(totals["delivered"] as? Int == 1)
  }

  @Test(arguments: table)
  func `says what is wrong with an input and analyses the rest`(_ broken: Broken) throws {
    let place = try Workplace()
    try place.write("in/mail.log", BrokenInputTests.lines)
    let path = place.path + "/in/" + broken.name
    if let bytes = broken.bytes { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
    let now = ["--now", "2026-03-03T00:00:00Z", "--format", "json"]
    let complaint = "mailtriage: \(path)\(broken.reason)\n"
    // Before the log and behind it, and in one directory with it.
    for paths in [[path, place.path + "/in/mail.log"], [place.path + "/in/mail.log", path]] {
      let outcome = try Workplace.finish(place.process(["analyze"] + paths + now))
      try expect(outcome, broken.status, says: complaint)
    }
    let other = try Workplace()
    let walked = try Workplace.finish(other.process(["analyze", place.path + "/in"] + now))
    try expect(
      walked,
      broken.isToldInDirectory ? broken.status : 0,
      says: broken.isToldInDirectory ? complaint : ""
    )
  }
}
