import Glibc
import Reporting
import Triage

extension Session {
  /// Writes the whole result where it is wanted. Throws ``Refusal`` where that takes none: a full
  /// device, a closed descriptor.
  func write(_ text: String) throws {
    let sink = try ResultSink(options.output)
    try sink.write(text)
    try sink.finish()
  }

  /// Writes a JSON document, redacted where that is wanted.
  func write(_ document: JSONValue) throws {
    try write(Redaction(isOn: options.redact).apply(document.text()) + "\n")
  }

  /// Writes a page in the format that is wanted, redacted where that is.
  func write(_ page: Page, width: Int) throws {
    let redaction = Redaction(isOn: options.redact)
    let page = redaction.isOn ? page.redacted(redaction.apply) : page
    switch options.format {
    case .html: try write(try page.html())
    case .markdown: try write(page.markdown)
    case .text, .json:
      let ink = options.output == nil ? TerminalInk.standardOutput : .none
      try write(page.text(width: width, ink: ink))
    }
  }

  /// The columns of the terminal; what is no terminal takes lines of any length.
  static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 40 else { return 1000 }
    return Int(size.ws_col)
  }
}
