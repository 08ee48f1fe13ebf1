import GRDB
import MailModel

/// What other sources have told of one origin in the time that the present source covers too: the
/// same events may come through syslog and through the journal, and count once.
///
/// Two lines are one event when message, recipient and outcome agree and their stamps are within two
/// seconds; each stored event answers for one repeat.
final class OverlapWindow {
  private let from: Int64
  private let until: Int64
  private var attempts: [Int64: [(at: Int64, facts: AttemptFacts)]] = [:]
  private var notifications: [Int64: [(at: Int64, kind: LoggedNotification.Kind)]] = [:]
  private var endedRows: [[UInt8]: [(row: Int64, from: Int64, to: Int64)]] = [:]
  private var loaded: [Int64: OpenMessage] = [:]
  /// The other sources tell of this very server: one without a host's name may be another's, until
  /// both have told of one event.
  private(set) var isOfOneServer = false

  /// Stamps of one event in two channels differ by at most this much.
  private static let slack: Int64 = 2_000_000

  /// The window for `source` reading the first of `origins` from `at` on, of which the others may be
  /// other names; empty where no other source overlaps.
  init(
    spans: [IngestWriter.SourceOrigin: ClosedRange<Int64>],
    thread: CommitThread,
    source: Int64,
    origins: [Int64],
    at: Int64
  ) throws {
    let others = spans.filter {
      origins.contains($0.key.origin) && $0.key.source != source
        && $0.value.upperBound >= at - OverlapWindow.slack
    }.map(\.value)
    guard let newest = others.map(\.upperBound).max(), let oldest = others.map(\.lowerBound).min()
    else {
      from = 0
      until = Int64.min
      return
    }
    isOfOneServer = spans.contains {
      $0.key.origin == origins.first && $0.key.source != source
        && $0.value.upperBound >= at - OverlapWindow.slack
    }
    from = max(oldest, at) - OverlapWindow.slack
    until = newest + OverlapWindow.slack
    let (from, until) = (from, until)
    // What waits is of this source, and not asked for.
    try thread.read { db in
      try self.load(db, origins: origins, from: from, until: until)
    }
  }

  /// Whether another source speaks of this moment too.
  func isActive(at: Int64) -> Bool { at >= from && at <= until }

  private func load(_ db: Database, origins: [Int64], from: Int64, until: Int64) throws {
    let list = origins.map(String.init).joined(separator: ",")
    let attemptRows = try Row.fetchCursor(
      db,
      sql: """
        SELECT a.recipient, a.at, a.facts FROM attempt a
        JOIN recipient r ON r.id = a.recipient JOIN message m ON m.id = r.message
        WHERE m.origin IN (\(list)) AND a.at BETWEEN ? AND ?
        """,
      arguments: [from - OverlapWindow.slack, until]
    )
    while let row = try attemptRows.next() {
      attempts[row[0], default: []].append((row[1], AttemptFacts(packed: row[2])))
    }
    let notificationRows = try Row.fetchCursor(
      db,
      sql: """
        SELECT n.message, n.at, n.kind FROM notification n JOIN message m ON m.id = n.message
        WHERE m.origin IN (\(list)) AND n.at BETWEEN ? AND ?
        """,
      arguments: [from - OverlapWindow.slack, until]
    )
    while let row = try notificationRows.next() {
      let kind = LoggedNotification.Kind(rawValue: row[2]) ?? .nonDelivery
      notifications[row[0], default: []].append((row[1], kind))
    }
    let messageRows = try Row.fetchCursor(
      db,
      sql: """
        SELECT id, queue_id, arrived_at, ended_at FROM message
        WHERE origin IN (\(list)) AND ended_at >= ? AND arrived_at <= ?
        """,
      arguments: [from - OverlapWindow.slack, until]
    )
    while let row = try messageRows.next() {
      let id: String = row[1]
      endedRows[Array(id.utf8), default: []].append((row[0], row[2], row[3]))
    }
  }

  /// The message that had this id at that moment and has ended, where another source told of it.
  func ended(id: [UInt8], at: Int64, store: TriageStore) throws -> OpenMessage? {
    guard
      let row = endedRows[id]?.first(where: {
        at >= $0.from - OverlapWindow.slack && at <= $0.to + OverlapWindow.slack
      })?.row
    else { return nil }
    if let message = loaded[row] { return message }
    let message = try store.lookUp { db in
      let message = try db.cachedStatement(sql: "SELECT * FROM message WHERE id = ?")
      return try Row.fetchOne(message, arguments: [row])
        .map { try OpenMessage($0, db) }
    }
    loaded[row] = message
    return message
  }

  /// Whether a stored attempt is this one, told by another source; it answers once.
  func isRepeat(recipient: Int64, at: Int64, facts: AttemptFacts) -> Bool {
    guard
      let index = attempts[recipient]?.firstIndex(where: {
        $0.facts.outcome == facts.outcome && $0.facts.tried == facts.tried
          && abs($0.at - at) <= OverlapWindow.slack
      })
    else { return false }
    attempts[recipient]?.remove(at: index)
    isOfOneServer = true
    return true
  }

  /// Whether a stored notice is this one, told by another source; it answers once.
  func isRepeatedNotification(message: Int64, kind: LoggedNotification.Kind, at: Int64) -> Bool {
    guard
      let index = notifications[message]?.firstIndex(where: {
        $0.kind == kind && abs($0.at - at) <= OverlapWindow.slack
      })
    else { return false }
    notifications[message]?.remove(at: index)
    return true
  }
}
