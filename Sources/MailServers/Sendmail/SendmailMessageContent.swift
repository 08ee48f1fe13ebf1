/// The content of a message in Sendmail's queue: the `H` lines of the control file, without those
/// that only some mailers add (`H?P?Return-Path: …`), and the data file. Source: Sendmail
/// sendmail/queue.c.
enum SendmailMessageContent {
  static func read(control: [UInt8], data: [UInt8]) -> [UInt8] {
    var content: [UInt8] = []
    var isHeader = false
    for line in control.split(separator: 0x0a, omittingEmptySubsequences: false) {
      guard let first = line.first else { continue }
      if first == UInt8(ascii: "\t") || first == UInt8(ascii: " ") {
        if isHeader { content += line + [0x0a] }
        continue
      }
      isHeader = false
      guard first == UInt8(ascii: "H") else { continue }
      var text = line.dropFirst()
      if text.first == UInt8(ascii: "?") {
        let flags = text.dropFirst().prefix { $0 != UInt8(ascii: "?") }
        text = text.dropFirst(flags.count + 2)
        if flags.contains(UInt8(ascii: "P")) { continue }
      }
      isHeader = true
      content += text + [0x0a]
    }
    return content + [0x0a] + data
  }
}
