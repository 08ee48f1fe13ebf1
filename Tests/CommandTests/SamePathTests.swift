import Foundation
import Testing

/// One log by several names, and names that logs seldom have.
@Suite struct SamePathTests {
  private static let start = Date(timeIntervalSince1970: 1_772_442_845)
  private static let lines = (0..<20).map {
    PostfixLines.message($0, at: start, "b.example", PostfixLines.sent)
  }.joined()

  private func totals(_ place: Workplace, _ paths: [String]) throws -> [String: Int] {
    let outcome = try Workplace.finish(
      place.process(
        ["analyze"] + paths + ["--format", "json", "--now", "2026-03-05T00:00:00Z"]
      )
    )
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(outcome.complaint.isEmpty)
    let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let totals = try #require((answer as? [String: Any])?["totals"] as? [String: Any])
    return totals.compactMapValues { $0 as? Int }
  }

  enum Twice: CaseIterable {
    case thePath
    case aDetour
    case aHardLink
    case aSymbolicLink
    case aLinkToItsDirectory
    case itsDirectory
  }

  @Test(arguments: Twice.allCases)
  func `a log that is named twice counts once`(_ twice: Twice) throws {
    let place = try Workplace()
    let log = try place.write("log/mail.log", SamePathTests.lines)
    let other = place.path + "/log/other"
    switch twice {
    case .aHardLink: try FileManager.default.linkItem(atPath: log, toPath: other)
    case .aSymbolicLink:
      try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: log)
    case .aLinkToItsDirectory:
      try FileManager.default.createSymbolicLink(
        atPath: other,
        withDestinationPath: place.path + "/log"
      )
    default: break
    }
    let second =
      switch twice {
      case .thePath: log
      case .aDetour: place.path + "/log/../log/./mail.log"
      case .itsDirectory: place.path + "/log"
      default: other
      }
    for paths in [[log, second], [second, log], [second]] {
      #expect(try totals(place, paths)["delivered"] == 20)
    }
    // The rows themselves, and not only what is shown of them.
    #expect(try place.value("SELECT count(*) FROM attempt") == 20)
  }

  @Test func `rotation by date, packed or not, is one log in the order of time`() throws {
    let place = try Workplace()
    func lines(_ stamp: String, _ number: Int, _ result: String) -> String {
      PostfixLines.message(number, at: SamePathTests.start, "d.example", result)
        .replacing("2026-03-02T09:14:05Z", with: stamp)
    }
    // One message that is open over all three; each file has one of its own besides.
    try place.write(
      "log/mail.log-20260228",
      lines("Feb 27 10:00:00", 1, PostfixLines.expired)
        + lines("Feb 27 10:00:01", 2, PostfixLines.sent)
    )
    try place.write(
      "log/mail.log-20260301",
      lines("Feb 28 12:00:00", 3, PostfixLines.sent)
        + "Feb 28 14:00:00 mx1 postfix/smtp[8]: 400000001: to=<u1@d.example>, relay=none, delay=1, "
        + "delays=0/0/0/1, \(PostfixLines.expired)\n"
    )
    try place.write(
      "log/mail.log",
      "Mar  1 10:00:00 mx1 postfix/smtp[8]: 400000001: to=<u1@d.example>, "
        + "relay=mx.d.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, \(PostfixLines.sent)\n"
        + "Mar  1 10:00:00 mx1 postfix/qmgr[9]: 400000001: removed\n"
        + lines("Mar  1 11:00:00", 4, PostfixLines.sent)
    )
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
    gzip.arguments = [place.path + "/log/mail.log-20260301"]
    #expect(try Workplace.finish(gzip).status == 0)
    let totals = try totals(place, [place.path + "/log", "--year", "2026"])
    #expect(totals["messages"] == 4)
    #expect(totals["recipients"] == 4)
    #expect(totals["delivered"] == 4)
    #expect(totals["deferred"] == 2)
    #expect(totals["queued"] == 0)
  }

  @Test func `a message that is open over three runs is one`() throws {
    let place = try Workplace()
    let open = PostfixLines.message(1, at: SamePathTests.start, "d.example", PostfixLines.expired)
    let log = try place.write("mail.log", open)
    for run in 0..<3 {
      let now = try totals(place, [log])
      #expect(now["messages"] == 1)
      #expect(now["deferred"] == run + 1)
      #expect(now["queued"] == 1)
      let later = SamePathTests.start.addingTimeInterval(3600 * Double(run + 1))
      try place.append(
        "mail.log",
        "\(later.formatted(.iso8601)) mx1 postfix/smtp[8]: 400000001: to=<u1@d.example>, relay=none, "
          + "delay=1, delays=0/0/0/1, \(run < 2 ? PostfixLines.expired : PostfixLines.sent)\n"
          + (run < 2
            ? "" : "\(later.formatted(.iso8601)) mx1 postfix/qmgr[9]: 400000001: removed\n")
      )
    }
    let end = try totals(place, [log])
    #expect(end["messages"] == 1)
    #expect(end["recipients"] == 1)
    #expect(end["deferred"] == 3)
    #expect(end["delivered"] == 1)
    #expect(end["queued"] == 0)
  }
}
