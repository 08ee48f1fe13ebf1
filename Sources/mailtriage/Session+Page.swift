import Glibc
import Reporting

extension Session {
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
