import Foundation
import Testing

/// `mailtriage remedy` as a person and a script read it.
@Suite struct RemedyPageTests {
  private static let now = ["--now", "2026-03-02T10:00:00Z", "--quiet"]

  private func place(_ lines: String) throws -> Workplace {
    let place = try Workplace()
    let log = try place.write("mail.log", lines)
    #expect(
      try Workplace.finish(place.process(["analyze", log] + RemedyPageTests.now)).status == 0
    )
    return place
  }

  private func remedy(_ place: Workplace, _ words: String...) throws -> String {
    let outcome = try Workplace.finish(place.process(["remedy"] + words + RemedyPageTests.now))
    #expect(outcome.status == 0, "\(outcome.complaint)")
    return outcome.output
  }

  private static let expired = PostfixLines.message(
    1,
    at: Date(timeIntervalSince1970: 1_772_442_845),
    "b.example",
    PostfixLines.expired
  )

  @Test func `the other side's postmaster gets a notice that shows how to see the fault`() throws {
    let place = try place(RemedyPageTests.expired)
    let page = try remedy(place, "b.example")
    for text in [
      "To: postmaster@b.example", "Host:        mx.b.example [192.0.2.1]",
      "Since:       Mon 2 Mar 2026 09:14 UTC", "1 message waiting",
      "openssl s_client -starttls smtp -connect mx.b.example:25 -servername mx.b.example",
      "Verify return code: 0 (ok)",
    ] {
      #expect(page.contains(text), "\(text)\n\(page)")
    }
    // Whose mail waits is none of their business.
    #expect(!page.contains("u1@") && !page.contains("a@a.example"))
  }

  @Test func `what may not be used is named with its reason and without commands to copy`() throws {
    let place = try place(RemedyPageTests.expired)
    let page = try remedy(place, "b.example")
    #expect(page.contains("Not to be used: Encrypt to b.example without authentication"))
    #expect(page.contains("mailtriage probe b.example"))
    #expect(!page.contains("postconf -e"))
    let json = try remedy(place, "b.example", "--format", "json")
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    )
    let remedies = try #require(answer["remedies"] as? [[String: Any]])
    #expect(remedies.contains { $0["refused"] is String && !($0["apply"] as? [Any] ?? []).isEmpty })
    #expect((answer["notice"] as? String)?.contains("To: postmaster@b.example") == true)
  }

  @Test func `where our certificate is refused the page says how to look at it, and blames nobody`()
    throws
  {
    let place = try place(
      PostfixLines.message(
        1,
        at: Date(timeIntervalSince1970: 1_772_442_845),
        "b.example",
        "dsn=4.7.5, status=deferred (Cannot start TLS: handshake failure)"
      ).replacing(
        "2026-03-02T09:14:05Z mx1 postfix/smtp",
        with:
          "2026-03-02T09:14:04Z mx1 postfix/smtp[8]: warning: TLS library problem: error:0A000418:SSL "
          + "routines::tlsv1 alert unknown ca:../ssl/record/rec_layer_s3.c:1586:SSL alert number 48:\n"
          + "2026-03-02T09:14:05Z mx1 postfix/smtp"
      )
    )
    let main = try place.write(
      "main.cf",
      "myhostname = mx1.a.example\nqueue_directory = /var/spool/postfix\nsmtp_tls_cert_file = /etc/ssl/our.pem\n"
    )
    let page = try remedy(place, "b.example", "--mta-config", main)
    #expect(page.contains("client-certificate-rejected"), "\(page)")
    #expect(page.contains("cert=/etc/ssl/our.pem"))
    #expect(page.contains("openssl verify -CAfile") && page.contains("openssl req -new"))
    #expect(!page.contains("postmaster@b.example"))
  }

  @Test func `the files hold the page, the notice and what may be applied`() throws {
    let place = try place(RemedyPageTests.expired)
    _ = try remedy(place, "b.example", "--write", place.path + "/out")
    let names = try FileManager.default.contentsOfDirectory(atPath: place.path + "/out").sorted()
    #expect(names == ["notice.txt", "remedy.txt"])
    let notice = try String(contentsOfFile: place.path + "/out/notice.txt", encoding: .utf8)
    #expect(notice.hasPrefix("To: postmaster@b.example\nSubject: "))
    #expect(notice.split(separator: "\n").allSatisfy { $0.count < 200 })
  }

  @Test(arguments: ["markdown", "html"])
  func `other formats are documents, not framed text`(_ format: String) throws {
    let place = try place(RemedyPageTests.expired)
    let page = try remedy(place, "b.example", "--format", format)
    #expect(page.hasPrefix(format == "html" ? "<!DOCTYPE html>" : "# Remedies for b.example"))
    #expect(page.contains(format == "html" ? "<h2>A mail to their" : "## A mail to their"))
  }

  @Test func `mail that flows needs no remedy`() throws {
    let sent = PostfixLines.message(
      1,
      at: Date(timeIntervalSince1970: 1_772_442_845),
      "b.example",
      PostfixLines.sent
    )
    #expect(try remedy(try place(sent), "b.example") == "Mail to b.example flows.\n")
  }
}
