import Foundation
import Testing

/// `trace`: the life of all messages that match, wherever it is written.
struct TraceCommandTests {
  private static let log = """
    Mar  2 09:14:05 mx1 postfix/qmgr[1]: 1E24040003: from=<ann@a.example>, size=1, nrcpt=1 (queue active)
    Mar  2 09:14:06 mx1 postfix/smtp[2]: 1E24040003: to=<u1@b.example>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to mx.b.example[192.0.2.1]:25: Connection refused)
    Mar  2 09:15:05 mx1 postfix/qmgr[1]: 2F35151114: from=<ann@a.example>, size=1, nrcpt=1 (queue active)
    Mar  2 09:15:06 mx1 postfix/smtp[2]: 2F35151114: to=<u2@b.example>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to mx.b.example[192.0.2.1]:25: Connection refused)

    """

  @Test(arguments: ["text", "markdown", "html", "json"])
  func `a file gets every message that standard output gets`(_ format: String) throws {
    let place = try Workplace()
    let log = try place.write("mail.log", TraceCommandTests.log)
    try place.run("analyze", log, "--year", "2026", "--quiet")
    let shown = try place.run("trace", "b.example", "--format", format).output
    #expect(shown.contains("1E24040003"))
    #expect(shown.contains("2F35151114"))
    let file = place.path + "/trace"
    #expect(try place.run("trace", "b.example", "--format", format, "--output", file).status == 0)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == shown)
  }

  @Test func `what is not known is told, with the way on`() throws {
    let place = try Workplace()
    let outcome = try place.run("trace", "nobody@b.example")
    #expect(outcome.status == 66)
    #expect(
      outcome.complaint
        == "mailtriage: no message matches nobody@b.example in \(place.database); analyze its log "
        + "first, or name another --database\n"
    )
  }
}
