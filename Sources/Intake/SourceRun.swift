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

  /// Notes that a post read a line of it.
  @inline(__always)
  mutating func note(post: Int) {
    if post == lastPost { return }
    posts.insert(post)
    lastPost = post
  }

  /// Names in the source the servers that wrote it.
  mutating func noteFormats(of dispatch: borrowing Dispatch) {
    for post in posts { formats.insert(dispatch.server(of: post).description) }
    source.format = formats.isEmpty ? nil : formats.sorted().joined(separator: "+")
  }
}
