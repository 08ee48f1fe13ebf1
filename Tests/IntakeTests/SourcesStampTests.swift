import Foundation
import MailModel
import Testing

@testable import Intake

/// Stamps are read from what is kept of the line before, where both share a minute or a second.
@Suite struct SourcesStampTests {
  @Test(arguments: [
    // Forwards and backwards within a minute, and into the next.
    (
      "UTC",
      [
        ["Mar  2 09:14:05", "2026-03-02T09:14:05Z"], ["Mar  2 09:14:50", "2026-03-02T09:14:50Z"],
        ["Mar  2 09:14:07", "2026-03-02T09:14:07Z"], ["Mar  2 09:15:01", "2026-03-02T09:15:01Z"],
        ["Mar  2 10:15:02", "2026-03-02T10:15:02Z"], ["Mar  3 10:15:03", "2026-03-03T10:15:03Z"],
      ]
    ),
    // The hour that the end of summer time repeats.
    (
      "Europe/Berlin",
      [
        ["Oct 25 02:59:10", "2026-10-25T00:59:10Z"], ["Oct 25 02:59:58", "2026-10-25T00:59:58Z"],
        ["Oct 25 02:00:00", "2026-10-25T01:00:00Z"], ["Oct 25 02:00:30", "2026-10-25T01:00:30Z"],
        ["Oct 25 03:00:01", "2026-10-25T02:00:01Z"],
      ]
    ),
    // One second with fractions, zones and without either.
    (
      "Europe/Berlin",
      [
        ["2026-03-02T09:14:05.123+01:00", "2026-03-02T08:14:05.123Z"],
        ["2026-03-02T09:14:05.5+00:00", "2026-03-02T09:14:05.5Z"],
        ["2026-03-02T09:14:05Z", "2026-03-02T09:14:05Z"],
        ["2026-03-02T09:14:05", "2026-03-02T08:14:05Z"],
        ["2026-03-02T09:14:05.25", "2026-03-02T08:14:05.25Z"],
        ["2026-03-02T09:14:06", "2026-03-02T08:14:06Z"],
      ]
    ),
  ])
  func `a stamp means the same behind any other`(
    _ zone: String,
    _ stamps: [[String]]
  ) throws {
    var reader = EnvelopeReader(clock: try #require(ZoneClock(zone: zone)), firstYear: 2026)
    for pair in stamps {
      let (stamp, moment) = (pair[0], pair[1])
      let line = Array("\(stamp) mx1 postfix/smtp[2211]: text".utf8)
      #expect(reader.read(line.span)?.moment.rfc3339 == moment, "\(stamp)")
    }
  }

  @Test func `a second that no minute has is no stamp, behind one of the same minute either`()
    throws
  {
    var reader = EnvelopeReader(clock: try #require(ZoneClock(zone: "UTC")), firstYear: 2026)
    let good = Array("Mar  2 09:14:05 mx1 postfix/smtp[2211]: text".utf8)
    let bad = Array("Mar  2 09:14:61 mx1 postfix/smtp[2211]: text".utf8)
    #expect(reader.read(good.span) != nil)
    #expect(reader.read(bad.span) == nil)
  }

  /// A packed log of 30 000 lines, so many seconds apart.
  private func pack(secondsApart: Double, lines: Int = 30_000) throws -> String {
    let path = NSTemporaryDirectory() + "pace-\(UUID().uuidString)"
    let start = Timestamp(seconds: 1_763_596_800)  // 20 November 2025
    var text = ""
    for number in 0..<lines {
      let civil = CivilTime(start.advanced(bySeconds: Double(number) * secondsApart))
      let month = civil.month == 11 ? "Nov" : civil.month == 12 ? "Dec" : "Jan"
      text += String(
        format: "%@ %2d %02d:%02d:%02d",
        month,
        civil.day,
        civil.hour,
        civil.minute,
        civil.second
      )
      text += " mx1 postfix/smtpd[\(number)]: connect from client.example[192.0.2.1]\n"
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", "gzip '\(path)'"]
    try shell.run()
    shell.waitUntilExit()
    try #require(shell.terminationStatus == 0)
    return path + ".gz"
  }

  @Test(arguments: [
    // Fifty minutes of log, six weeks before New Year.
    (0.1, 30_000, (11, 20), true),
    // Beyond New Year at its pace.
    (300, 30_000, (11, 20), false),
    // Within the year at its pace, but not by far.
    (60, 30_000, (11, 20), false),
    // New Year is near.
    (0.1, 30_000, (12, 20), false),
    // Too little to tell a pace.
    (0.1, 2000, (11, 20), false),
  ])
  func `a packed log ends before New Year where its pace leaves much to spare`(
    _ secondsApart: Double,
    _ lines: Int,
    _ first: (Int, Int),
    _ ends: Bool
  ) throws {
    let path = try pack(secondsApart: secondsApart, lines: lines)
    defer { unlink(path) }
    let file = try OpenFile(path: path)
    let size = file.identity.size
    let reader = EnvelopeReader(clock: try #require(ZoneClock(zone: "UTC")), firstYear: 2001)
    let pace = PackedPace(UnpackedStream(file, GzipUnpacker()), size: size, reader)
    #expect(pace.endsBeforeNewYear(first: (month: first.0, day: first.1)) == ends)
  }
}
