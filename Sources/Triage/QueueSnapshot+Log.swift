import MailModel
import Store

extension QueueSnapshot {
  /// Applies what the log told since the look was taken: what ended waits no longer, and what was
  /// tried again has a later next attempt than the look saw.
  mutating func bringUpToDate(with told: [StoredMessage]) {
    guard !told.isEmpty, !messages.isEmpty else { return }
    // A short queue id is used again: the newest message under an id is the one the log speaks of.
    let newest = Dictionary(told.map { ($0.queueID, $0) }, uniquingKeysWith: { _, last in last })
    messages = messages.compactMap { message in
      guard let now = newest[message.queueID] else { return message }
      guard now.endedAt == nil else { return nil }
      guard now.arrivedAt <= takenAt else { return nil }
      var updated = message
      let done = Set(now.recipients.filter { !$0.status.waits }.map { $0.address.lowercased() })
      for index in updated.recipients.indices
      where done.contains(updated.recipients[index].address.lowercased()) {
        updated.recipients[index].isDone = true
      }
      if now.isHeld, updated.state != .held { updated.state = .held }
      return updated
    }
  }

  /// Adds messages that the look did not see.
  mutating func add(_ others: [QueuedMessage]) {
    let known = Set(messages.map(\.queueID))
    messages += others.filter { !known.contains($0.queueID) }
    messages.sort { ($0.arrivedAt, $0.queueID) < ($1.arrivedAt, $1.queueID) }
  }

  /// Adds what the log knows of attempts: all where the queue says nothing of them, and attempts made
  /// since the look was taken, after which the next one that the queue stated has passed.
  mutating func fillIn(_ logged: [String: (attempts: Int, last: Timestamp)]) {
    for index in messages.indices {
      guard let known = logged[messages[index].queueID] else { continue }
      if known.last > takenAt, messages[index].lastAttemptAt.map({ known.last > $0 }) ?? true {
        messages[index].lastAttemptAt = known.last
        messages[index].notBefore = nil
        messages[index].attemptsMade = max(known.attempts, messages[index].attemptsMade ?? 0)
      }
      messages[index].lastAttemptAt = messages[index].lastAttemptAt ?? known.last
      messages[index].attemptsMade = messages[index].attemptsMade ?? known.attempts
    }
  }
}

extension QueuedMessage {
  /// A message that the log leaves open; nil where none of its recipients waits.
  init?(_ stored: StoredMessage) {
    guard stored.recipients.contains(where: \.status.waits) else { return nil }
    self.init(
      queueID: stored.queueID,
      state: stored.isHeld ? .held : .deferred,
      sender: stored.sender ?? "",
      arrivedAt: stored.arrivedAt,
      size: stored.size,
      messageID: stored.messageID,
      recipients: stored.recipients.map {
        QueuedRecipient(address: $0.address, isDone: !$0.status.waits)
      },
      warningsSent: stored.notifications.count { $0.kind == .delay }
    )
  }
}

extension RecipientStatus {
  /// Neither delivered nor returned.
  fileprivate var waits: Bool { self == .deferred || self == .held }
}
