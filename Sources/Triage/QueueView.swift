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
    let records = Dictionary(grouping: stored, by: \.server).mapValues {
      $0.flatMap(\.retryRecords)
    }
    var bySystem: [MailServerID: QueueSnapshot] = [:]
    for snapshot in stored.filter(\.listsMessages).sorted(by: { $0.takenAt < $1.takenAt }) {
      bySystem[snapshot.server] = QueueView.merge(bySystem[snapshot.server], snapshot)
    }
    isFromLog = bySystem.isEmpty
    for (server, snapshot) in bySystem {
      let told = try store.messages(of: server, toldAfter: snapshot.takenAt, until: now)
      bySystem[server]?.bringUpToDate(with: told)
    }
    let open = try store.openMessages(knownUntil: bySystem.mapValues(\.takenAt))
    for (server, messages) in Dictionary(grouping: open, by: \.server) {
      let waiting = messages.filter { $0.arrivedAt <= now }.compactMap(QueuedMessage.init)
      guard !waiting.isEmpty else { continue }
      bySystem[server, default: QueueSnapshot(server: server, path: "log", takenAt: now)]
        .add(waiting)
    }
    let last = try store.lastAttempts()
    for server in bySystem.keys {
      bySystem[server]?.fillIn(last)
      bySystem[server]?.retryRecords = records[server] ?? []
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

  /// Messages with recipients that wait.
  package var messages: [QueuedMessage] {
    snapshots.flatMap(\.messages).filter { $0.recipients.contains { !$0.isDone } }
  }

  /// Waiting messages and the oldest arrival, by recipient domain.
  package var byDomain: [String: (count: Int, oldest: Timestamp)] {
    var result: [String: (count: Int, oldest: Timestamp)] = [:]
    for message in messages {
      for domain in Set(message.recipients.filter { !$0.isDone }.map(\.address.mailDomain)) {
        let known = result[domain] ?? (0, message.arrivedAt)
        result[domain] = (known.count + 1, min(known.oldest, message.arrivedAt))
      }
    }
    return result
  }
}
