import GRDB
import MailModel

extension TriageStore {
  /// Messages that were given up and with which their destination began to fail, newest first: there
  /// the age of the message is as long as the host's or address's record of failures. The log shows
  /// that where the destination took mail before, or where the log goes back further than a record
  /// could have rested.
  static func firstExpiries(
    _ db: Database,
    server: MailServerID,
    before now: Timestamp
  ) throws -> [RetryObservations.AgeBracket] {
    let expired = try Row.fetchAll(
      db,
      sql: """
        SELECT e.at, e.age, e.previous_age, m.arrived_at, m.origin, r.domain FROM expiry e
        JOIN recipient r ON r.id = e.recipient JOIN message m ON m.id = r.message
        JOIN origin o ON o.id = m.origin
        WHERE o.server = ? AND e.at <= ? AND e.previous_age IS NOT NULL AND m.sender IS NOT NULL
        ORDER BY e.at DESC LIMIT 400
        """,
      arguments: [server.description, now.microseconds]
    ).map(ExpiredMessage.init)
    guard !expired.isEmpty else { return [] }
    let traffic = try DestinationTraffic(db, domains: Set(expired.map(\.domain)))
    return expired.compactMap { traffic.isFirst($0) ? $0.bracket : nil }
  }
}

private struct ExpiredMessage {
  var at: Int64
  var age: Double
  var previousAge: Double
  var arrivedAt: Int64
  var origin: Int64
  var domain: Int64

  init(_ row: Row) {
    at = row[0]
    age = row[1] ?? 0
    previousAge = row[2] ?? 0
    arrivedAt = row[3]
    origin = row[4]
    domain = row[5]
  }

  var bracket: RetryObservations.AgeBracket {
    RetryObservations.AgeBracket(previousAge: previousAge, age: age, isNullSender: false)
  }
}

/// When destinations took mail and when they did not, to the hour and its first and last moment.
private struct DestinationTraffic {
  private struct Key: Hashable {
    var origin: Int64
    var domain: Int64
  }

  private var successes: [Key: [ClosedRange<Int64>]] = [:]
  private var failures: [Key: [ClosedRange<Int64>]] = [:]
  private var beginnings: [Int64: Int64] = [:]

  init(_ db: Database, domains: Set<Int64>) throws {
    let list = domains.sorted().map(String.init).joined(separator: ",")
    let rows = try Row.fetchCursor(
      db,
      sql: "SELECT origin, domain, facts, first, last FROM tally WHERE domain IN (\(list))"
    )
    while let row = try rows.next() {
      let key = Key(origin: row[0], domain: row[1])
      let first: Int64 = row[3]
      let span = first...max(first, row[4])
      if AttemptFacts(packed: row[2]).outcome == .delivered {
        successes[key, default: []].append(span)
      } else {
        failures[key, default: []].append(span)
      }
    }
    for row in try Row.fetchAll(db, sql: "SELECT origin, min(oldest) FROM source_origin GROUP BY 1")
    {
      beginnings[row[0]] = row[1]
    }
  }

  /// Whether the destination's failures began with this message.
  func isFirst(_ message: ExpiredMessage) -> Bool {
    let key = Key(origin: message.origin, domain: message.domain)
    let delivered = (successes[key] ?? []).flatMap { [$0.lowerBound, $0.upperBound] }
    // Mail that went through in between would have ended the record.
    guard !delivered.contains(where: { $0 > message.arrivedAt && $0 <= message.at }) else {
      return false
    }
    let lastSuccess = delivered.filter { $0 <= message.arrivedAt }.max()
    let hasFailedBefore = (failures[key] ?? []).contains {
      $0.lowerBound < message.arrivedAt && $0.upperBound > lastSuccess ?? .min
    }
    guard !hasFailedBefore else { return false }
    if lastSuccess != nil { return true }
    let rest = (message.age - message.previousAge) * 1.1 + 60
    return beginnings[message.origin].map {
      Double(message.arrivedAt - $0) / 1e6 > rest
    } ?? false
  }
}
