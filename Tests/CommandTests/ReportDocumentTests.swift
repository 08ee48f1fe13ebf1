import Foundation
import Testing

@testable import mailtriage

/// The report's Markdown, JSON and mail, read back by programs that others wrote.
struct ReportDocumentTests {
  private func sample(_ place: Workplace, _ format: String, _ more: String...) throws -> String {
    let logs = "\(Workplace.samples)/postfix"
    return try Workplace.finish(
      place.process(
        [
          "report", logs, "--mta-config", "\(logs)/main.cf", "--now", "2026-11-23T12:02:49Z",
          "--year", "2026", "--quiet", "--format", format,
        ] + more
      )
    ).output
  }

  /// What a program answers to `input`.
  private func answer(_ program: String, _ arguments: [String], _ input: String) throws -> String {
    let file = NSTemporaryDirectory() + "input-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data(input.utf8).write(to: URL(fileURLWithPath: file))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle(forReadingAtPath: file)
    let outcome = try Workplace.finish(process)
    #expect(outcome.status == 0, "\(outcome.complaint)")
    return outcome.output
  }

  /// The cells of each table of a CommonMark document with tables as GitHub writes them; `cmark` knows
  /// the rest, so rows come back as paragraphs, their text as a browser would show it.
  private func rows(_ markdown: String) throws -> Set<[String]> {
    let shown = try answer("/usr/bin/cmark", ["--to", "xml"], markdown)
    var paragraphs: [String] = []
    var paragraph = ""
    for line in shown.split(separator: "\n") {
      if line.contains("<text"), let open = line.firstIndex(of: ">") {
        paragraph += line[line.index(after: open)...].replacing("</text>", with: "")
      } else if line.contains("<softbreak") || line.contains("</paragraph") {
        paragraphs.append(paragraph)
        paragraph = ""
      }
    }
    return Set(
      paragraphs.filter { $0.hasPrefix("|") }.map {
        $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      }
    )
  }

  @Test func `Markdown shows the same figures as the JSON`() throws {
    let place = try Workplace()
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(try sample(place, "json").utf8))
        as? [String: Any]
    )
    #expect(json["schema"] as? String == "mailtriage.report/1")
    let rows = try rows(try sample(place, "markdown"))
    func whole(_ value: Any?) -> String { (value as? NSNumber).map { "\($0)" } ?? "–" }
    let figures = try #require(json["figures"] as? [[String: Any]])
    #expect(figures.count == 7)
    for figure in figures {
      let row = [
        figure["name"] as? String ?? "", whole(figure["today"]), whole(figure["yesterday"]),
        whole(figure["week_mean"]),
      ]
      #expect(rows.contains(row), "\(row)")
    }
    let deadlines = try #require(json["deadlines"] as? [[String: Any]])
    #expect(deadlines.count == 50)
    for deadline in deadlines {
      let domain = deadline["domain"] as? String ?? ""
      #expect(
        rows.contains {
          $0.first == domain && $0.count == 7 && $0[1] == whole(deadline["waiting"])
            && $0[6] == whole(deadline["expiring_24h"])
        },
        "\(domain)"
      )
    }
    for chart in try #require(json["charts"] as? [[String: Any]]) {
      let labels = try #require(chart["labels"] as? [String])
      let series = try #require(chart["series"] as? [[String: Any]])
      let values = series.map { $0["values"] as? [NSNumber] ?? [] }
      let isMap = chart["id"] as? String == "ages"
      for (index, label) in (isMap ? series.map { $0["name"] as? String ?? "" } : labels)
        .enumerated()
      {
        let cells = isMap ? values[index] : values.map { $0[index] }
        let row = [label] + cells.map { "\($0)" }
        // Long rows of noughts are left out.
        if chart["id"] as? String == "wave", cells.allSatisfy({ $0 == 0 }) { continue }
        let isShown = rows.contains(row)
        #expect(isShown, "\(row)")
      }
    }
    let inputs = try #require(json["coverage"] as? [[String: Any]])
    for input in inputs {
      #expect(rows.contains { $0.count == 7 && $0[2] == whole(input["lines"]) })
    }
  }

  @Test func `Markdown is a document with one title and nothing foreign in it`() throws {
    let shown = try answer(
      "/usr/bin/cmark",
      ["--to", "xml"],
      try sample(try Workplace(), "markdown")
    )
    #expect(shown.components(separatedBy: "<heading level=\"1\">").count == 2)
    #expect(shown.components(separatedBy: "<heading level=\"2\">").count > 8)
    for foreign in ["<html_block", "<html_inline", "<image", "<link"] {
      #expect(!shown.contains(foreign), "\(foreign)")
    }
    #expect(shown.contains("<list type=\"ordered\" start=\"1\""))
  }

  @Test func `the mail is a whole message that a mail parser takes apart`() throws {
    let place = try Workplace()
    let settings = try place.write(
      "t.yaml",
      """
      report:
        from: "Jörg's Röntgen-Relay <relay@example.com>"
        to: "postmaster@example.com"

      """
    )
    let mail = try sample(place, "text", "--email", "--config", settings)
    let html = try sample(place, "html")
    let markdown = try sample(place, "markdown")
    #expect(
      mail.split(separator: "\n", omittingEmptySubsequences: false).allSatisfy {
        $0.utf8.count <= 78 && $0.utf8.allSatisfy { (0x20...0x7e).contains($0) }
      }
    )
    let facts = try answer(
      "/usr/bin/python3",
      [
        "-c",
        """
        import sys, email, email.policy, email.utils, json
        m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
        parts = list(m.iter_parts())
        print(json.dumps({
          "defects": [str(d) for p in m.walk() for d in p.defects] +
            [str(d) for k in m for d in m[k].defects],
          "type": m.get_content_type(), "types": [p.get_content_type() for p in parts],
          "from": str(m["From"]), "address": m["From"].addresses[0].addr_spec,
          "to": str(m["To"]), "subject": str(m["Subject"]), "id": m["Message-ID"],
          "auto": m["Auto-Submitted"], "mime": m["MIME-Version"],
          "date": email.utils.parsedate_to_datetime(m["Date"]).year > 2000,
          "text": parts[0].get_content(), "html": parts[1].get_content()}))
        """,
      ],
      mail
    )
    let read = try #require(
      try JSONSerialization.jsonObject(with: Data(facts.utf8)) as? [String: Any]
    )
    #expect(read["defects"] as? [String] == [])
    #expect(read["type"] as? String == "multipart/alternative")
    #expect(read["types"] as? [String] == ["text/plain", "text/html"])
    #expect(read["from"] as? String == "Jörg's Röntgen-Relay <relay@example.com>")
    #expect(read["address"] as? String == "relay@example.com")
    #expect(read["to"] as? String == "postmaster@example.com")
    let subject = try #require(read["subject"] as? String)
    #expect(subject.hasPrefix("mailtriage 2026-11-23: It looks like "))
    #expect((read["id"] as? String)?.contains("@") == true)
    #expect(read["auto"] as? String == "auto-generated")
    #expect(read["mime"] as? String == "1.0")
    #expect(read["date"] as? Bool == true)
    // But for the moment of writing, the parts are what the other formats say.
    func same(_ one: String?, _ other: String) -> Bool {
      func still(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { !$0.contains("Written by mailtriage") }
      }
      return one.map { still($0) == still(other) } ?? false
    }
    #expect(same(read["html"] as? String, html))
    #expect(same(read["text"] as? String, markdown))
  }

  @Test(arguments: ["html", "markdown", "json"])
  func `redaction leaves no address, user or subject in any format`(_ format: String) throws {
    let place = try Workplace()
    var lines = ""
    for (index, local) in ["john_doe", "a&b", "o'neil", "x*y"].enumerated() {
      let id = "4C0FFEE00\(index)"
      lines += """
        2026-11-23T10:00:0\(index)Z mx1 postfix/cleanup[7]: \(id): warning: header Subject: Secret\(index) plan from local; from=<\(local)@a.example>
        2026-11-23T10:00:0\(index)Z mx1 postfix/qmgr[9]: \(id): from=<\(local)@a.example>, size=900, nrcpt=1 (queue active)
        2026-11-23T10:00:0\(index)Z mx1 postfix/smtp[8]: \(id): to=<\(local)@b.example>, orig_to=<hidden\(index)>, relay=mx.b.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.7.5, status=deferred (Server certificate not verified: certificate has expired: \(local)@b.example "quoted person\(index)"@b.example)

        """
    }
    let log = try place.write("mail.log", lines)
    func report(_ more: String...) throws -> String {
      try Workplace.finish(
        place.process(
          ["report", log, "--now", "2026-11-23T11:00:00Z", "--format", format, "-q"] + more
        )
      ).output
    }
    let open = try report()
    let closed = try report("--redact")
    #expect(closed.contains("b.example"))
    for index in 0..<4 {
      for secret in ["hidden\(index)", "quoted person\(index)", "Secret\(index)"] {
        #expect(!closed.contains(secret), "\(secret)")
      }
    }
    #expect(open.contains("hidden0") && open.contains("john"))
    for local in ["john", "_doe", "&amp;b@", "a&amp;b", "neil", "x\\*y", "x*y"] {
      #expect(!closed.contains(local), "\(local)")
    }
  }

  @Test(arguments: ["text", "markdown", "html", "json"])
  func `an address that a trace cuts in two is redacted before`(_ format: String) throws {
    let place = try Workplace()
    let start =
      "2026-11-23T10:00:00Z mx1 postfix/smtp[8]: 4C0FFEE001: to=<a@b.example>, "
      + "relay=mx.b.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.7.5, status=deferred ("
    // Of a line 300 characters are shown: they end inside the local part.
    let padding = String(repeating: "x", count: 288 - start.count)
    let log = try place.write("mail.log", start + padding + " canarymailbox@b.example)\n")
    #expect(try place.run("analyze", log).status == 0)
    let open = try place.run("trace", "4C0FFEE001", "--format", format)
    #expect(open.output.contains("canary"))
    let closed = try place.run("trace", "4C0FFEE001", "--format", format, "--redact")
    #expect(closed.status == 0)
    #expect(!closed.output.contains("canary"))
  }

  @Test func `a local part gives the same token in each format`() throws {
    let redaction = Redaction(isOn: true)
    let line = #"from=<john_doe@a.example> "j d"@a.example T="Hi all" U=joe sasl_username=jane"#
    let token = redaction.apply("john_doe@a.example")
    let closed = redaction.apply(line)
    #expect(closed.contains("<\(token)>"))
    for secret in ["john", "j d", "Hi all", "joe", "jane"] {
      #expect(!closed.contains(secret), "\(secret)")
    }
    #expect(closed.contains("@a.example") && closed.contains("sasl_username=r"))
    #expect(Redaction(isOn: false).apply(line) == line)
  }

  @Test(arguments: [
    ("550 user john%40b.example unknown", "%40b.example unknown"),
    ("550 <john>: Recipient address rejected", ">: Recipient address rejected"),
    ("cannot write /home/john/mbox", "/mbox"), ("mailbox /var/mail/john: quota", ": quota"),
    ("unknown user <john+lists>", ">"),
  ])
  func `a person is named without an address, too`(_ reply: String, _ rest: String) {
    let closed = Redaction(isOn: true).apply(reply)
    #expect(!closed.contains("john"))
    #expect(closed.hasSuffix(rest))
  }

  @Test(arguments: [
    "host <host>[<ip>] said: 550 <address>: <id> <n>", "helo=<mx.b.example>", "100 %40 off",
    "ignore_target_hosts = <; 0.0.0.0", "size < 5 > 3",
  ])
  func `what names nobody stays`(_ text: String) {
    #expect(Redaction(isOn: true).apply(text) == text)
  }
}
