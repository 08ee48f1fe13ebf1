import Foundation
import Testing

/// Text made to do harm, in every place where outside text enters, through every command and every
/// format: nothing of it is more than text in an output.
@Suite struct HostileTextTests {
  /// Each is one word, so that it fits where a log has words.
  private static let payloads = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}", "\u{9b}31m", "\u{202e}gpj.exe\u{2066}", "\u{200b}\u{feff}",
    "<script>alert(1)</script>", "<img/src=x/onerror=alert(1)>", "\"onmouseover=\"alert(1)",
    "&lt;b&gt;",
    "![x](http://evil.example/x)", "[x](javascript:alert(1))", "|a|b|`c`**d**", "#heading",
    "');DROP/**/TABLE/**/message;--", "$(touch${IFS}/tmp/owned)", "`touch${IFS}/tmp/owned`",
    ";touch${IFS}/tmp/owned;'", "=cmd|'/C/calc'!A0", "+1+1", "@SUM(1)", "{{raw}}", "%n%s%x",
  ]

  /// A log in which each payload is sender, user, domain, relay, reply, HELO name, host, certificate.
  private func log() -> String {
    var text = ""
    for (number, evil) in HostileTextTests.payloads.enumerated() {
      let id = "4ABCDEF" + String(number + 16, radix: 16, uppercase: true)
      let host = number % 3 == 0 ? "mx\(evil)" : "mx1"
      let stamp = "2026-03-02T09:\(10 + number):05Z"
      func line(_ tag: String, _ words: String) {
        text += "\(stamp) \(host) postfix/\(tag): \(words)\n"
      }
      line("smtpd[7]", "connect from \(evil)[192.0.2.7]")
      line("smtpd[7]", "\(id): client=\(evil)[192.0.2.7], sasl_username=\(evil)")
      line("cleanup[6]", "\(id): message-id=<\(evil)@a.example>")
      line("qmgr[9]", "\(id): from=<\(evil)@a.example>, size=9, nrcpt=1 (queue active)")
      line(
        "smtp[8]",
        "certificate verification failed for \(evil)[192.0.2.1]:25: untrusted issuer /O=\(evil)/CN=\(evil)"
      )
      line(
        "smtp[8]",
        "\(id): to=<u\(evil)@\(evil).example>, relay=mx.\(evil).example[192.0.2.1]:25, delay=1, "
          + "delays=0/0/0/1, dsn=4.7.5, status=deferred (host mx.\(evil).example[192.0.2.1] said: 454 "
          + "4.7.5 Server certificate not verified: certificate has expired \(evil) (in reply to EHLO command))"
      )
    }
    return text
  }

  /// The same in a queue's listing.
  private func queue() throws -> String {
    try HostileTextTests.payloads.enumerated().map { number, evil in
      let entry: [String: Any] = [
        "queue_name": "deferred",
        "queue_id": "4ABCDEF" + String(number + 16, radix: 16, uppercase: true),
        "arrival_time": 1_772_442_000, "message_size": 9, "sender": "\(evil)@a.example",
        "recipients": [
          [
            "address": "u\(evil)@\(evil).example",
            "delay_reason": "certificate has expired \(evil)",
          ]
        ],
      ]
      let json = try JSONSerialization.data(withJSONObject: entry)
      return String(decoding: json, as: UTF8.self) + "\n"
    }.joined()
  }

  /// Scalars that move a cursor, hide or reorder text; line ends and, in HTML, tabs may stand.
  private static func harmful(_ output: String) -> [Unicode.Scalar] {
    output.unicodeScalars.filter {
      switch $0.value {
      case 0x0a, 0x0d, 0x09: false
      case 0...0x1f, 0x7f...0x9f, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff: true
      default: false
      }
    }
  }

  private static let answers: [[String]] = [
    ["analyze"], ["queue"], ["forecast"], ["report"], ["trace", "4ABCDEF10"],
    ["trace", "192.0.2.1", "<script>alert(1)</script>.example", "';DROP TABLE message;--"],
    ["trace", "a.example"], ["remedy", "<script>alert(1)</script>.example"],
    ["remedy", "$(touch${ifs}/tmp/owned).example"], ["analyze", "--messages"],
    ["alert"], ["remedy", "<img/src=x/onerror=alert(1)>.example"], ["forecast", "--verbose"],
  ]

  @Test(arguments: answers)
  func `outside text is only text, in every format`(_ arguments: [String]) throws {
    let place = try Workplace()
    let inputs = [try place.write("mail.log", log()), try place.write("queue.json", try queue())]
    let now = ["--now", "2026-03-02T12:00:00Z", "--quiet"]
    let taken = try Workplace.finish(place.process(["analyze"] + inputs + now))
    #expect(taken.status == 0, "\(taken.complaint)")
    for format in ["text", "json", "markdown", "html"] {
      let outcome = try Workplace.finish(place.process(arguments + now + ["--format", format]))
      #expect(!outcome.wasKilled)
      try judge(outcome.output, format, arguments)
      #expect(HostileTextTests.harmful(outcome.complaint).isEmpty, "\(arguments) \(format)")
    }
    if arguments == ["report"] {
      let mail = try Workplace.finish(place.process(["report", "--email"] + now))
      #expect(!mail.output.isEmpty)
      #expect(
        mail.output.utf8.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x0a || $0 == 0x0d }
      )
    }
    let messages: Int? = try place.value("SELECT count(*) FROM message")
    #expect((messages ?? 0) >= HostileTextTests.payloads.count)
  }

  @Test(arguments: ["text", "json", "markdown"])
  func `a hostile line is explained harmlessly`(_ format: String) throws {
    let place = try Workplace()
    let process = Process()
    process.executableURL = Workplace.program
    process.arguments = ["explain", "--format", format]
    process.standardInput = FileHandle(forReadingAtPath: try place.write("lines", log()))
    let outcome = try Workplace.finish(process)
    #expect(outcome.status == 0)
    // JSON comes as an object per line.
    let answers =
      format == "json"
      ? outcome.output.split(separator: "\n").map(String.init) : [outcome.output]
    for answer in answers { try judge(answer, format, ["explain"]) }
  }

  @Test func `alerts, metrics and the monitoring line carry it as text`() throws {
    let place = try Workplace()
    let inputs = [try place.write("mail.log", log()), try place.write("queue.json", try queue())]
    let hook = try place.write(
      "hook",
      "#!/bin/sh\ncat >> \(place.path)/alerts\nenv | grep ^MAILTRIAGE_ >> \(place.path)/env\n"
    )
    chmod(hook, 0o755)
    let metrics = place.path + "/mailtriage.prom"
    let now = ["--now", "2026-03-02T12:00:00Z", "--quiet"]
    let told = try Workplace.finish(
      place.process(["alert", "--hook", hook, "--prometheus", metrics] + inputs + now)
    )
    #expect(told.status == 0, "\(told.complaint)")
    let alerts = try String(contentsOfFile: place.path + "/alerts", encoding: .utf8)
    let lines = alerts.split(separator: "\n")
    #expect(lines.count > 5)
    for line in lines { try judge(String(line), "json", ["alert hook"]) }
    let environment = try String(contentsOfFile: place.path + "/env", encoding: .utf8)
    #expect(HostileTextTests.harmful(environment).isEmpty)
    #expect(environment.split(separator: "\n").allSatisfy { $0.hasPrefix("MAILTRIAGE_") })
    let text = try String(contentsOfFile: metrics, encoding: .utf8)
    #expect(HostileTextTests.harmful(text).isEmpty)
    try HostileTextTests.judgeMetrics(text)
    let plugin = try Workplace.finish(place.process(["alert", "--nagios"] + now))
    #expect(HostileTextTests.harmful(plugin.output).isEmpty)
    #expect(plugin.output.split(separator: "\n").count == 1)
    #expect(plugin.output.split(separator: "|", omittingEmptySubsequences: false).count == 2)
  }

  /// The text exposition format, version 0.0.4: each family once, HELP before TYPE before its samples,
  /// label values with nothing but the three escapes, one number behind each.
  private static func judgeMetrics(_ text: String) throws {
    let sample = try Regex(
      #"([a-z_0-9]+)(\{([a-z0-9_]+="([^"\\\n]|\\["\\n])*",?)*\})? [-+0-9.eE]+"#
    )
    var family = ""
    var known: Set<String> = []
    #expect(text.hasSuffix("\n"))
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 3)
      if line.hasPrefix("# HELP ") {
        family = String(words[2])
        #expect(known.insert(family).inserted, "\(family) twice")
      } else if line.hasPrefix("# TYPE ") {
        #expect(String(words[2]) == family && ["gauge", "counter"].contains(words[3]), "\(line)")
      } else {
        #expect(try sample.wholeMatch(in: line) != nil, "\(line)")
        #expect(line.hasPrefix(family), "\(line)")
      }
    }
    #expect(known.count >= 5)
  }

  private func judge(_ output: String, _ format: String, _ arguments: [String]) throws {
    let found = HostileTextTests.harmful(output).map { String($0.value, radix: 16) }
    #expect(found.isEmpty, "\(arguments) \(format): \(Set(found))")
    switch format {
    case "json":
      guard !output.isEmpty else { return }
      let answer = try JSONSerialization.jsonObject(with: Data(output.utf8))
      for command in HostileTextTests.commands(answer) {
        #expect(HostileTextTests.isQuoted(command), "\(command)")
      }
    case "html":
      for markup in ["<script>alert", "<img/src", "\"onmouseover=\""]
      where output.contains("<pre>") || output.contains("<html") || !markup.hasPrefix("\"") {
        #expect(!output.contains(markup), "\(arguments) \(format): \(markup)")
      }
    case "markdown":
      // Lines of a code block, which four blanks begin, are no markup.
      let running = output.split(separator: "\n").filter { !$0.hasPrefix("    ") }
      for markup in ["<script>alert", "<img/src", "[x](javascript:", "![x]("] {
        let found = running.first { $0.contains(markup) }
        #expect(found == nil, "\(arguments) \(format): \(markup)")
      }
    default: break
    }
  }

  /// The commands that an answer tells a person to paste.
  private static func commands(_ value: Any) -> [String] {
    if let fields = value as? [String: Any] {
      return fields.flatMap { key, value in
        ["apply", "verify", "flush", "undo"].contains(key)
          ? (value as? [String] ?? []) : commands(value)
      }
    }
    return (value as? [Any] ?? []).flatMap(commands)
  }

  /// No payload of a shell stands outside single quotes.
  private static func isQuoted(_ command: String) -> Bool {
    var outside = ""
    var isInside = false
    for character in command {
      if character == "'" { isInside.toggle() } else if !isInside { outside.append(character) }
    }
    return !outside.contains("touch${")
  }
}
