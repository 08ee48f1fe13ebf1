import Foundation
import TestSupport
import Testing

/// `config check` as a person and as a script read it.
@Suite struct ConfigCheckTests {
  private struct Told: Decodable {
    struct Fault: Decodable, Equatable {
      var place: String
      var line: Int?
      var message: String
    }
    var ok: Bool
    var path: String?
    var faults: [Fault]
  }

  private func check(_ bytes: [UInt8], _ more: String...) throws -> Workplace.Outcome {
    let place = try Workplace()
    let file = place.path + "/m.yaml"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    let process = place.process([])
    process.arguments = ["config", "check", "--config", file] + more
    process.currentDirectoryURL = URL(fileURLWithPath: place.path)
    return try Workplace.finish(process)
  }

  @Test(arguments: [
    (
      "database: /a\nalert:\n  settle: 1m\ndatabase: /b\n",
      "m.yaml:1: `database` is given twice, here and on line 4: keep one"
    ),
    (
      "alert:\n  settle: 1m\n  hook: /h\n  \"settle\" : 2m\n",
      "m.yaml:2: `settle` is given twice, here and on line 4: keep one"
    ),
    ("{database: /a, database: /b}\n", "m.yaml:1: `database` is given twice, first here: keep one"),
    ("alert:\n\tsettle: 1m\n", "m.yaml:2: a tab before a key: YAML is indented with blanks"),
    ("database: \u{1}\n", "m.yaml:1: not YAML: control characters are not allowed"),
  ])
  func `what the parser finds is told with its line and what to do`(
    _ yaml: String,
    _ fault: String
  ) throws {
    let outcome = try check(Array(yaml.utf8))
    #expect(outcome.status == 78 && outcome.output == "")
    #expect(outcome.complaint.hasSuffix("/\(fault)\n"), "\(outcome.complaint)")
  }

  @Test(arguments: [
    (
      Array("database: /a\ntimezone: Europe/Z".utf8) + [0xfc] + Array("rich\n".utf8),
      "m.yaml:2: not UTF-8: byte 0xFC in column 19; save it as UTF-8, from Latin-1 with: "
        + "iconv -f LATIN1 -t UTF-8"
    ),
    ([0xff, 0xfe, 0x64, 0], "m.yaml: UTF-16; save it as UTF-8: iconv -f UTF-16 -t UTF-8"),
    ([0x64, 0, 0x65], "m.yaml: not a text file: it holds a byte of value 0"),
  ])
  func `a file that is no text in UTF-8 is called that`(_ bytes: [UInt8], _ fault: String) throws {
    let outcome = try check(bytes)
    #expect(outcome.status == 78)
    #expect(outcome.complaint.hasSuffix("/\(fault)\n"), "\(outcome.complaint)")
  }

  @Test func `a byte order mark is no fault`() throws {
    let outcome = try check([0xef, 0xbb, 0xbf] + Array("database: /a\n".utf8))
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(outcome.output.hasSuffix("/m.yaml: the configuration is in order.\n"))
  }

  @Test func `a script reads the faults as JSON`() throws {
    let schema = try JSONSchema(contentsOf: Workplace.schema("config"), allowsMore: false)
    let wrong = try check(Array("a: 1\nalert:\n  settle: x\n".utf8), "--format", "json")
    #expect(wrong.status == 78)
    let told = try JSONDecoder().decode(Told.self, from: Data(wrong.output.utf8))
    #expect(!told.ok && told.faults.map(\.line) == [1, 3])
    #expect(told.faults.first?.message == "unknown key `a`")
    let right = try check(Array("database: /a\n".utf8), "--format", "json")
    #expect(right.status == 0)
    #expect(try JSONDecoder().decode(Told.self, from: Data(right.output.utf8)).ok)
    for outcome in [wrong, right] {
      #expect(try schema.faults(in: Data(outcome.output.utf8)) == [])
    }
  }

  @Test(arguments: ["markdown", "html"])
  func `as a page it names the same`(_ format: String) throws {
    let outcome = try check(Array("a: 1\n".utf8), "--format", format)
    #expect(outcome.status == 78)
    #expect(outcome.output.contains("1 fault in the configuration"))
    #expect(outcome.output.contains("unknown key"))
  }
}
