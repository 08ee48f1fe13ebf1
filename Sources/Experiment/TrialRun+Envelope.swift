import MailModel

/// The envelope, and the message behind it where there is one.
extension TrialRun {
  mutating func deliver(_ wire: Wire) throws(Stop) {
    let mail = try mailCommand()
    let recipients = settings.recipients.map { "RCPT TO:<\($0)>" }
    // RFC 2920 section 3.1: the envelope goes out as one, its replies come back one by one.
    let isPipelined = trial.offers("PIPELINING")
    begin()
    if isPipelined {
      let all = ([mail] + recipients).map { $0 + "\r\n" }.joined()
      try send(Array(all.utf8), .mail, wire)
    }
    try accept(try exchange(wire, .mail, isPipelined ? nil : mail), .mail, wire)
    for recipient in recipients {
      begin()
      try accept(try exchange(wire, .rcpt, isPipelined ? nil : recipient), .rcpt, wire)
    }
    if let content = settings.content { try transfer(content, wire) }
  }

  /// MAIL FROM with the extensions that the message needs.
  private mutating func mailCommand() throws(Stop) -> String {
    var command = "MAIL FROM:<\(settings.sender)>"
    func lacking(_ extension: String, _ failure: FailureClass) -> Stop {
      Stop(
        stage: .mail,
        failureClass: failure,
        detail: "the receiver does not offer \(`extension`), which this mail needs"
      )
    }
    if ([settings.sender] + settings.recipients).contains(where: {
      !$0.utf8.allSatisfy { $0 < 128 }
    }) {
      guard trial.offers("SMTPUTF8") else { throw lacking("SMTPUTF8", .other) }
      command += " SMTPUTF8"
    }
    if let content = settings.content {
      if trial.offers("SIZE") { command += " SIZE=\(content.count)" }
      if content.contains(where: { $0 >= 128 }) {
        guard trial.offers("8BITMIME") else { throw lacking("8BITMIME", .other) }
        command += " BODY=8BITMIME"
      }
    }
    if settings.requiresTLS {
      guard trial.usedTLS, trial.offers("REQUIRETLS") else {
        throw lacking("REQUIRETLS", .policyRejected)
      }
      command += " REQUIRETLS"
    }
    return command
  }

  private mutating func transfer(_ content: [UInt8], _ wire: Wire) throws(Stop) {
    begin()
    let lines = try exchange(wire, .data, "DATA")
    guard lines.last?.hasPrefix("354") == true else {
      let text = lines.joined(separator: " / ")
      throw Stop(
        stage: .data,
        failureClass: FailureNumbers.reply(text, isEncrypted: wire.isEncrypted),
        detail: text
      )
    }
    done(.data, lines.joined(separator: " / "))
    begin()
    try send(TrialRun.transparent(content), .end, wire)
    try accept(try exchange(wire, .end, nil), .end, wire)
  }

  /// Lines end in CR LF, a leading dot is doubled, a lone dot ends it all (RFC 5321 section 4.5.2).
  static func transparent(_ content: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(content.count + content.count / 32 + 5)
    var isLineStart = true
    for (index, byte) in content.enumerated() {
      if byte == 13 {
        // A bare CR would be a line end to some and none to others: it becomes one to all.
        if index + 1 < content.count, content[index + 1] == 10 { continue }
        out += [13, 10]
        isLineStart = true
      } else if byte == 10 {
        out += [13, 10]
        isLineStart = true
      } else {
        if isLineStart, byte == UInt8(ascii: ".") { out.append(byte) }
        out.append(byte)
        isLineStart = false
      }
    }
    if !isLineStart { out += [13, 10] }
    return out + Array(".\r\n".utf8)
  }
}
