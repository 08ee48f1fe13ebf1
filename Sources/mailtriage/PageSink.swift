import Reporting

/// Writes the answers of a command that gives one page per target: text and Markdown one after the
/// other as they come, HTML as one page at the end. Redacted where that is wanted.
final class PageSink {
  private let sink: ResultSink
  private let options: SharedOptions
  private let redaction: Redaction
  private let title: String
  private var blocks: [Page.Block] = []
  private var isFirst = true

  /// `title` is that of the HTML page. Throws ``Refusal`` where the output cannot be made.
  init(_ options: SharedOptions, title: String) throws {
    self.options = options
    self.title = title
    redaction = Redaction(isOn: options.redact)
    sink = try ResultSink(options.output)
  }

  func write(_ page: Page) throws {
    let page = redaction.isOn ? page.redacted(redaction.apply) : page
    switch options.format {
    case .html: blocks += page.blocks
    case .markdown: try sink.write(page.markdown)
    case .text, .json:
      let ink = options.output == nil ? TerminalInk.standardOutput : .none
      try sink.write((isFirst ? "" : "\n") + page.text(width: Session.terminalWidth, ink: ink))
    }
    isFirst = false
  }

  /// Writes JSON as it stands.
  func write(json text: String) throws { try sink.write(redaction.apply(text) + "\n") }

  func finish() throws {
    if options.format == .html, !blocks.isEmpty {
      try sink.write(try Page(title: title, blocks).html())
    }
    try sink.finish()
  }
}
