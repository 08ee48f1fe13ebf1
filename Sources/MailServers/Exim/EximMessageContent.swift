import MailModel

/// The content of a message in Exim's spool: the headers of `-H`, each behind its length and a flag
/// (`*` is one that was taken out), and `-D` behind its first line. Source: the Exim specification,
/// chapter 57.
enum EximMessageContent {
  /// Nil where a file is not whole.
  static func read(header: [UInt8], data: [UInt8]) -> [UInt8]? {
    // The envelope ends at the first empty line.
    guard let end = header.firstRange(of: [0x0a, 0x0a]),
      let firstLine = data.firstIndex(of: 0x0a)
    else { return nil }
    var content: [UInt8] = []
    var at = end.upperBound
    while at < header.count {
      // `037T To: b@example.net`
      let digits = header[at...].prefix { (48...57).contains($0) }
      guard digits.count >= 3, let length = Int(String(decoding: digits, as: UTF8.self)),
        digits.endIndex + 2 + length <= header.count
      else { return nil }
      let start = digits.endIndex + 2
      if header[digits.endIndex] != UInt8(ascii: "*") {
        content += header[start..<(start + length)]
      }
      at = start + length
    }
    return content + [0x0a] + data[(firstLine + 1)...]
  }
}
