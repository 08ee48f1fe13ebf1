import FoundationEssentials
import GRDB
package import MailModel

/// A queued message as the store keeps it: JSON, since it is only ever read whole.
struct StoredQueuedMessage: Codable {
  var id: String
  var state: String
  var sender: String
  var arrived: Int64
  var base: Int64
  var notBefore: Int64?
  var lastAttempt: Int64?
  var attempts: Int?
  var size: Int?
  var messageID: String?
  var recipients: [Recipient]
  var warnings: Int?
  var urgency: String?
  var wantsWarning: Bool
  var requiresTLS: Bool
  var forced: Bool
  var warningDue: Int64?
  var place: Int?
  var heldSince: Int64?
  var directory: String?

  struct Recipient: Codable {
    var address: String
    var done: Bool
    var reason: String?
    var status: Int?
  }

  init(_ message: QueuedMessage) {
    id = message.queueID
    state = message.state.rawValue
    sender = message.sender
    arrived = message.arrivedAt.microseconds
    base = message.lifetimeBase.microseconds
    notBefore = message.notBefore?.microseconds
    lastAttempt = message.lastAttemptAt?.microseconds
    attempts = message.attemptsMade
    size = message.size
    messageID = message.messageID
    recipients = message.recipients.map {
      Recipient(
        address: $0.address,
        done: $0.isDone,
        reason: $0.reason,
        status: $0.enhancedStatus?.packed
      )
    }
    warnings = message.warningsSent
    urgency = message.urgency
    wantsWarning = message.wantsDelayWarning
    requiresTLS = message.requiresTLS
    forced = message.isForcedToExpire
    warningDue = message.warningDueAt?.microseconds
    place = message.placeInQueue
    heldSince = message.heldSince?.microseconds
    directory = message.directory
  }

  var message: QueuedMessage {
    func moment(_ value: Int64?) -> Timestamp? { value.map { Timestamp(microseconds: $0) } }
    var message = QueuedMessage(
      queueID: id,
      state: QueuedMessage.State(rawValue: state) ?? .deferred,
      sender: sender,
      arrivedAt: Timestamp(microseconds: arrived),
      lifetimeBase: moment(base),
      notBefore: moment(notBefore),
      lastAttemptAt: moment(lastAttempt),
      attemptsMade: attempts,
      size: size,
      messageID: messageID,
      recipients: recipients.map {
        QueuedRecipient(
          address: $0.address,
          isDone: $0.done,
          reason: $0.reason,
          enhancedStatus: $0.status.flatMap { EnhancedStatusCode(packed: $0) }
        )
      },
      warningsSent: warnings,
      urgency: urgency,
      wantsDelayWarning: wantsWarning,
      requiresTLS: requiresTLS,
      isForcedToExpire: forced,
      warningDueAt: moment(warningDue),
      placeInQueue: place,
      heldSince: moment(heldSince)
    )
    message.directory = directory
    return message
  }
}

/// A retry record as the store keeps it.
struct StoredRetryRecord: Codable {
  var subject: String
  var key: String
  var first: Int64
  var last: Int64
  var next: Int64
  var expired: Bool
  var text: String

  init(_ record: RetryRecord) {
    subject = record.subject.rawValue
    key = record.key
    first = record.firstFailed.microseconds
    last = record.lastAttempt.microseconds
    next = record.nextAttempt.microseconds
    expired = record.isExpired
    text = record.text
  }

  var record: RetryRecord {
    RetryRecord(
      subject: RetryRecord.Subject(rawValue: subject) ?? .host,
      key: key,
      firstFailed: Timestamp(microseconds: first),
      lastAttempt: Timestamp(microseconds: last),
      nextAttempt: Timestamp(microseconds: next),
      isExpired: expired,
      text: text
    )
  }
}

extension TriageStore {
  /// Keeps a look at a queue; the newest one per path counts.
  package func save(_ snapshot: QueueSnapshot) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    func json(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    try write { db in
      if let old = try Int64.fetchOne(
        db,
        sql: "SELECT id FROM queue WHERE path = ?",
        arguments: [snapshot.path]
      ) {
        for table in ["queue_message", "retry_record"] {
          try db.execute(sql: "DELETE FROM \(table) WHERE queue = ?", arguments: [old])
        }
        try db.execute(sql: "DELETE FROM queue WHERE id = ?", arguments: [old])
      }
      let troubles = snapshot.troubles.prefix(100).map(\.description)
      try db.execute(
        sql: """
          INSERT INTO queue (path, server, host, taken_at, lists_messages, troubles)
          VALUES (?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          snapshot.path, snapshot.server.description, snapshot.host,
          snapshot.takenAt.microseconds, snapshot.listsMessages ? 1 : 0, try json(Array(troubles)),
        ]
      )
      let queue = db.lastInsertedRowID
      let insertMessage = try db.makeStatement(
        sql: "INSERT INTO queue_message (queue, queue_id, body) VALUES (?, ?, ?)"
      )
      for message in snapshot.messages {
        try insertMessage.execute(
          arguments: [queue, message.queueID, try json(StoredQueuedMessage(message))])
      }
      let insertRecord = try db.makeStatement(
        sql: "INSERT INTO retry_record (queue, body) VALUES (?, ?)"
      )
      for record in snapshot.retryRecords {
        try insertRecord.execute(arguments: [queue, try json(StoredRetryRecord(record))])
      }
    }
  }

  /// The newest look at each queue.
  package func queueSnapshots() throws -> [QueueSnapshot] {
    let decoder = JSONDecoder()
    func bodies<Body: Decodable>(_ db: Database, _ table: String, _ queue: Int64) throws -> [Body] {
      try String.fetchAll(
        db,
        sql: "SELECT body FROM \(table) WHERE queue = ? ORDER BY id",
        arguments: [queue]
      ).compactMap { try? decoder.decode(Body.self, from: Data($0.utf8)) }
    }
    return try read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM queue ORDER BY id").map { row in
        let id: Int64 = row["id"]
        let messages: [StoredQueuedMessage] = try bodies(db, "queue_message", id)
        let records: [StoredRetryRecord] = try bodies(db, "retry_record", id)
        return QueueSnapshot(
          server: MailServerID(row["server"]),
          path: row["path"],
          host: row["host"],
          takenAt: Timestamp(microseconds: row["taken_at"]),
          messages: messages.map(\.message),
          retryRecords: records.map(\.record),
          listsMessages: row["lists_messages"] == 1
        )
      }
    }
  }
}
