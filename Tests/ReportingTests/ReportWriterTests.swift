import FoundationEssentials
import MailModel
import Reporting
import Testing

struct ReportWriterTests {
  private let utc = TimeZone(secondsFromGMT: 0) ?? .current

  private func html(_ report: Report) throws -> String {
    try ReportWriter(format: .html, zone: utc).write(report)
  }

  private func markdown(_ report: Report) throws -> String {
    try ReportWriter(format: .markdown, zone: utc).write(report)
  }

  @Test func `HTML is one file: nothing is fetched and no script runs`() throws {
    let page = try html(sampleReport())
    for word in ["<script", "src=", "@import", "url(", "http://", "https://", "<iframe", "<object"]
    {
      #expect(!page.contains(word), "\(word)")
    }
    #expect(page.contains("default-src 'none'"))
  }

  @Test func `both formats show the same figures`() throws {
    let report = sampleReport()
    for document in [try html(report), try markdown(report)] {
      for figure in ["1200", "1100", "1150.5", "300", "42", "9990", "10000", "Mon 23 Nov 19:00"] {
        #expect(document.contains(figure), "\(figure)")
      }
    }
  }

  @Test(arguments: hostileTexts)
  func `outside text never becomes markup in HTML`(_ outside: String) throws {
    let clean = try html(sampleReport(outside: "x"))
    let page = try html(sampleReport(outside: outside))
    // The same elements and attributes as with harmless text: whatever came in is text.
    #expect(tags(page) == tags(clean))
    #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    #expect(
      !page.unicodeScalars.contains { (0x202a...0x202e).contains($0.value) || $0.value == 0x200b }
    )
  }

  @Test(arguments: hostileTexts)
  func `outside text never becomes structure in Markdown`(_ outside: String) throws {
    let clean = try markdown(sampleReport(outside: "x"))
    let page = try markdown(sampleReport(outside: outside))
    #expect(
      page.split(separator: "\n").count { $0.hasPrefix("#") }
        == clean.split(separator: "\n").count { $0.hasPrefix("#") }
    )
    // Indented lines are code: what stands there is no markup (CommonMark section 4.4).
    let prose = page.split(separator: "\n").filter { !$0.hasPrefix("    ") }.joined(separator: "\n")
      .replacing("\\]", with: "")
    #expect(!prose.contains("](") && !prose.contains("<script") && !prose.contains("<img"))
    #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
  }

  @Test func `the first three tasks are shown, in their order`() throws {
    var report = sampleReport()
    let task = try #require(report.tasks.first)
    report.tasks = (1...5).map {
      var other = task
      other.title = "task number \($0)"
      return other
    }
    for page in [try html(report), try markdown(report)] {
      let shown = page.matches(of: /task number ([0-9])/).map { String($0.output.1) }
      #expect(shown == ["1", "2", "3"])
    }
  }

  @Test func `a quiet day says so`() throws {
    var report = sampleReport(incidents: 0)
    report.tasks = []
    report.deadlines = []
    report.charts = []
    #expect(try html(report).contains("Nothing waits."))
    #expect(try html(report).contains("there is nothing to draw"))
    #expect(try markdown(report).contains("Nothing: no destination holds mail back"))
  }

  /// Every element with its attribute names, in order; attribute values and text left out.
  private func tags(_ page: String) -> [String] {
    var found: [String] = []
    var rest = page[...]
    while let open = rest.firstIndex(of: "<") {
      rest = rest[rest.index(after: open)...]
      guard let close = rest.firstIndex(of: ">") else { break }
      let tag = rest[..<close]
      rest = rest[rest.index(after: close)...]
      let words = tag.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset.isMultiple(of: 2) }.map(\.element).joined()
      found.append(words.split(separator: " ").joined(separator: " "))
    }
    return found
  }
}
