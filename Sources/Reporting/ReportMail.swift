import FoundationEssentials
package import MailModel

/// The report as a mail: Markdown as its plain text and HTML, ready for `sendmail -t`.
///
/// Source: RFC 5322 (fields, line lengths), RFC 2045 and RFC 2046 (parts, base64), RFC 2047 (fields
/// with other characters than US-ASCII), RFC 3834 (Auto-Submitted).
package struct ReportMail {
  package var from: String
  package var to: String
  package var subject: String
  package var text: String
  package var html: String
  package var now: Timestamp
  /// The host that the Message-ID names.
  package var host: String

  package init(
    from: String,
    to: String,
    subject: String,
    text: String,
    html: String,
    now: Timestamp,
    host: String
  ) {
    self.from = from
    self.to = to
    self.subject = subject
    self.text = text
    self.html = html
    self.now = now
    self.host = host
  }

  /// The whole message, lines ended by LF as `sendmail -t` wants them.
  package var message: String {
    // "_" is no character of base64: no part can hold the boundary.
    let boundary = "=_mailtriage_\(now.microseconds)"
    return """
      From: \(ReportMail.address(from))
      To: \(ReportMail.address(to))
      \(ReportMail.field("Subject", subject))
      Date: \(date)
      Message-ID: <\(identifier)>
      MIME-Version: 1.0
      Auto-Submitted: auto-generated
      Content-Type: multipart/alternative; boundary="\(boundary)"

      This is a message in MIME format; your mail program does not seem to know it.

      --\(boundary)
      Content-Type: text/plain; charset=utf-8
      Content-Transfer-Encoding: base64

      \(ReportMail.base64(text))
      --\(boundary)
      Content-Type: text/html; charset=utf-8
      Content-Transfer-Encoding: base64

      \(ReportMail.base64(html))
      --\(boundary)--

      """
  }

  /// `report.1795521600000000.1f3c…@mx.example.com`: the moment and the content.
  private var identifier: String {
    let name = HostName(host)?.description ?? "localhost"
    return "report.\(now.microseconds).\(String(Fingerprint(html.utf8).value, radix: 16))@\(name)"
  }

  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// RFC 5322 section 3.3, in UTC.
  private var date: String {
    let civil = CivilTime(now)
    let days = CivilTime.daysSinceEpoch(year: civil.year, month: civil.month, day: civil.day)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let weekday = ReportMail.weekdays[((days % 7) + 7) % 7]
    let month =
      ReportMail.months.indices.contains(civil.month - 1)
      ? ReportMail.months[civil.month - 1] : "Jan"
    return "\(weekday), \(two(civil.day)) \(month) \(civil.year) "
      + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) +0000"
  }

  /// An address field: the display name encoded where it needs it, the address itself as it is. What
  /// is no address on one line is left out rather than let it end the field.
  private static func address(_ raw: String) -> String {
    guard let open = raw.lastIndex(of: "<"), raw.last == ">" else {
      return OutsideText(raw).header(limit: 320)
    }
    let name = String(raw[..<open]).trimmingSpaces
    let address = OutsideText(String(raw[open...])).header(limit: 320)
    let quoted = name.hasPrefix("\"") && name.hasSuffix("\"") && name.count > 1
    let bare = quoted ? String(name.dropFirst().dropLast()) : name
    guard !bare.isEmpty else { return address }
    return "\(encodedWords(bare).joined(separator: "\n "))\n \(address)"
  }

  /// A field of free text, folded at 76 characters.
  private static func field(_ name: String, _ value: String) -> String {
    let value = OutsideText(value).terminal(limit: 300)
    let isPlain = value.utf8.allSatisfy { (0x20...0x7e).contains($0) } && !value.contains("=?")
    guard isPlain else {
      return "\(name): " + encodedWords(value).joined(separator: "\n ")
    }
    var lines = [""]
    var length = name.utf8.count + 1
    for word in value.split(separator: " ") {
      // A word that no line can hold is encoded, which can be cut anywhere.
      guard word.utf8.count <= 70 else {
        return "\(name): " + encodedWords(value).joined(separator: "\n ")
      }
      if length + word.utf8.count + 1 > 76 {
        lines.append("")
        length = 0
      }
      lines[lines.count - 1] += " " + word
      length += word.utf8.count + 1
    }
    return "\(name):" + lines.joined(separator: "\n")
  }

  /// RFC 2047 encoded words of at most 75 characters, each with whole characters.
  private static func encodedWords(_ text: String) -> [String] {
    var words: [String] = []
    var bytes: [UInt8] = []
    func end() {
      guard !bytes.isEmpty else { return }
      words.append("=?utf-8?B?\(Data(bytes).base64EncodedString())?=")
      bytes = []
    }
    for scalar in text.unicodeScalars {
      let next = Array(String(scalar).utf8)
      // 75 less "=?utf-8?B?" and "?=" leaves 63 characters: 45 bytes in whole groups.
      if bytes.count + next.count > 39 { end() }
      bytes += next
    }
    end()
    return words
  }

  /// Base64 in lines of 76 characters.
  private static func base64(_ text: String) -> String {
    let encoded = Array(Data(text.utf8).base64EncodedString().utf8)
    return stride(from: 0, to: encoded.count, by: 76).map {
      String(decoding: encoded[$0..<min($0 + 76, encoded.count)], as: UTF8.self)
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var text = self[...]
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
