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
  var repeats = RepeatAllowance()
  /// The line of which `last message repeated` told last.
  var repeated: [UInt8] = []

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

/// How many lines may be told of as repeats, for which the log has no line: syslog writes how often a
/// line came, and whoever writes a line can state any number. What that costs follows the length of
/// the log.
struct RepeatAllowance {
  private var used = 0
  /// Repeats that were told of and not counted.
  private(set) var refused = 0

  /// For one line, for a source, and for each of its lines.
  private static let most = 10_000
  private static let perSource = 20_000
  private static let perLine = 16

  /// How many of `count` repeats are counted, behind so many lines of the source.
  mutating func granted(_ count: Int, behind lines: Int) -> Int {
    let earned = RepeatAllowance.perSource + lines * RepeatAllowance.perLine
    let granted = min(count, RepeatAllowance.most, max(earned - used, 0))
    used += granted
    refused += count - granted
    return granted
  }
}
