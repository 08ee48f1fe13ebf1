import MailModel
import Testing

@testable import Intake

/// One line with what its envelope says.
struct EnvelopeCase: CustomTestStringConvertible, Sendable {
  var line: String
  var moment: String
  var host = "mx1"
  var tag = "postfix/smtp"
  var pid: Int32 = 2211
  var text = "text"
  var testDescription: String { line }
}

@Suite struct SourcesEnvelopeTests {
  private func reader(zone: String = "UTC", firstYear: Int = 2026) throws -> EnvelopeReader {
    EnvelopeReader(clock: try #require(ZoneClock(zone: zone)), firstYear: firstYear)
  }

  private func text(_ bytes: [UInt8], _ range: Range<Int>) -> String { bytes.span.text(range) }

  @Test(arguments: [
    EnvelopeCase(
      line: "Mar  2 09:14:05 mx1 postfix/smtp[2211]: text",
      moment: "2026-03-02T09:14:05Z"
    ),
    EnvelopeCase(
      line: "Mar 02 09:14:05 mx1 postfix/smtp[2211]: text",
      moment: "2026-03-02T09:14:05Z"
    ),
    EnvelopeCase(
      line: "<22>Mar  2 09:14:05 mx1 postfix/smtp[2211]: text",
      moment: "2026-03-02T09:14:05Z"
    ),
    EnvelopeCase(
      line: "\u{FEFF}Mar  2 09:14:05 mx1 postfix/smtp[2211]: text",
      moment: "2026-03-02T09:14:05Z"
    ),
    EnvelopeCase(
      line: "Mar  2 09:14:05 mx1 sendmail[7]: [ID 197553 mail.info] text",
      moment: "2026-03-02T09:14:05Z",
      tag: "sendmail",
      pid: 7
    ),
    EnvelopeCase(
      line: "Mar  2 09:14:05 mx1 /postfix-script[88]: starting the Postfix mail system",
      moment: "2026-03-02T09:14:05Z",
      tag: "/postfix-script",
      pid: 88,
      text: "starting the Postfix mail system"
    ),
    EnvelopeCase(
      line: "<22>1 2026-03-02T09:14:05.5+01:00 mx1 postfix/smtp 2211 - - \u{FEFF}text",
      moment: "2026-03-02T08:14:05.5Z"
    ),
    EnvelopeCase(
      line: #"<22>1 2026-03-02T09:14:05Z mx1 postfix/smtp 2211 ID7 [a@1 b="x\"]"][c d=""] text"#,
      moment: "2026-03-02T09:14:05Z"
    ),
    EnvelopeCase(
      line: "2026-03-02T09:14:05.123456+01:00 mx1 postfix/smtp[2211]: text",
      moment: "2026-03-02T08:14:05.123456Z"
    ),
    EnvelopeCase(
      line: "2026-03-02T09:14:05+0100 mx1 postfix/smtp[2211]: text",
      moment: "2026-03-02T08:14:05Z"
    ),
    EnvelopeCase(
      line: "2026-03-02 09:14:05 mx1 postfix/smtp[2211]: text",
      moment: "2026-03-02T09:14:05Z"
    ),
    EnvelopeCase(
      line: "2026-03-02 09:14:05 1vx-A <= a@b.example H=x [192.0.2.1]: y",
      moment: "2026-03-02T09:14:05Z",
      host: "",
      tag: "",
      pid: 0,
      text: "1vx-A <= a@b.example H=x [192.0.2.1]: y"
    ),
    EnvelopeCase(
      line: "2026-03-02 09:14:05.250 +0100 [31] Start queue run: pid=31",
      moment: "2026-03-02T08:14:05.25Z",
      host: "",
      tag: "",
      pid: 31,
      text: "Start queue run: pid=31"
    ),
  ])
  func `reads each form of envelope`(_ expected: EnvelopeCase) throws {
    var reader = try reader()
    let line = Array(expected.line.utf8)
    let found = reader.read(line.span)
    let envelope = try #require(found)
    #expect(envelope.moment == Timestamp(rfc3339: expected.moment))
    #expect(text(line, envelope.host) == expected.host)
    #expect(text(line, envelope.tag) == expected.tag)
    #expect(text(line, envelope.text) == expected.text)
    #expect(envelope.pid == expected.pid)
  }

  @Test(arguments: [
    EnvelopeCase(
      line: #"{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1772442845000001","_HOSTNAME":"mx1","#
        + #""SYSLOG_IDENTIFIER":"postfix/smtp","_PID":"1","SYSLOG_PID":"2211","MESSAGE":"te\u0078t"}"#,
      moment: "2026-03-02T09:14:05.000001Z"
    ),
    EnvelopeCase(
      line: #"{"__REALTIME_TIMESTAMP":"1772442845000000","_HOSTNAME":"mx1","X":["a","b"],"#
        + #""SYSLOG_IDENTIFIER":"postfix/smtp","_PID":"2211","MESSAGE":[116,101,120,116]}"#,
      moment: "2026-03-02T09:14:05Z"
    ),
    // Fields that stand there twice, and a message with the end of its line.
    EnvelopeCase(
      line: #"{"__REALTIME_TIMESTAMP":"1772442845000000","_HOSTNAME":["mx1","mx2"],"#
        + #""SYSLOG_IDENTIFIER":["postfix/smtp","b"],"SYSLOG_PID":["2211","7"],"MESSAGE":["text","b"]}"#,
      moment: "2026-03-02T09:14:05Z"
    ),
    EnvelopeCase(
      line: #"{"__REALTIME_TIMESTAMP":"1772442845000000","_HOSTNAME":"mx1","#
        + #""SYSLOG_IDENTIFIER":"postfix/smtp","_PID":"2211","MESSAGE":"text\n"}"#,
      moment: "2026-03-02T09:14:05Z"
    ),
    EnvelopeCase(
      line: #"{"__REALTIME_TIMESTAMP":"1772442845000000","_HOSTNAME":"mx1","#
        + #""SYSLOG_IDENTIFIER":"postfix/smtp","_PID":"2211","MESSAGE":[[116,101,120,116],"b"]}"#,
      moment: "2026-03-02T09:14:05Z"
    ),
  ])
  func `reads entries of the journal`(_ expected: EnvelopeCase) throws {
    let line = Array(expected.line.utf8)
    let found = line.withUnsafeBufferPointer { JournalLine($0) }
    let entry = try #require(found)
    #expect(entry.envelope.moment == Timestamp(rfc3339: expected.moment))
    #expect(text(entry.bytes, entry.envelope.host) == expected.host)
    #expect(text(entry.bytes, entry.envelope.tag) == expected.tag)
    #expect(text(entry.bytes, entry.envelope.text) == expected.text)
    #expect(entry.envelope.pid == expected.pid)
  }

  @Test(arguments: [
    "", "text", "Mar 32 09:14:05 mx1 a: b", "Foo  2 09:14:05 mx1 a: b",
    "2026-02-30 09:14:05 text", "<22>1 2026-03-02T09:14:05Z mx1 a b c [", "Mar  2 09:14:05",
    "Mar  2 09:14:65 mx1 a: b", "<99999>Mar  2 09:14:05 mx1 a: b",
  ])
  func `has no envelope for anything else`(_ text: String) throws {
    var reader = try reader()
    let found = reader.read(Array(text.utf8).span)
    #expect(found.map(\.moment) == nil)
  }

  @Test func `walks over new years in a log without years`() throws {
    var reader = try reader(firstYear: 2025)
    let stamps = ["Dec 30 10:00:00", "Jan  1 00:00:01", "Dec 31 23:59:59", "Feb  9 01:00:00"]
    let years = stamps.map { stamp in
      reader.read(Array("\(stamp) mx1 a[1]: b".utf8).span).map { CivilTime($0.moment).year }
    }
    #expect(years == [2025, 2026, 2025, 2026])
  }

  @Test func `a 29 February of a year that has none is the day behind the 28th`() throws {
    var reader = try reader(firstYear: 2026)
    let moments = ["Feb 28 23:59:59", "Feb 29 00:00:00", "Feb 29 00:00:07", "Mar  1 00:00:01"].map {
      reader.read(Array("\($0) mx1 a[1]: b".utf8).span)?.moment.rfc3339
    }
    #expect(
      moments == [
        "2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z", "2026-03-01T00:00:07Z",
        "2026-03-01T00:00:01Z",
      ]
    )
    #expect(reader.read(Array("Feb 30 00:00:01 mx1 a[1]: b".utf8).span) == nil)
  }

  @Test(arguments: [
    ("2026-02-10T12:00:00Z", (12, 30), (2, 9), nil as Int?, 2025),
    ("2026-02-10T12:00:00Z", (2, 11), (2, 13), nil, 2025),
    ("2026-02-10T12:00:00Z", (2, 29), (2, 29), nil, 2024),
    ("2026-02-10T12:00:00Z", (12, 30), (2, 9), 2020, 2019),
    // A day that only leap years have, first or last; the operator's word stands above it.
    ("2026-03-04T12:00:00Z", (12, 30), (2, 29), nil, 2023),
    ("2026-03-10T12:00:00Z", (2, 29), (3, 5), nil, 2024),
    ("2024-03-04T12:00:00Z", (12, 30), (2, 29), nil, 2023),
    ("2025-01-10T12:00:00Z", (2, 29), (1, 9), nil, 2024),
    ("2026-03-04T12:00:00Z", (12, 30), (2, 29), 2026, 2025),
    ("2026-03-04T12:00:00Z", (2, 29), (2, 29), 2026, 2026),
  ])
  func `finds the year of the first line`(
    _ limit: String,
    _ first: (Int, Int),
    _ last: (Int, Int),
    _ stated: Int?,
    _ expected: Int
  ) throws {
    let latest = try #require(Timestamp(rfc3339: limit))
    let year = YearCounter.firstYear(
      first: (month: first.0, day: first.1),
      last: (month: last.0, day: last.1),
      latest: latest,
      statedLastYear: stated
    )
    #expect(year.year == expected)
  }

  @Test func `resolves the repeated hour by the order of the lines`() throws {
    var reader = try reader(zone: "Europe/Berlin", firstYear: 2025)
    let stamps = ["01:59:59", "02:10:00", "02:59:50", "02:00:10", "02:59:59", "03:00:00"]
    let moments = stamps.compactMap { stamp in
      reader.read(Array("Oct 26 \(stamp) mx1 a[1]: b".utf8).span)?.moment.rfc3339
    }
    #expect(
      moments == [
        "2025-10-25T23:59:59Z", "2025-10-26T00:10:00Z", "2025-10-26T00:59:50Z",
        "2025-10-26T01:00:10Z", "2025-10-26T01:59:59Z", "2025-10-26T02:00:00Z",
      ]
    )
  }
}
