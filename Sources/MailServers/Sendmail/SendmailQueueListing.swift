import MailModel

/// `mailq` and `mailq -v`: id, size, priority (with -v), time and sender on one line, then reasons in
/// parentheses and recipients in angle brackets. Source: sendmail/queue.c (print_single_queue).
struct SendmailQueueListing {
  private var snapshot: QueueSnapshot
  private let now: Timestamp
  /// The directory whose messages follow.
  private var directory: String?
  /// The last line was a reason, which -v repeats behind the recipient that it is about.
  private var generalReason: String?
  /// Ids met: mailq shows a queue once per queue group that it stands in.
  private var seen: Set<String> = []
  /// What follows belongs to a message that was met before.
  private var isSkipping = false
  private var hasCut = false
  private var isVerbose = false

  private init(path: String, now: Timestamp) {
    self.now = now
    snapshot = QueueSnapshot(server: MailServerID("sendmail"), path: path, takenAt: now)
  }

  /// Whether a file begins like a listing.
  static func begins(_ head: Span<UInt8>) -> Bool {
    let end = min(head.count, 2000)
    guard
      head.has("MSP Queue status", at: 0, to: end) || head.has("\t\t/", at: 0, to: end)
        || head.has("-----Q-ID-----", at: 0, to: end)
    else { return false }
    return head.firstIndex(of: "-----Q-ID-----", from: 0, to: end) != nil
      || head.firstIndex(of: " is empty\n", from: 0, to: end) != nil
  }

  static func read(_ bytes: [UInt8], path: String, now: Timestamp) -> QueueSnapshot {
    var listing = SendmailQueueListing(path: path, now: now)
    for line in bytes.split(separator: 0x0a).prefix(10_000_000) {
      listing.read(String(decoding: line.prefix(4000), as: UTF8.self))
    }
    listing.endMessage()
    return listing.snapshot
  }

  private mutating func read(_ line: String) {
    if let first = line.first, first != " ", first != "\t" {
      startMessage(line)
      return
    }
    if line.hasPrefix("\t\t/") {
      directory = line.trimmed.split(separator: " ").first.map(String.init)
      return
    }
    guard !isSkipping, let last = snapshot.messages.indices.last else { return }
    let text = line.trimmed
    if text.hasPrefix("QUARANTINE:") {
      snapshot.messages[last].state = .held
    } else if text.hasPrefix("("), text.hasSuffix(")") {
      let reason = String(text.dropFirst().dropLast())
      if let recipient = snapshot.messages[last].recipients.indices.last {
        snapshot.messages[last].recipients[recipient].reason = reason
      } else {
        generalReason = reason
      }
    } else if isCut(text) {
      noteCut()
    } else if !text.isEmpty, !text.contains(" "),
      snapshot.messages[last].recipients.count < 100_000
    {
      snapshot.messages[last].recipients.append(
        QueuedRecipient(address: SendmailQueueListing.address(text))
      )
    }
  }

  /// Mail that came by SMTP has its addresses in angle brackets, mail of this machine has not.
  private static func address(_ text: String) -> String {
    text.hasPrefix("<") && text.hasSuffix(">") ? String(text.dropFirst().dropLast()) : text
  }

  private func isCut(_ text: String) -> Bool {
    text.hasPrefix("<") ? !text.hasSuffix(">") : !isVerbose && text.utf8.count >= 38
  }

  /// An address that was cut names no destination; whoever made the listing can make a better one.
  private mutating func noteCut() {
    guard !hasCut else { return }
    hasCut = true
    snapshot.troubles.append(
      ReadTrouble(
        path: snapshot.path,
        reason: "some addresses are cut short here; use mailq -v",
        nature: .remark
      )
    )
  }

  /// The message that was listed last has all its recipients.
  private mutating func endMessage() {
    if !isSkipping, let last = snapshot.messages.indices.last {
      SendmailReason.spread(generalReason, over: &snapshot.messages[last].recipients)
    }
    generalReason = nil
  }

  /// `6ANCPFYk001874*     371     750574+Nov 23 12:25 <a@b.example>`: a star marks a message in
  /// delivery, a question mark a lost one, a plus one whose warning was sent.
  private mutating func startMessage(_ line: String) {
    let words = line.split(separator: " ")
    if line.contains("--Q-ID--") { isVerbose = line.contains("-Priority-") }
    guard let first = words.first,
      let time = words.indices.dropFirst(2).first(where: { SendmailQueueListing.isTime(words[$0]) })
    else { return }
    var id = String(first.prefix { $0.isASCII && ($0.isLetter || $0.isNumber) })
    // The load is too high for it.
    if id.last == "X", SendmailQueueID.isOne(id.dropLast()) { id.removeLast() }
    let mark = first.dropFirst(id.count)
    guard SendmailQueueID.isOne(id), mark.utf8.count <= 1,
      let arrived = SendmailQueueID.creation(id, near: now)
    else { return }
    endMessage()
    isSkipping = !seen.insert(id).inserted
    guard !isSkipping else { return }
    snapshot.messages.append(
      QueuedMessage(
        queueID: id,
        state: mark == "*" ? .active : mark == "?" ? .held : .deferred,
        // Without -v it may be cut.
        sender: words[(time + 1)...].joined(separator: " ").filter { $0 != "<" && $0 != ">" },
        arrivedAt: arrived,
        size: words.dropFirst().first.flatMap { Int($0) },
        recipients: [],
        warningsSent: words.prefix(3).last?.contains("+") == true ? 1 : nil
      )
    )
    snapshot.messages[snapshot.messages.count - 1].directory = directory
  }

  /// `12:25`.
  private static func isTime(_ word: Substring) -> Bool {
    let bytes = Array(word.utf8)
    return bytes.count == 5 && bytes[2] == UInt8(ascii: ":")
      && [0, 1, 3, 4].allSatisfy { (48...57).contains(bytes[$0]) }
  }
}
