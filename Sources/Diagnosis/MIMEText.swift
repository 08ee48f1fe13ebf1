import FoundationEssentials

/// The readable text of a message as it came: parts in base64 or quoted-printable decoded in place,
/// everything else as it stands. Source: RFC 2045 sections 6.7 and 6.8, RFC 2046 section 5.1.
struct MIMEText {
  private enum Encoding {
    case none
    case base64
    case quotedPrintable
  }

  private(set) var lines: [String] = []
  private var isInHeader = true
  private var encoding = Encoding.none
  private var isText = true
  private var encoded: [Substring] = []

  init(_ message: String) {
    let all = message.split(omittingEmptySubsequences: false) { $0.isNewline }
    for line in all { read(line) }
    endPart()
  }

  private mutating func read(_ line: Substring) {
    if line.hasPrefix("--"), !isInHeader || encoding == .none {
      endPart()
      isInHeader = true
      lines.append(String(line))
    } else if isInHeader {
      readHeader(line)
    } else if encoding == .none || !isText {
      lines.append(String(line))
    } else {
      encoded.append(line)
    }
  }

  private mutating func readHeader(_ line: Substring) {
    lines.append(String(line))
    guard !line.isEmpty else {
      isInHeader = false
      return
    }
    let folded = line.lowercased()
    if folded.hasPrefix("content-transfer-encoding:") {
      encoding =
        folded.contains("base64")
        ? .base64 : folded.contains("quoted-printable") ? .quotedPrintable : .none
    } else if folded.hasPrefix("content-type:") {
      isText = folded.contains("text/") || folded.contains("message/delivery-status")
    }
  }

  private mutating func endPart() {
    let bytes =
      switch encoding {
      case .none: [UInt8]()
      case .base64: MIMEText.base64(encoded)
      case .quotedPrintable: MIMEText.quotedPrintable(encoded)
      }
    if !encoded.isEmpty {
      let text = String(decoding: bytes, as: UTF8.self)
      lines += text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
    }
    encoded = []
    encoding = .none
    isText = true
  }

  /// What is no base64 is left out, as RFC 2045 wants it.
  private static func base64(_ lines: [Substring]) -> [UInt8] {
    Data(base64Encoded: lines.joined(), options: .ignoreUnknownCharacters).map { [UInt8]($0) } ?? []
  }

  private static func quotedPrintable(_ lines: [Substring]) -> [UInt8] {
    var out: [UInt8] = []
    for line in lines {
      let bytes = Array(line.utf8)
      var at = 0
      var isSoft = false
      while at < bytes.count {
        if bytes[at] != UInt8(ascii: "=") {
          out.append(bytes[at])
          at += 1
        } else if at + 2 < bytes.count,
          let byte = UInt8(String(decoding: bytes[(at + 1)...(at + 2)], as: UTF8.self), radix: 16)
        {
          out.append(byte)
          at += 3
        } else {
          isSoft = bytes[(at + 1)...].allSatisfy { $0 == 0x20 || $0 == 0x09 }
          if !isSoft { out.append(bytes[at]) }
          at = isSoft ? bytes.count : at + 1
        }
      }
      if !isSoft { out.append(0x0a) }
    }
    return out
  }
}
