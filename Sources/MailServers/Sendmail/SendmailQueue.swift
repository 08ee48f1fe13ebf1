import MailModel

/// Sendmail's queue: control files `qfID`, in one directory or several. Nothing is locked: a lock of
/// ours would make sendmail skip the job. Source: Sendmail sendmail/queue.c (readqf).
struct SendmailQueue {
  let root: String
  let now: Timestamp

  func read() -> QueueSnapshot {
    var snapshot = QueueSnapshot(server: MailServerID("sendmail"), path: root, takenAt: now)
    walk(root, depth: 0, &snapshot)
    snapshot.messages.sort { ($0.arrivedAt, $0.queueID) < ($1.arrivedAt, $1.queueID) }
    return snapshot
  }

  private func walk(_ directory: String, depth: Int, _ snapshot: inout QueueSnapshot) {
    let entries: [String]
    do { entries = try BoundedFile.entries(of: directory) } catch {
      if error != .vanished {
        snapshot.troubles.append(ReadTrouble(path: directory, reason: error.reason))
      }
      return
    }
    for entry in entries {
      let path = directory + "/" + entry
      let id = String(entry.dropFirst(2))
      if entry.hasPrefix("qf") || entry.hasPrefix("hf") || entry.hasPrefix("Qf"), id.utf8.count >= 8
      {
        readFile(path, id: id, kind: entry.prefix(1), &snapshot)
      } else if depth < 3, BoundedFile.isDirectory(path) {
        walk(path, depth: depth + 1, &snapshot)
      }
    }
  }

  private func readFile(
    _ path: String,
    id: String,
    kind: Substring,
    _ snapshot: inout QueueSnapshot
  ) {
    do throws(BoundedFile.Failure) {
      let file = try BoundedFile(path: path, limit: 4 << 20)
      if let message = SendmailQueueFile(file.bytes).message(id: id, isHeld: kind != "q") {
        snapshot.messages.append(message)
      } else if !file.bytes.isEmpty {
        snapshot.troubles.append(ReadTrouble(path: path, reason: "not a whole qf file"))
      }
    } catch {
      if error != .vanished {
        snapshot.troubles.append(ReadTrouble(path: path, reason: error.reason))
      }
    }
  }
}

/// One control file: a letter and its value per line, ended by a dot.
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
    var sender = ""
    var flags = ""
    var reason: String?
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
      case "M": reason = String(value)
      case "q": isQuarantined = true
      case "R":
        // `RPFD:<a@b>`: flags, then the address.
        let parts = value.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { continue }
        recipients.append(
          QueuedRecipient(address: SendmailQueueFile.address(parts[1]), reason: reason)
        )
        notify.append(!parts[0].contains("P") || parts[0].contains("D"))
      default: break
      }
    }
    guard let arrived else { return nil }
    let urgency = urgency(flags: flags)
    return QueuedMessage(
      queueID: id,
      state: isQuarantined ? .held : .deferred,
      sender: sender,
      arrivedAt: arrived,
      lastAttemptAt: lastTried,
      attemptsMade: attempts,
      recipients: recipients,
      warningsSent: flags.contains("w") ? 1 : 0,
      urgency: urgency,
      wantsDelayWarning: !flags.contains("r") && !isBulk && !sender.isEmpty
        && !SendmailQueueFile.isListOwner(sender) && notify.contains(true)
    )
  }

  /// The value of a header line, lower case.
  private func header(_ name: String) -> String? {
    for line in lines where line.hasPrefix("H") {
      let text = line.drop { $0 != "?" }.dropFirst().drop { $0 != "?" }.dropFirst().lowercased()
      if text.hasPrefix(name) { return String(text.dropFirst(name.count)).trimmed }
    }
    return nil
  }

  /// Precedences below 0, as sendmail.cf ships them: nobody is warned. Source: sendmail/envelope.c.
  private var isBulk: Bool {
    ["bulk", "junk", "list"].contains(header("precedence:") ?? "")
  }

  /// `owner-list@…` and `list-request@…`. Source: sendmail/envelope.c.
  private static func isListOwner(_ sender: String) -> Bool {
    let local = sender.prefix { $0 != "@" }.lowercased()
    return local.hasPrefix("owner-") || local.hasSuffix("-request")
  }

  /// urgent, normal, non-urgent or dsn, by header and flag. Source: sendmail/headers.c.
  private func urgency(flags: String) -> String {
    switch header("priority:") {
    case "urgent"?: return "urgent"
    case "normal"?: return "normal"
    case "non-urgent"?: return "non-urgent"
    default: break
    }
    if flags.contains("r") { return "dsn" }
    switch header("precedence:") {
    case "bulk"?, "junk"?, "list"?: return "non-urgent"
    case "special-delivery"?, "first-class-urgent"?: return "urgent"
    default: return "normal"
    }
  }

  private static func address(_ text: Substring) -> String {
    text.hasPrefix("<") && text.hasSuffix(">") ? String(text.dropFirst().dropLast()) : String(text)
  }
}
