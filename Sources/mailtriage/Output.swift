import FoundationEssentials
import Glibc
import MailModel

/// How results are written.
enum OutputFormat: String, CaseIterable, Sendable {
  case text
  case json
  case markdown
  case html
}

extension OutputFormat {
  /// Text laid out for a terminal, as a block of this format in which nothing is markup.
  func framed(_ text: String) -> String {
    switch self {
    case .text, .json: return text
    case .markdown:
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      return lines.map { $0.isEmpty ? "" : "    " + $0 }.joined(separator: "\n")
    case .html:
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      return "<pre>" + lines.map { OutsideText(String($0)).html() }.joined(separator: "\n")
        + "</pre>\n"
    }
  }
}

/// Writes bytes to a descriptor, all of them.
func writeAll(_ bytes: some Collection<UInt8>, to descriptor: Int32) -> Bool {
  let array = Array(bytes)
  var at = 0
  return array.withUnsafeBytes { buffer in
    while at < buffer.count, let base = buffer.baseAddress {
      let count = write(descriptor, base + at, buffer.count - at)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return false }
      at += count
    }
    return true
  }
}

/// Opens what the caller left closed of the three standard descriptors, so that no file which is opened
/// later takes the place of one. Standard output is opened for reading: writing there fails, and is told.
func holdStandardDescriptors() {
  for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 {
    _ = open("/dev/null", descriptor == 2 ? O_WRONLY : O_RDONLY)
  }
}

/// `mailtriage: sentence` on standard error, harmless for a terminal.
func complain(_ sentence: String) {
  _ = writeAll("mailtriage: \(OutsideText(sentence).terminal())\n".utf8, to: 2)
}

extension JSONEncoder {
  /// The project's JSON: keys in a fixed order, nothing escaped that need not be.
  static var plain: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
