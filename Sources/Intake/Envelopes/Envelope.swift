package import MailModel

/// What surrounds a log line's text. Ranges index the line.
package struct Envelope: Sendable {
  package enum Form: String, Hashable, Sendable {
    /// `Mar  2 09:14:05 host tag[pid]: text`
    case rfc3164
    /// `<22>1 2026-03-02T09:14:05Z host tag pid - - text`
    case rfc5424
    /// `2026-03-02T09:14:05.123+01:00 host tag[pid]: text`
    case iso
    /// `2026-03-02 09:14:05 text`: no host, no tag
    case bare
    /// One JSON object per line, as `journalctl -o json` writes it.
    case journal
  }

  package var form: Form
  package var moment: Timestamp
  /// Empty where the line names none.
  package var host: Range<Int>
  package var tag: Range<Int>
  package var pid: Int32
  package var text: Range<Int>

  package init(
    form: Form,
    moment: Timestamp,
    host: Range<Int> = 0..<0,
    tag: Range<Int> = 0..<0,
    pid: Int32 = 0,
    text: Range<Int>
  ) {
    self.form = form
    self.moment = moment
    self.host = host
    self.tag = tag
    self.pid = pid
    self.text = text
  }
}
