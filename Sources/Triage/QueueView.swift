package import MailModel
package import Store

/// What waits now: from the queues that were looked at; where there was none, from what the log leaves
/// open.
package struct QueueView: Sendable {
  package var snapshots: [QueueSnapshot]
  /// True where no queue was read and the log alone tells.
  package var isFromLog: Bool

  package init(snapshots: [QueueSnapshot], isFromLog: Bool) {
    self.snapshots = snapshots
    self.isFromLog = isFromLog
  }

  /// The view of a store.
  package init(_ store: TriageStore, now: Timestamp) throws {
    let stored = try store.queueSnapshots()
    let listings = stored.filter(\.listsMessages)
    let records = stored.flatMap { snapshot in
      snapshot.retryRecords.map { (snapshot.server, $0) }
    }
    var bySystem: [MailServerID: QueueSnapshot] = [:]
    for snapshot in listings.sorted(by: { $0.takenAt < $1.takenAt }) {
      bySystem[snapshot.server] = QueueView.merge(bySystem[snapshot.server], snapshot)
    }
    isFromLog = bySystem.isEmpty
    let open = try store.openMessages(excluding: Set(bySystem.keys))
    let servers = Set(open.map(\.server)).subtracting(bySystem.keys)
    for server in servers {
      let waiting = open.filter { $0.server == server }.compactMap(QueueView.message)
      if !waiting.isEmpty {
        bySystem[server] = QueueSnapshot(
          server: server,
          path: "log",
          takenAt: now,
          messages: waiting
        )
      }
    }
    let last = try store.lastAttempts()
    for server in bySystem.keys {
      for index in bySystem[server]?.messages.indices ?? 0..<0 {
        guard let message = bySystem[server]?.messages[index], let known = last[message.queueID]
        else { continue }
        if message.lastAttemptAt == nil {
          bySystem[server]?.messages[index].lastAttemptAt = known.last
        }
        if message.attemptsMade == nil {
          bySystem[server]?.messages[index].attemptsMade = known.attempts
        }
      }
      bySystem[server]?.retryRecords = records.filter { $0.0 == server }.map(\.1)
    }
    snapshots = bySystem.values.sorted { $0.server.description < $1.server.description }
  }

  /// Two looks at one server's queues: the newer sighting of an id wins.
  private static func merge(_ old: QueueSnapshot?, _ new: QueueSnapshot) -> QueueSnapshot {
    guard var merged = old else { return new }
    var byID = Dictionary(
      merged.messages.map { ($0.queueID, $0) },
      uniquingKeysWith: { _, last in last }
    )
    for message in new.messages {
      // A listing knows less than the queue file: keep the file's facts.
      if let known = byID[message.queueID], known.notBefore != nil, message.notBefore == nil {
        continue
      }
      byID[message.queueID] = message
    }
    merged.messages = byID.values.sorted { ($0.arrivedAt, $0.queueID) < ($1.arrivedAt, $1.queueID) }
    merged.takenAt = new.takenAt
    return merged
  }

  /// A message that the log leaves open with recipients that wait.
  private static func message(_ stored: StoredMessage) -> QueuedMessage? {
    let waiting = stored.recipients.filter { $0.status == .deferred || $0.status == .held }
    guard !waiting.isEmpty else { return nil }
    return QueuedMessage(
      queueID: stored.queueID,
      state: stored.isHeld ? .held : .deferred,
      sender: stored.sender ?? "",
      arrivedAt: stored.arrivedAt,
      size: stored.size,
      messageID: stored.messageID,
      recipients: stored.recipients.map {
        QueuedRecipient(
          address: $0.address,
          isDone: $0.status != .deferred && $0.status != .held
        )
      },
      warningsSent: stored.notifications.count { $0.kind == .delay }
    )
  }

  /// Messages with recipients that wait.
  package var messages: [QueuedMessage] {
    snapshots.flatMap(\.messages).filter { $0.recipients.contains { !$0.isDone } }
  }

  /// Waiting messages and the oldest arrival, by recipient domain.
  package var byDomain: [String: (count: Int, oldest: Timestamp)] {
    var result: [String: (count: Int, oldest: Timestamp)] = [:]
    for message in messages {
      for domain in Set(message.recipients.filter { !$0.isDone }.map(\.address.domainOfAddress)) {
        let known = result[domain] ?? (0, message.arrivedAt)
        result[domain] = (known.count + 1, min(known.oldest, message.arrivedAt))
      }
    }
    return result
  }
}

extension String {
  /// Behind the last `@`, lower case, no trailing dot.
  package var domainOfAddress: String {
    guard let at = lastIndex(of: "@") else { return "" }
    var domain = self[index(after: at)...].lowercased()
    while domain.hasSuffix(".") { domain.removeLast() }
    return domain
  }
}
