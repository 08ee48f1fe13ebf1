import Foundation
import MailModel
import MailServers
import Testing

@testable import Diagnosis

/// Lines as Exim (4.63 to 4.98, with GnuTLS and OpenSSL), Sendmail (8.12 to 8.18) and Postfix (2.3 to
/// 3.10) write them, each with the class that it has: `CLASS`, a tab, the line; `-` where it reports no
/// failure.
@Suite struct ServerLineTests {
  private static func lines(_ name: String) -> [(String, String)] {
    guard let path = Bundle.module.resourcePath,
      let text = try? String(contentsOfFile: "\(path)/Fixtures/\(name)-lines.txt", encoding: .utf8)
    else { return [] }
    return text.split(separator: "\n").compactMap { row in
      let parts = row.split(separator: "\t", maxSplits: 1)
      return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
  }

  @Test func `there are lines of each server`() {
    #expect(ServerLineTests.lines("exim").count >= 60)
    #expect(ServerLineTests.lines("sendmail").count >= 60)
    #expect(ServerLineTests.lines("postfix").count >= 50)
  }

  @Test(arguments: lines("exim"))
  func `a line of Exim has its class`(_ failureClass: String, _ line: String) {
    let found = LoneLineTests.explainer.explain(line)
    #expect(found.classification?.failureClass?.rawValue ?? "-" == failureClass)
    #expect(found.mta == "exim")
  }

  @Test(arguments: lines("sendmail"))
  func `a line of Sendmail has its class`(_ failureClass: String, _ line: String) {
    let found = LoneLineTests.explainer.explain(line)
    #expect(found.classification?.failureClass?.rawValue ?? "-" == failureClass)
    #expect(found.mta == "sendmail")
  }

  @Test(arguments: lines("postfix"))
  func `a line of Postfix has its class`(_ failureClass: String, _ line: String) {
    let found = LoneLineTests.explainer.explain(line)
    #expect(found.classification?.failureClass?.rawValue ?? "-" == failureClass)
    #expect(found.mta == "postfix")
  }
}
