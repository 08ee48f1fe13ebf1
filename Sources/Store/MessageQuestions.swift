import GRDB
package import MailModel

/// An attempt as the store holds it.
package struct StoredAttempt: Hashable, Sendable {
  package var at: Timestamp
  package var outcome: DeliveryOutcome
  package var tried: Bool
  package var security: TransportSecurity
  package var relay: String
  package var reply: String
  package var cause: String
  package var enhancedStatus: EnhancedStatusCode?
  package var position: LinePosition
  package var causePosition: LinePosition?
}

/// A recipient with its attempts, oldest first.
package struct StoredRecipient: Hashable, Sendable {
  package var address: String
  package var domain: String
  package var status: RecipientStatus
  package var expiredAt: Timestamp?
  package var attempts: [StoredAttempt]
}

/// A message with its recipients.
package struct StoredMessage: Hashable, Sendable {
  package var queueID: String
  package var server: MailServerID
  package var host: String
  package var sender: String?
  package var messageID: String?
  package var size: Int?
  package var arrivedAt: Timestamp
  package var endedAt: Timestamp?
  package var isHeld: Bool
  package var recipients: [StoredRecipient]
  package var notifications: [StoredNotification]
}

/// A notice about a message.
package struct StoredNotification: Hashable, Sendable {
  package var at: Timestamp
  package var kind: LoggedNotification.Kind
  package var noticeID: String?
  package var position: LinePosition
}

extension TriageStore {
  /// Every message of the window, in the order of arrival, one at a time.
  package func forEachMessage(
    in window: Window,
    _ body: (StoredMessage) throws -> Void
  ) throws {
    try read { db in
      let names = try StoredNames(db)
      try TriageStore.visit(
        db,
        names,
        condition: "m.last_at >= ? AND m.arrived_at <= ?",
        arguments: [window.low, window.high],
        body
      )
    }
  }

  /// Messages whose queue id, Message-ID, sender, recipient or recipient's domain is `term`, ASCII
  /// case ignored; `limit` at most.
  package func messages(matching term: String, limit: Int = 1000) throws -> [StoredMessage] {
    try read { db in
      let names = try StoredNames(db)
      var found: [StoredMessage] = []
      let bare =
        term.hasPrefix("<") && term.hasSuffix(">") ? String(term.dropFirst().dropLast()) : term
      let rows = try Int64.fetchAll(
        db,
        sql: """
          SELECT id FROM message WHERE queue_id = :t OR message_id = :t OR sender = :t COLLATE NOCASE
          UNION SELECT r.message FROM recipient r JOIN domain d ON d.id = r.domain
            WHERE r.address = :t COLLATE NOCASE OR d.name = :t COLLATE NOCASE
          ORDER BY 1 LIMIT :n
          """,
        arguments: ["t": bare, "n": limit]
      )
      for start in stride(from: 0, to: rows.count, by: 500) {
        let list = rows[start..<min(start + 500, rows.count)].map(String.init).joined(
          separator: ","
        )
        try TriageStore.visit(
          db,
          names,
          condition: "m.id IN (\(list))",
          arguments: []
        ) { found.append($0) }
      }
      return found
    }
  }

  /// Open messages with recipients that wait, as the log leaves them; those of a server that arrived
  /// up to its moment in `known` are left out, since a look at its queue tells of them.
  package func openMessages(
    knownUntil known: [MailServerID: Timestamp]
  ) throws -> [StoredMessage] {
    try read { db in
      let names = try StoredNames(db)
      var found: [StoredMessage] = []
      for server in try String.fetchAll(db, sql: "SELECT DISTINCT server FROM origin") {
        let since = known[MailServerID(server)]?.microseconds ?? Int64.min
        let newest =
          try Int64.fetchOne(
            db,
            sql: """
              SELECT max(s.newest) FROM source_origin s JOIN origin o ON o.id = s.origin
              WHERE o.server = ?
              """,
            arguments: [server]
          ) ?? Int64.max
        guard newest > since else { continue }
        try TriageStore.visit(
          db,
          names,
          condition: "m.ended_at IS NULL AND m.arrived_at > ? AND o.server = ?",
          arguments: [since, server],
          withAttempts: false
        ) { found.append($0) }
      }
      return found
    }
  }

  /// Messages of a server of which the log told anything in a span of time, in the order of their rows;
  /// without their attempts.
  package func messages(
    of server: MailServerID,
    toldAfter start: Timestamp,
    until end: Timestamp
  ) throws -> [StoredMessage] {
    guard start < end else { return [] }
    return try read { db in
      var found: [StoredMessage] = []
      try TriageStore.visit(
        db,
        try StoredNames(db),
        condition: "o.server = ? AND m.last_at > ? AND m.last_at <= ?",
        arguments: [server.description, start.microseconds, end.microseconds],
        withAttempts: false
      ) { found.append($0) }
      return found
    }
  }

  /// For each message that waits in the log's view: the last attempt per queue id and server.
  package func lastAttempts() throws -> [String: (attempts: Int, last: Timestamp)] {
    try read { db in
      var last: [String: (attempts: Int, last: Timestamp)] = [:]
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT queue_id, tries, last_try FROM message_now
          WHERE ended_at IS NULL AND last_try IS NOT NULL
          """
      )
      while let row = try rows.next() {
        last[row[0]] = (row[1], Timestamp(microseconds: row[2]))
      }
      return last
    }
  }

  private static func visit(
    _ db: Database,
    _ names: StoredNames,
    condition: String,
    arguments: StatementArguments,
    withAttempts: Bool = true,
    _ body: (StoredMessage) throws -> Void
  ) throws {
    // Columns are read by their place: looking their names up costs more than reading them.
    let messages = try Row.fetchCursor(
      db,
      sql: """
        SELECT m.id, m.held, m.ended_at, m.queue_id, o.server, o.host, m.sender, m.message_id, m.size,
          m.arrived_at
        FROM message_now m JOIN origin o ON o.id = m.origin WHERE \(condition) ORDER BY m.id
        """,
      arguments: arguments
    )
    // Attempts of recipients in order of their rows, walked beside the messages: no index is needed.
    let attempts =
      withAttempts
      ? try AttemptWalk(db, condition: condition, arguments: arguments) : nil
    let recipientsOf = try db.cachedStatement(
      sql: """
        SELECT id, address, domain, status, expired_at FROM recipient WHERE message = ? ORDER BY id
        """
    )
    let notificationsOf = try db.cachedStatement(
      sql: """
        SELECT at, kind, notice, source, offset FROM notification WHERE message = ? ORDER BY id
        """
    )
    while let row = try messages.next() {
      let id: Int64 = row[0]
      let isHeld = row[1] == 1
      let endedAt: Int64? = row[2]
      let recipients = try Row.fetchAll(recipientsOf, arguments: [id])
      let notifications = try Row.fetchAll(notificationsOf, arguments: [id])
      try body(
        StoredMessage(
          queueID: row[3],
          server: MailServerID(row[4]),
          host: row[5],
          sender: row[6],
          messageID: row[7],
          size: row[8],
          arrivedAt: Timestamp(microseconds: row[9]),
          endedAt: endedAt.map { Timestamp(microseconds: $0) },
          isHeld: isHeld,
          recipients: try recipients.map { one in
            StoredRecipient(
              address: one[1],
              domain: names.domains[one[2]] ?? "",
              status: (StoredStatus(rawValue: one[3]) ?? .unknown)
                .status(isHeld: isHeld, hasEnded: endedAt != nil),
              expiredAt: (one[4] as Int64?).map { Timestamp(microseconds: $0) },
              attempts: try attempts?.attempts(of: one[0]).map { stored($0, names) } ?? []
            )
          },
          notifications: notifications.map {
            StoredNotification(
              at: Timestamp(microseconds: $0[0]),
              kind: LoggedNotification.Kind(rawValue: $0[1]) ?? .nonDelivery,
              noticeID: $0[2],
              position: LinePosition(source: $0[3], offset: $0[4])
            )
          }
        )
      )
    }
  }

  /// `row` as ``AttemptWalk`` gives it.
  private static func stored(_ row: Row, _ names: StoredNames) -> StoredAttempt {
    let facts = AttemptFacts(packed: row[2])
    let causeSource: Int64? = row[9]
    var cause: LinePosition?
    if let causeSource, let offset = row[10] as Int64? {
      cause = LinePosition(source: causeSource, offset: offset)
    }
    return StoredAttempt(
      at: Timestamp(microseconds: row[1]),
      outcome: facts.outcome,
      tried: facts.tried,
      security: facts.security,
      relay: names.relays[row[3]] ?? "",
      reply: names.reasons[row[4]] ?? "",
      cause: names.reasons[row[5]] ?? "",
      enhancedStatus: EnhancedStatusCode(packed: row[6]),
      position: LinePosition(source: row[7], offset: row[8]),
      causePosition: cause
    )
  }
}

/// Attempts in the order of their recipients' messages.
private final class AttemptWalk {
  private let rows: RowCursor
  private var next: Row?

  init(_ db: Database, condition: String, arguments: StatementArguments) throws {
    rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT a.recipient, a.at, a.facts, a.relay, a.reply, a.cause, a.status, a.source, a.offset,
          a.cause_source, a.cause_offset
        FROM attempt a JOIN recipient r ON r.id = a.recipient
        JOIN message_now m ON m.id = r.message WHERE \(condition) ORDER BY m.id, r.id, a.id
        """,
      arguments: arguments
    )
    next = try rows.next()?.copy()
  }

  /// The attempts of a recipient; recipients are asked for in order.
  func attempts(of recipient: Int64) throws -> [Row] {
    var found: [Row] = []
    while let row = next, row[0] == recipient {
      found.append(row)
      next = try rows.next()?.copy()
    }
    return found
  }
}
