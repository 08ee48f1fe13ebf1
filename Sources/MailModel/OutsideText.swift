/// Text that came from outside (a log, a queue file, a reply, a certificate, DNS), made harmless for
/// one kind of output. Whatever prints such text passes it through here.
package struct OutsideText: Hashable, Sendable {
  package let raw: String

  package init(_ raw: String) { self.raw = raw }

  /// For a terminal and for plain text: one line, no escape sequence, no hidden or reordering
  /// character; each of those is shown as `\u{1b}`. At most `limit` characters, an ellipsis then.
  package func terminal(limit: Int = .max) -> String {
    var out = ""
    var count = 0
    for character in raw.unicodeScalars {
      if count >= limit {
        out += "…"
        break
      }
      count += 1
      if OutsideText.isHarmful(character) {
        out += "\\u{" + String(character.value, radix: 16) + "}"
      } else {
        out.unicodeScalars.append(character)
      }
    }
    return out
  }

  /// For HTML text and for quoted attribute values.
  package func html(limit: Int = .max) -> String {
    var out = ""
    for character in terminal(limit: limit).unicodeScalars {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }

  /// For running text and table cells in CommonMark and GitHub's dialect: nothing in it is markup,
  /// a link or raw HTML (CommonMark 0.31 section 2.4: any ASCII punctuation may be escaped).
  package func markdown(limit: Int = .max) -> String {
    var out = ""
    var leading = true
    var previous: Unicode.Scalar = " "
    let characters = Array(terminal(limit: limit).unicodeScalars)
    for (index, character) in characters.enumerated() {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\\", "`", "*", "_", "[", "]", "|", "~", "$":
        out += "\\"
        out.unicodeScalars.append(character)
      case "/" where previous == ":":
        // `http://` alone is a link in GitHub's dialect.
        out += "\\/"
      case "#", "-", "+", "=":
        // Only at the start of a line do these begin a heading, a list or an underline.
        if index == 0 { out += "\\" }
        out.unicodeScalars.append(character)
      case ".", ")":
        let ends = index + 1 == characters.count || characters[index + 1] == " "
        if leading, ends { out += "\\" }
        out.unicodeScalars.append(character)
      default: out.unicodeScalars.append(character)
      }
      leading = leading && ("0"..."9").contains(character)
      previous = character
    }
    return out
  }

  /// A finished JSON text in which characters that are harmful on a terminal are written as escapes
  /// (RFC 8259 section 7): they can stand only inside its strings. C0 is escaped there already.
  package func json() -> String {
    var out = ""
    for character in raw.unicodeScalars {
      if character.value >= 0x7f, OutsideText.isHarmful(character) {
        for unit in String(character).utf16 {
          let hex = String(unit, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        }
      } else {
        out.unicodeScalars.append(character)
      }
    }
    return out
  }

  /// One word for a POSIX shell, single-quoted unless it is plainly safe.
  package func shellWord() -> String {
    let text = terminal()
    let safe = text.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "-"),
        UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: "+"):
        true
      default: false
      }
    }
    if safe, !text.isEmpty, text.utf8.first != UInt8(ascii: "-") { return text }
    return "'" + text.replacing("'", with: "'\\''") + "'"
  }

  /// A mail header's value (RFC 5322): printable ASCII on one line, anything else a question mark.
  package func header(limit: Int = 900) -> String {
    String(
      String.UnicodeScalarView(
        raw.unicodeScalars.prefix(limit).map { (0x20...0x7e).contains($0.value) ? $0 : "?" }
      )
    )
  }

  /// Characters that move the cursor, hide, or reorder text: C0 and C1 controls, DEL, line and
  /// paragraph separators, bidirectional controls (Unicode TR 9), zero-width and tag characters.
  private static func isHarmful(_ character: Unicode.Scalar) -> Bool {
    switch character.value {
    case 0...0x1f, 0x7f...0x9f, 0xad, 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e,
      0x2060...0x206f, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f:
      true
    default: false
    }
  }
}
