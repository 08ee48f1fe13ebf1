import MailModel

/// One control file: a letter and its value per line, ended by a dot.
/// Source: Sendmail sendmail/queue.c (queueup, readqf).
struct SendmailQueueFile {
  private let lines: [Substring]

  init(_ bytes: [UInt8]) {
    lines = String(decoding: bytes, as: UTF8.self).split(
      separator: "\n",
      omittingEmptySubsequences: false
    )
  }

  /// The message; nil where the file is not whole.
  func message(id: String, isHeld: Bool) -> QueuedMessage? {
    guard lines.first?.hasPrefix("V") == true, lines.contains(".") else { return nil }
    var arrived: Timestamp?
    var lastTried: Timestamp?
    var attempts: Int?
    var sender: String?
    var flags = ""
    var reason: String?
    var ownReason: String?
    var isQuarantined = isHeld
    var recipients: [QueuedRecipient] = []
    var notify: [Bool] = []
    for line in lines {
      guard let letter = line.first, letter != "." else { break }
      let value = line.dropFirst()
      switch letter {
      case "T": arrived = Int64(value).map { Timestamp(seconds: $0) }
      case "K": lastTried = Int64(value).flatMap { $0 > 0 ? Timestamp(seconds: $0) : nil }
      case "N": attempts = Int(value)
      case "S": sender = SendmailQueueFile.address(value)
      case "F": flags = String(value)
      case "M":
        // Before the sender it is about the message, else about the recipient that follows.
        if sender == nil { reason = String(value) } else { ownReason = String(value) }
      case "q": isQuarantined = true
      case "R":
        let (recipientFlags, address) = SendmailQueueFile.recipient(value)
        recipients.append(QueuedRecipient(address: address, reason: ownReason))
        ownReason = nil
        notify.append(!recipientFlags.contains("P") || recipientFlags.contains("D"))
      default: break
      }
    }
    guard let arrived else { return nil }
    SendmailReason.spread(reason, over: &recipients)
    var message = QueuedMessage(
      queueID: id,
      state: isQuarantined ? .held : .deferred,
      sender: sender ?? "",
      arrivedAt: arrived,
      lastAttemptAt: lastTried,
      attemptsMade: attempts,
      recipients: recipients,
      warningsSent: flags.contains("w") ? 1 : 0,
      urgency: urgency(flags: flags),
      wantsDelayWarning: !flags.contains("r") && !isBulk && !(sender ?? "").isEmpty
        && !SendmailQueueFile.isListOwner(sender ?? "") && notify.contains(true)
    )
    message.messageID = messageID
    return message
  }

  /// `RPFD:<a@b>`: flags, then the address; version 0 had no flags.
  private static func recipient(_ value: Substring) -> (flags: Substring, address: String) {
    guard let colon = value.firstIndex(of: ":"),
      value[..<colon].allSatisfy({ $0.isASCII && $0.isLetter && $0.isUppercase })
    else { return ("", address(value)) }
    return (value[..<colon], address(value[value.index(after: colon)...]))
  }

  /// The unfolded value of a header line, `H?flags?Name: value`.
  private func header(_ name: String) -> String? {
    for (index, line) in lines.enumerated() where line.hasPrefix("H") {
      var text = line.dropFirst()
      if text.first == "?" { text = text.dropFirst().drop { $0 != "?" }.dropFirst() }
      guard text.prefix(name.count).lowercased() == name else { continue }
      let rest = lines[(index + 1)...].prefix { $0.first == " " || $0.first == "\t" }.prefix(20)
      return ([text.dropFirst(name.count)] + rest).map { String($0).trimmed }
        .joined(separator: " ")
    }
    return nil
  }

  private var messageID: String? {
    guard let value = header("message-id:"), value.hasPrefix("<"), value.hasSuffix(">") else {
      return nil
    }
    return String(value.dropFirst().dropLast())
  }

  /// Precedences below 0, as sendmail.cf ships them: nobody is warned. Source: sendmail/envelope.c.
  private var isBulk: Bool {
    ["bulk", "junk", "list"].contains(header("precedence:")?.lowercased() ?? "")
  }

  /// `owner-list@…` and `list-request@…`. Source: sendmail/envelope.c.
  private static func isListOwner(_ sender: String) -> Bool {
    let local = sender.prefix { $0 != "@" }.lowercased()
    return local.hasPrefix("owner-") || local.hasSuffix("-request")
  }

  /// urgent, normal, non-urgent or dsn, by header and flag. Source: sendmail/headers.c.
  private func urgency(flags: String) -> String {
    switch header("priority:")?.lowercased() {
    case "urgent"?: return "urgent"
    case "normal"?: return "normal"
    case "non-urgent"?: return "non-urgent"
    default: break
    }
    if flags.contains("r") || isReport { return "dsn" }
    switch header("precedence:")?.lowercased() {
    case "bulk"?, "junk"?, "list"?: return "non-urgent"
    case "special-delivery"?, "first-class-urgent"?: return "urgent"
    default: return "normal"
    }
  }

  /// Somebody else's delivery report.
  private var isReport: Bool {
    guard let type = header("content-type:")?.lowercased() else { return false }
    return type.hasPrefix("multipart/report") && type.contains("delivery-status")
  }

  private static func address(_ text: Substring) -> String {
    text.hasPrefix("<") && text.hasSuffix(">") ? String(text.dropFirst().dropLast()) : String(text)
  }
}

/// What a queue says of a message as a whole.
enum SendmailReason {
  /// Gives the message's reason to the recipients that have none of their own and whom it is about:
  /// all of them where there is one destination, else those whose domain it names. A bare `Deferred`
  /// and the note that a warning was sent say nothing.
  static func spread(_ reason: String?, over recipients: inout [QueuedRecipient]) {
    for index in recipients.indices where recipients[index].reason.map(isEmpty) ?? false {
      recipients[index].reason = nil
    }
    guard let reason, !isEmpty(reason) else { return }
    let text = reason.lowercased()
    let isOfAll = Set(recipients.map(\.address.mailDomain)).count == 1
    for index in recipients.indices where recipients[index].reason == nil {
      let domain = recipients[index].address.mailDomain
      if isOfAll || (!domain.isEmpty && text.contains(domain)) {
        recipients[index].reason = reason
      }
    }
  }

  private static func isEmpty(_ reason: String) -> Bool {
    reason == "Deferred" || reason.hasPrefix("Warning: could not send message for past ")
  }
}
