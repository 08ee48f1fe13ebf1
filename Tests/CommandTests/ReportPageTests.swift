import Foundation
import TestSupport
import Testing

/// The report as the built program writes it of the sample logs, in a browser, a CommonMark parser and
/// a mail parser.
struct ReportPageTests {
  struct Sample: CustomTestStringConvertible, Sendable {
    var server: String
    var configuration: String
    var now: String
    var testDescription: String { server }

    var day: String { String(now.prefix(10)) }

    static let all = [
      Sample(server: "postfix", configuration: "main.cf", now: "2026-11-23T12:02:49Z"),
      Sample(server: "exim", configuration: "exim.conf", now: "2026-11-21T00:58:48Z"),
      Sample(server: "sendmail", configuration: "sendmail.cf", now: "2026-11-23T12:29:28Z"),
    ]

    func report(_ place: Workplace, _ more: String...) throws -> Workplace.Outcome {
      let logs = "\(Workplace.samples)/\(server)"
      return try Workplace.finish(
        place.process(
          [
            "report", logs, "--mta-config", "\(logs)/\(configuration)", "--now", now, "--year",
            "2026", "--quiet",
          ] + more
        )
      )
    }
  }

  @Test(arguments: Sample.all, [false, true])
  func `the page fits a desk and a phone, and everybody can read it`(
    _ sample: Sample,
    _ dark: Bool
  ) throws {
    let page = try sample.report(try Workplace(), "--format", "html").output
    let measures = try Browser.measure(page, widths: [1280, 390], dark: dark)
    #expect(measures.map(\.width) == [1280, 390])
    for measure in measures {
      #expect(measure.dark == dark)
      #expect(measure.faults == [], "at \(measure.width)")
      #expect(measure.fetched == [], "at \(measure.width)")
      #expect(measure.seen.scrolling == 0, "at \(measure.width)")
      // It did look at something.
      #expect(measure.seen.texts > 200 && measure.seen.cells > 100)
      #expect(measure.seen.graphics > 3 && measure.seen.names > 20)
    }
  }

  @Test func `the page as it is says nothing on the console`() throws {
    let page = try Sample.all[0].report(try Workplace(), "--format", "html").output
    let opened = try Browser.open(page, dark: false)
    #expect(opened.console == [])
    #expect(opened.picture.count > 20_000)
  }

  @Test func `the measure sees what is wrong with a page`() throws {
    let page = try Sample.all[1].report(try Workplace(), "--format", "html").output
    let spoiled = page.replacing("--soft:#525a65", with: "--soft:#c5c9ce")
      .replacing("<h3 ", with: "<h5 ").replacing("</h3>", with: "</h5>")
      .replacing("<th scope=\"row\">", with: "<th>")
      .replacing(
        "<main>",
        with: "<main><p style=\"width:1500px\">wide</p><img src=\"x.png\" alt=\"\">"
      )
      .replacing(
        "<footer",
        with:
          "<p style=\"margin-top:-6em\">a line laid over the text above it, and over more</p><footer"
      )
    let faults = try Browser.measure(spoiled, widths: [1280], dark: false)[0].faults
      .joined(separator: "\n")
    for fault in ["contrast", "skips", "without its headers", "wide in", "blocked", "overlap"] {
      #expect(faults.contains(fault), "\(fault)")
    }
  }
}
