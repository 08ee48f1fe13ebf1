import MailModel
import Store

/// One source while it is read.
struct SourceRun {
  var source: SourceCursor
  var envelopes: EnvelopeReader
  /// The entry of an exported journal that is being read.
  var export = JournalExport()
  /// The journal's own cursor of the last entry that stated one.
  var journalCursor: String?
  private var formats: Set<String> = []
  /// The posts that read lines of it.
  private var posts: Set<Int> = []
  private var lastPost = -1
  var withoutEnvelope = 0
  /// Lines begun.
  private var count = 0
  private var last: Previous?

  /// A line that was read, for a `last message repeated`; its bytes are with the line reader.
  struct Previous {
    var line: LogLine
    var host: Range<Int>
    var post: Int
    /// Which line it was.
    fileprivate var number: Int
  }

  /// The line right before, where a post read it.
  var previous: Previous? { last?.number == count - 1 ? last : nil }

  init(source: SourceCursor, envelopes: EnvelopeReader) {
    self.source = source
    self.envelopes = envelopes
    if let format = source.format {
      formats = Set(format.split(separator: "+").map(String.init))
    }
  }

  /// Notes when a mail server logged: what others log tells nothing of how fresh the mail's lines are.
  @inline(__always)
  mutating func note(_ moment: Timestamp) {
    if source.newest == moment { return }
    if source.newest.map({ moment > $0 }) ?? true { source.newest = moment }
    if source.oldest.map({ moment < $0 }) ?? true { source.oldest = moment }
  }

  /// Another line begins.
  @inline(__always)
  mutating func beginLine() { count += 1 }

  /// Keeps what a `last message repeated` behind this line needs.
  @inline(__always)
  mutating func remember(_ line: LogLine, host: Range<Int>, post: Int) {
    if post != lastPost {
      posts.insert(post)
      lastPost = post
    }
    last = Previous(line: line, host: host, post: post, number: count)
  }

  /// Names in the source the servers that wrote it.
  mutating func noteFormats(of dispatch: borrowing Dispatch) {
    for post in posts { formats.insert(dispatch.server(of: post).description) }
    source.format = formats.isEmpty ? nil : formats.sorted().joined(separator: "+")
  }
}
