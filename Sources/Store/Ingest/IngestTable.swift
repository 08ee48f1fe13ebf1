/// The tables that ingest fills in bulk, in the order in which a commit writes them.
enum IngestTable: Int, CaseIterable, Sendable {
  case domain
  case relay
  case reason
  case origin
  case message
  case openMessage
  case endedMessage
  case pastMessage
  case recipient
  case attempt
  case tally
  case arrivalTally
  case expiryTally
  case expiry
  case notification
  case marker
  case evidence
  case notUnderstood
  case sessionFailure
  case source
  case sourceOrigin
  case dialectState
  case seenFile

  /// The table's name in SQL.
  private var name: String {
    switch self {
    case .domain: "domain"
    case .relay: "relay"
    case .reason: "reason"
    case .origin: "origin"
    case .message: "message"
    case .openMessage, .endedMessage: "open_message"
    case .pastMessage: "past_message"
    case .recipient: "recipient"
    case .attempt: "attempt"
    case .tally: "tally"
    case .arrivalTally: "arrival_tally"
    case .expiryTally: "expiry_tally"
    case .expiry: "expiry"
    case .notification: "notification"
    case .marker: "marker"
    case .evidence: "evidence"
    case .notUnderstood: "not_understood"
    case .sessionFailure: "session_failure"
    case .source: "source"
    case .sourceOrigin: "source_origin"
    case .dialectState: "dialect_state"
    case .seenFile: "seen_file"
    }
  }

  /// The columns of a row, as ``RowBuffer`` holds them.
  var columns: [String] {
    switch self {
    case .domain, .relay, .reason: ["id", "name"]
    case .origin: ["id", "server", "host"]
    case .message:
      [
        "id", "origin", "queue_id", "arrived_at", "sender", "message_id", "size", "original",
        "held", "last_at", "ended_at", "tries", "last_try",
      ]
    case .openMessage: ["message", "last_at", "tries", "last_try"]
    case .endedMessage, .pastMessage: ["message"]
    case .recipient:
      ["id", "message", "address", "domain", "status", "expired_at", "last_at", "previous_at"]
    case .attempt:
      [
        "recipient", "at", "facts", "relay", "reply", "cause", "status", "source", "offset",
        "cause_source", "cause_offset",
      ]
    case .tally:
      [
        "hour", "origin", "domain", "relay", "facts", "status", "reply", "cause", "count", "first",
        "last", "source", "offset", "cause_source", "cause_offset",
      ]
    case .arrivalTally: ["hour", "origin", "count"]
    case .expiryTally: ["hour", "origin", "domain", "count"]
    case .expiry: ["recipient", "at", "age", "previous_age"]
    case .notification: ["message", "kind", "at", "notice", "source", "offset"]
    case .marker: ["origin", "kind", "second", "at", "value", "source", "offset"]
    case .evidence: ["domain", "reply", "cause", "source", "offset", "line"]
    case .notUnderstood: ["source", "offset", "line"]
    case .sessionFailure: ["origin", "hour", "side", "reason", "count"]
    case .source:
      [
        "id", "path", "kind", "format", "head_length", "head_hash", "tail_length", "tail_hash",
        "cursor", "lines", "recognized", "unrecognized", "foreign_lines", "oldest", "newest",
        "last_stamp",
      ]
    case .sourceOrigin: ["source", "origin", "oldest", "newest"]
    case .dialectState: ["server", "host", "state"]
    case .seenFile: ["path", "device", "inode", "size", "modified", "sources"]
    }
  }

  /// The statement that writes `rows`, which are parameters in brackets.
  func statement(_ rows: [String]) -> String {
    let rows = rows.joined(separator: ",")
    if self == .endedMessage { return "DELETE FROM \(name) WHERE message IN (VALUES \(rows))" }
    return "\(verb) INTO \(name) (\(columns.joined(separator: ","))) VALUES \(rows) \(conflict)"
  }

  /// What the statement begins with.
  private var verb: String {
    switch self {
    case .openMessage, .source, .sourceOrigin, .dialectState, .seenFile: "INSERT OR REPLACE"
    case .marker, .evidence, .notUnderstood, .pastMessage: "INSERT OR IGNORE"
    default: "INSERT"
    }
  }

  /// What becomes of a row that is there already. Updating in place leaves the indexes alone.
  private var conflict: String {
    switch self {
    case .message:
      """
      ON CONFLICT (id) DO UPDATE SET arrived_at = excluded.arrived_at, sender = excluded.sender,
        message_id = excluded.message_id,
        size = excluded.size, original = excluded.original, held = excluded.held,
        last_at = excluded.last_at, ended_at = excluded.ended_at, tries = excluded.tries,
        last_try = excluded.last_try
      """
    case .recipient:
      """
      ON CONFLICT (id) DO UPDATE SET status = excluded.status, expired_at = excluded.expired_at,
        last_at = excluded.last_at, previous_at = excluded.previous_at
      """
    case .tally:
      """
      ON CONFLICT DO UPDATE SET count = count + excluded.count,
        first = min(first, excluded.first), last = max(last, excluded.last)
      """
    case .arrivalTally, .expiryTally, .sessionFailure:
      "ON CONFLICT DO UPDATE SET count = count + excluded.count"
    default: ""
    }
  }
}
