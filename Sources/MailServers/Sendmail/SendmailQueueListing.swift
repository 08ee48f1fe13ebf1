import MailModel

/// `mailq` and `mailq -v`: id, size, priority (with -v), time and sender on one line, then reasons in
/// parentheses and recipients in angle brackets. Source: sendmail/queue.c (print_single_queue).
struct SendmailQueueListing {
  private var snapshot: QueueSnapshot
  private let now: Timestamp
  /// The last line was a reason, which -v repeats behind the recipient that it is about.
  private var generalReason: String?
  /// Ids met: mailq shows a queue once per queue group that it stands in.
  private var seen: Set<String> = []
  /// What follows belongs to a message that was met before.
  private var isSkipping = false

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
    return listing.snapshot
  }

  private mutating func read(_ line: String) {
    if let first = line.first, first != " ", first != "\t" {
      startMessage(line)
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
    } else if text.hasPrefix("<"), text.hasSuffix(">"),
      snapshot.messages[last].recipients.count < 100_000
    {
      snapshot.messages[last].recipients.append(
        QueuedRecipient(address: String(text.dropFirst().dropLast()), reason: generalReason)
      )
    }
  }

  /// `6ANCPFYk001874*     371     750574+Nov 23 12:25 <a@b.example>`: a star marks a message in
  /// delivery, a plus one whose warning was sent.
  private mutating func startMessage(_ line: String) {
    let words = line.split(separator: " ")
    guard let first = words.first, let open = line.range(of: " <", isLast: true), line.last == ">"
    else { return }
    let id = String(first.prefix { $0.isASCII && ($0.isLetter || $0.isNumber) })
    let mark = first.dropFirst(id.count)
    guard (14...16).contains(id.utf8.count), mark.utf8.count <= 1,
      let arrived = SendmailQueueID.creation(id, near: now)
    else { return }
    generalReason = nil
    isSkipping = !seen.insert(id).inserted
    guard !isSkipping else { return }
    snapshot.messages.append(
      QueuedMessage(
        queueID: id,
        state: mark == "*" ? .active : .deferred,
        sender: String(line[open.upperBound...].dropLast()),
        arrivedAt: arrived,
        size: words.dropFirst().first.flatMap { Int($0) },
        recipients: [],
        warningsSent: words.prefix(3).last?.contains("+") == true ? 1 : nil
      )
    )
  }
}

extension String {
  /// Where `text` stands first or last; nil where it does not.
  fileprivate func range(of text: String, isLast: Bool) -> Range<Index>? {
    isLast ? ranges(of: text).last : ranges(of: text).first
  }
}
