import MailModel
import Testing

struct OutsideTextTests {
  private static let hostile: [String] = [
    "\u{1b}[31mred\u{1b}[0m", "\u{1b}]0;title\u{7}", "a\r\nb\tc\0", "\u{9b}31m", "ab\u{8}\u{7f}",
    "<script>alert(1)</script>", "\"onmouseover='x'", "&lt;", "![x](http://e.example/i.png)",
    "[a](javascript:x)", "| a | b |", "`code`", "# h", "- item", "=1+1", "@SUM(A1)",
    "+cmd|' /C'!A0",
    "'; DROP TABLE message; --", "$(touch x)`id`", "a'b", "-rf", "\u{202e}moc.elpmaxe\u{2066}",
    "zero\u{200b}width", "\u{2028}", "\u{e0041}", "http://www.example.com", "x@y.example",
  ]

  private func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

  @Test(arguments: hostile)
  func `nothing moves the cursor, hides or reorders`(_ text: String) {
    let outside = OutsideText(text)
    for output in [
      outside.terminal(), outside.html(), outside.markdown(), outside.shellWord(),
      outside.header(),
    ] {
      #expect(!scalars(output).contains { $0 < 0x20 || (0x7f...0x9f).contains($0) })
      #expect(
        !scalars(output).contains {
          (0x200b...0x200f).contains($0) || (0x2028...0x202e).contains($0)
        }
      )
      #expect(!scalars(output).contains { (0x2060...0x206f).contains($0) || $0 >= 0xe0000 })
    }
  }

  @Test(arguments: hostile)
  func `HTML gets no markup and no end of an attribute`(_ text: String) {
    let html = OutsideText(text).html()
    #expect(!html.contains("<") && !html.contains(">"))
    #expect(!html.contains("\"") && !html.contains("'"))
  }

  @Test func `Markdown gets no markup`() {
    #expect(OutsideText("a|b").markdown() == "a\\|b")
    #expect(OutsideText("[x](y)").markdown() == "\\[x\\](y)")
    #expect(OutsideText("# h").markdown() == "\\# h")
    #expect(OutsideText("1. a").markdown() == "1\\. a")
    #expect(OutsideText("14:00 mx-1.example").markdown() == "14:00 mx-1.example")
    #expect(OutsideText("<b>&").markdown() == "&lt;b&gt;&amp;")
    #expect(OutsideText("http://e.example").markdown() == "http:\\//e.example")
  }

  @Test func `a header stays one line of ASCII`() {
    #expect(OutsideText("Grüße\r\nBcc: x@y.example").header() == "Gr??e??Bcc: x@y.example")
    #expect(OutsideText("a report").header(limit: 3) == "a r")
  }

  @Test(arguments: [
    ("mx.example.com", "mx.example.com"), ("", "''"), ("-rf", "'-rf'"), ("a b", "'a b'"),
    ("a'b", "'a'\\''b'"), ("$(x)", "'$(x)'"), ("a;b", "'a;b'"),
  ])
  func `the shell gets one word`(_ text: String, _ word: String) {
    #expect(OutsideText(text).shellWord() == word)
  }

  @Test func `long text ends in an ellipsis`() {
    #expect(OutsideText("abcdef").terminal(limit: 3) == "abc…")
    #expect(OutsideText("abc").terminal(limit: 3) == "abc")
  }
}
