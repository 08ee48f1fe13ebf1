import Foundation
import Testing

/// Text made to do harm, and what an output may not let through of it.
enum HostileText {
  /// Each is one word, so that it fits where a log has words.
  static let payloads = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}", "\u{9b}31m\u{85}\u{90}q\u{9c}", "\u{202e}gpj.exe\u{2066}",
    "\u{200b}\u{feff}", "\u{2028}OWNED\u{2029}OWNED", "\u{61c}\u{200e}\u{200f}\u{2067}\u{2069}",
    "\u{ad}\u{180e}\u{2060}\u{206f}", "\u{e0041}\u{e007f}\u{fff9}\u{fffb}",
    "x\rOWNED:\u{8}\u{c}\u{b}",
    "\(raw(1))\(raw(2))", "\(raw(3))script\(raw(4))", "\(raw(5))\(raw(6))",
    "<script>alert(1)</script>", "<img/src=x/onerror=alert(1)>", "\"onmouseover=\"alert(1)",
    "&lt;b&gt;",
    "![x](http://evil.example/x)", "[x](javascript:alert(1))", "|a|b|`c`**d**", "#heading",
    "');DROP/**/TABLE/**/message;--", "$(touch${IFS}/tmp/owned)", "`touch${IFS}/tmp/owned`",
    ";touch${IFS}/tmp/owned;'", "=cmd|'/C/calc'!A0", "+1+1", "@SUM(1)", "{{raw}}", "%n%s%x",
  ]

  /// What a log cannot hold within a line, but a queue's listing can, and a certificate.
  static let lineEnds = "x\r\nOWNED: y\r\n\r\n# OWNED\n---\n<p>"

  /// Bytes that are no UTF-8, for which a character of private use stands: a byte order mark of another
  /// encoding, `/` and `<` and `>` in more bytes than they take, half a character, a C1 control as one
  /// byte, a number beyond the last character.
  private static let bytes: [[UInt8]] = [
    [0xff, 0xfe], [0xc0, 0xaf], [0xe0, 0x80, 0xbc], [0xc0, 0xbe], [0xed, 0xa0, 0x80],
    [0x9b, 0x33, 0x31, 0x6d, 0xf5, 0x90, 0x80, 0x80],
  ]

  private static func raw(_ number: UInt32) -> Unicode.Scalar {
    Unicode.Scalar(0xf8f0 + number) ?? "?"
  }

  /// A text's bytes, with those that no text can hold.
  static func data(_ text: String) -> Data {
    var data = Data()
    for scalar in text.unicodeScalars {
      let place = Int(scalar.value) - 0xf8f1
      data += bytes.indices.contains(place) ? bytes[place] : Array(String(scalar).utf8)
    }
    return data
  }

  /// A log in which each payload is sender, user, domain, relay, reply, HELO name, host, certificate and
  /// queue id.
  static func log() -> Data {
    var text = ""
    for (number, evil) in payloads.enumerated() {
      let id = "4ABCDEF" + String(number + 16, radix: 16, uppercase: true)
      let host = number % 3 == 0 ? "mx\(evil)" : "mx1"
      let stamp = "2026-03-02T09:\(10 + number):05Z"
      func line(_ tag: String, _ words: String) {
        text += "\(stamp) \(host) \(tag): \(words)\n"
      }
      line("postfix/smtpd[7]", "connect from \(evil)[192.0.2.7]")
      line("postfix/smtpd[7]", "\(id): client=\(evil)[192.0.2.7], sasl_username=\(evil)")
      line("postfix/cleanup[6]", "\(id): message-id=<\(evil)@a.example>")
      line("postfix/qmgr[9]", "\(id): from=<\(evil)@a.example>, size=9, nrcpt=1 (queue active)")
      line(
        "postfix/smtpd[7]",
        "NOQUEUE: reject: RCPT from \(evil)[192.0.2.7]: 554 5.7.1 <\(evil)@a.example>: Relay access "
          + "denied; from=<\(evil)@a.example> to=<\(evil)@b.example> proto=ESMTP helo=<\(evil)>"
      )
      line(
        "postfix/smtp[8]",
        "certificate verification failed for \(evil)[192.0.2.1]:25: untrusted issuer /O=\(evil)/CN=\(evil)"
      )
      let result =
        "to=<u\(evil)@\(evil).example>, relay=mx.\(evil).example[192.0.2.1]:25, delay=1, "
        + "delays=0/0/0/1, dsn=4.7.5, status=deferred (host mx.\(evil).example[192.0.2.1] said: 454 "
        + "4.7.5 Server certificate not verified: certificate has expired \(evil) (in reply to EHLO command))"
      line("postfix/smtp[8]", "\(id): \(result)")
      line("postfix/smtp[8]", "\(evil): \(result)")
      line(
        "sendmail[9]",
        "\(evil): to=<\(evil)@b.example>, delay=00:00:01, mailer=esmtp, relay=\(evil). [192.0.2.1], "
          + "dsn=4.0.0, stat=Deferred: \(evil)"
      )
      line("exim[9]", "\(evil) == \(evil)@b.example R=\(evil) T=smtp defer (-1): \(evil)")
    }
    return data(text)
  }

  /// The same in a queue's listing, and there with line ends.
  static func queue() throws -> String {
    try (payloads + [lineEnds]).enumerated().flatMap { number, evil in
      [("4ABCDEF" + String(number + 16, radix: 16, uppercase: true), evil), (evil, evil)]
    }.map { id, evil in
      let entry: [String: Any] = [
        "queue_name": "deferred", "queue_id": id,
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

  /// Scalars that move a cursor, hide or reorder text; line feeds and, in HTML, tabs may stand.
  static func harmful(_ output: String) -> [Unicode.Scalar] {
    output.unicodeScalars.filter {
      switch $0.value {
      case 0x0a, 0x09: false
      case 0...0x1f, 0x7f...0x9f, 0xad, 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e,
        0x2060...0x206f, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f:
        true
      default: false
      }
    }
  }

  /// Expects that what the program wrote, complaints too, is text and nothing else.
  static func judge(_ outcome: Workplace.Outcome, _ format: String, _ arguments: [String]) throws {
    #expect(!outcome.wasKilled)
    #expect(String(validating: outcome.bytes, as: UTF8.self) != nil, "\(arguments) \(format)")
    #expect(harmful(outcome.complaint).isEmpty, "\(arguments) \(format)")
    // JSON may come as an object per line.
    let answers =
      format == "json"
      ? outcome.output.split(separator: "\n").map(String.init) : [outcome.output]
    for answer in answers { try judge(answer, format, arguments) }
  }

  /// The text exposition format, version 0.0.4: each family once, HELP before TYPE before its samples,
  /// label values with nothing but the three escapes, one number behind each.
  static func judgeMetrics(_ text: String) throws {
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

  static func judge(_ output: String, _ format: String, _ arguments: [String]) throws {
    let found = harmful(output).map { String($0.value, radix: 16) }
    #expect(found.isEmpty, "\(arguments) \(format): \(Set(found))")
    // No line of anyone's begins a line of ours.
    for line in output.split(whereSeparator: \.isNewline) {
      #expect(!line.hasPrefix("OWNED") && !line.hasPrefix("# OWNED"), "\(arguments) \(format)")
    }
    switch format {
    case "json":
      guard !output.isEmpty else { return }
      let answer = try JSONSerialization.jsonObject(with: Data(output.utf8))
      for command in commands(answer) {
        #expect(isQuoted(command), "\(command)")
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
