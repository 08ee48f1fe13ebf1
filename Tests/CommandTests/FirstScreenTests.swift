import Foundation
import TestSupport
import Testing

/// The first screen in each kind of trouble: whose fault it is, what comes first, what fits.
@Suite struct FirstScreenTests {
  /// 2026-03-02T09:14:05Z.
  private static let start = Date(timeIntervalSince1970: 1_772_442_845)

  private func screen(_ log: String, now: String, _ more: String...) throws -> String {
    let place = try Workplace()
    let path = try place.write("mail.log", log)
    let outcome = try Workplace.finish(
      place.process(["analyze", path, "--now", now, "--quiet"] + more)
    )
    #expect(outcome.status == 0, "\(outcome.complaint)")
    return outcome.output
  }

  private func rows(_ screen: String) -> [Substring] {
    let lines = screen.split(separator: "\n", omittingEmptySubsequences: false)
    guard let heading = lines.firstIndex(where: { $0.hasPrefix("DESTINATION") }) else { return [] }
    return Array(lines[(heading + 1)...].prefix { !$0.isEmpty })
  }

  @Test func `mail that bounces in hours stands above more mail with days left`() throws {
    var log = ""
    for number in 0..<3 {
      log += PostfixLines.message(
        number,
        at: FirstScreenTests.start,
        "soon.example",
        PostfixLines.expired
      )
    }
    for number in 3..<43 {
      log += PostfixLines.message(
        number,
        at: FirstScreenTests.start.addingTimeInterval(3 * 86_400),
        "later.example",
        PostfixLines.expired
      )
    }
    // The first three are returned on 7 March at 09:14, the others three days later.
    let page = try screen(log, now: "2026-03-07T07:30:00Z")
    let rows = rows(page)
    #expect(rows.count == 2)
    #expect(rows.first?.hasPrefix("soon.example ") == true, "\(page)")
    #expect(rows.first?.contains(" in 2h13*") == true, "\(page)")
    #expect(page.contains("soon.example bounces first"))
  }

  @Test func `within the same hours what has more mail stands first`() throws {
    let log = (0..<9).map { number in
      PostfixLines.message(
        number,
        at: FirstScreenTests.start.addingTimeInterval(Double(number)),
        number < 2 ? "few.example" : "many.example",
        PostfixLines.expired
      )
    }.joined()
    let rows = rows(try screen(log, now: "2026-03-02T10:00:00Z"))
    #expect(rows.map { $0.prefix(4) } == ["many", "few."])
  }

  @Test func `a fault of ours that hits everybody is said to be ours`() throws {
    let result =
      "dsn=4.7.5, status=deferred (TLS is required, but our TLS engine is unavailable)"
    let log = (0..<12).map {
      PostfixLines.message($0, at: FirstScreenTests.start, "d\($0).example", result)
    }.joined()
    let page = try screen(log, now: "2026-03-02T10:00:00Z")
    #expect(page.hasPrefix("It looks like us: "), "\(page)")
  }

  @Test func `trouble without TLS is not laid at its door`() throws {
    let log =
      PostfixLines.message(
        1,
        at: FirstScreenTests.start,
        "full.example",
        "dsn=4.2.2, status=deferred (host mx.full.example[192.0.2.1] said: 452 4.2.2 "
          + "The email account that you tried to reach is over quota (in reply to RCPT TO command))"
      )
      + PostfixLines.message(
        2,
        at: FirstScreenTests.start,
        "down.example",
        "dsn=4.4.1, status=deferred (connect to mx.down.example[192.0.2.1]:25: "
          + "Connection refused)"
      )
    let page = try screen(log, now: "2026-03-02T10:00:00Z")
    #expect(page.hasPrefix("Not TLS: 2 messages to 2 destinations wait for other reasons."))
    #expect(rows(page).count == 2)
  }

  @Test func `where all flows it says so and shows no table`() throws {
    let log = (0..<4).map {
      PostfixLines.message($0, at: FirstScreenTests.start, "b.example", PostfixLines.sent)
    }.joined()
    let page = try screen(log, now: "2026-03-02T10:00:00Z")
    #expect(page.hasPrefix("No destination is in trouble: nothing waits for a repair.\n"))
    #expect(!page.contains("DESTINATION"))
    #expect(page.contains("Understood: all of 12 lines of mail."))
  }

  @Test func `an empty log and an empty database are no trouble and no fault`() throws {
    let page = try screen("", now: "2026-03-02T10:00:00Z")
    #expect(page.hasPrefix("No destination is in trouble") || page.hasPrefix("Nothing is known"))
    #expect(page.contains("no log line read"))
  }

  @Test func `mail that was returned no longer waits`() throws {
    let id = "4000000001"
    let lines = [
      "2026-03-02T09:00:00Z mx1 postfix/qmgr[9]: \(id): from=<a@a.example>, size=9, nrcpt=1 (queue active)",
      "2026-03-02T09:00:01Z mx1 postfix/smtp[8]: \(id): to=<u@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, \(PostfixLines.expired)",
      "2026-03-07T09:00:02Z mx1 postfix/qmgr[9]: \(id): from=<a@a.example>, status=expired, returned to sender",
      "2026-03-07T09:00:02Z mx1 postfix/bounce[7]: \(id): sender non-delivery notification: 4000000002",
      "2026-03-07T09:00:02Z mx1 postfix/qmgr[9]: \(id): removed",
    ]
    let page = try screen(lines.joined(separator: "\n") + "\n", now: "2026-03-07T10:00:00Z")
    #expect(page.hasPrefix("It looks like them: by TLS mail to 1 destination was returned"))
    #expect(page.contains("nothing waits now") && !page.contains("DESTINATION"))
    #expect(page.contains("Already returned: 1 expired; by TLS at 1 destination (b.example)"))
  }

  @Test func `wide and long names keep the columns in line`() throws {
    let names = [
      "例え.テスト.example", "xn--r8jz45g.example",
      String(repeating: "very-long.", count: 12) + "example",
      "short.example",
    ]
    let log = names.enumerated().map {
      PostfixLines.message($0, at: FirstScreenTests.start, $1, PostfixLines.expired)
    }.joined()
    let page = try screen(log, now: "2026-03-02T10:00:00Z")
    let rows = rows(page)
    #expect(rows.count == 4)
    #expect(rows.allSatisfy { $0.count <= 100 })
    #expect(rows.contains { $0.hasPrefix("short.example ") })
    #expect(rows.contains { $0.contains("very-long.very") && $0.contains("… ") })
    // The names are of one width on the terminal: wide characters count twice.
    let wide = try #require(rows.first { $0.hasPrefix("例え") })
    let plain = try #require(rows.first { $0.hasPrefix("short") })
    let place = { (row: Substring) in row.range(of: " growing").map { row[..<$0.lowerBound] } }
    let doubled = try #require(place(wide)).reduce(0) { $0 + ($1.isASCII ? 1 : 2) }
    #expect(try #require(place(plain)).count == doubled, "\(page)")
  }

  @Test func `colour is for terminals alone`() throws {
    let log = PostfixLines.message(
      1,
      at: FirstScreenTests.start,
      "b.example",
      PostfixLines.expired
    )
    #expect(!(try screen(log, now: "2026-03-02T10:00:00Z")).contains("\u{1b}"))
  }

  @Test(arguments: ["analyze", "queue", "forecast"])
  func `the answer as HTML is a page that everybody can read`(_ command: String) throws {
    let place = try Workplace()
    let logs = Workplace.samples + "/exim"
    let page = try Workplace.finish(
      place.process([
        command, logs, "--mta-config", logs + "/exim.conf", "--now", "2026-11-21T00:58:48Z",
        "--year", "2026", "--quiet", "--format", "html",
      ])
    ).output
    #expect(page.hasPrefix("<!DOCTYPE html>"))
    for dark in [false, true] {
      for measure in try Browser.measure(page, widths: [1280, 390], dark: dark) {
        #expect(measure.faults == [], "at \(measure.width)")
        #expect(measure.fetched == [])
        #expect(measure.seen.cells > 50)
      }
    }
  }
}
