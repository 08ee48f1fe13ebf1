import Foundation
import MailModel
import Reporting
import TestSupport
import Testing
import Triage

/// The whole documents of one report, held against files that people have looked at. After a wanted
/// change `MAILTRIAGE_WRITE_GOLDEN=1 swift test --filter ReportGoldenTests` writes them anew.
struct ReportGoldenTests {
  private static let utc = TimeZone(secondsFromGMT: 0) ?? .current

  private static func document(_ name: String, _ report: Report) throws -> String {
    switch name {
    case "report.html": try ReportWriter(format: .html, zone: utc).write(report)
    case "report.md": try ReportWriter(format: .markdown, zone: utc).write(report)
    default: report.json.text() + "\n"
    }
  }

  @Test(arguments: ["report.html", "report.md", "report.json"])
  func `the documents are as they were looked at`(_ name: String) throws {
    let document = try ReportGoldenTests.document(name, sampleReport())
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures").appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["MAILTRIAGE_WRITE_GOLDEN"] == "1" {
      try Data(document.utf8).write(to: source)
      return
    }
    let golden = try String(contentsOf: source, encoding: .utf8)
    let lines = document.split(separator: "\n", omittingEmptySubsequences: false)
    let expected = golden.split(separator: "\n", omittingEmptySubsequences: false)
    // The first line that differs says more than two whole documents.
    let first = zip(lines, expected).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(first == nil, "line \((first?.offset ?? 0) + 1)")
    #expect(lines.count == expected.count)
  }

  @Test(arguments: [false, true])
  func `hostile and endless texts break no page`(_ dark: Bool) throws {
    let long = String(repeating: "a-very-long-name-without-an-end.", count: 20)
    for outside in [hostileTexts.joined(separator: " "), long] {
      let page = try ReportGoldenTests.document("report.html", sampleReport(outside: outside))
      for measure in try Browser.measure(page, widths: [1280, 390], dark: dark) {
        #expect(measure.faults == [], "at \(measure.width): \(outside.prefix(20))")
        #expect(measure.fetched == [])
      }
    }
  }

  @Test(arguments: hostileTexts)
  func `hostile text comes out of the JSON as it went in`(_ outside: String) throws {
    let document = try ReportGoldenTests.document("report.json", sampleReport(outside: outside))
    #expect(!document.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any]
    )
    let deadlines = try #require(json["deadlines"] as? [[String: Any]])
    #expect(deadlines.first?["domain"] as? String == outside)
  }

  @Test func `a redacted report says so and hides what the token hides`() throws {
    let report = sampleReport(outside: "SECRET").redacted { $0.replacing("SECRET", with: "r1") }
    #expect(report.isRedacted)
    let json = report.json.text()
    // Domains, hosts and paths stay: they are what a report is about.
    let evidence = report.incidents.flatMap { $0.evidence.map(\.text) }
    #expect(evidence.allSatisfy { $0 == "r1" } && json.contains("\"redacted\":true"))
    #expect(!report.headline.contains("SECRET"))
    #expect(
      report.tasks.allSatisfy { !$0.title.contains("SECRET") && !$0.detail.contains("SECRET") }
    )
    #expect(report.charts.allSatisfy { !$0.summary.contains("SECRET") })
    #expect(
      report.incidents.flatMap(\.remedies).allSatisfy {
        !$0.configuration.contains("SECRET") && !($0.refused ?? "").contains("SECRET")
      }
    )
  }
}
