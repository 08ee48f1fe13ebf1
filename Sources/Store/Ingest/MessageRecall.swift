/// Reads messages back from the store, by prepared statements whose columns are taken by place: a log
/// that grew by a little begins with thousands of these questions.
final class MessageRecall {
  private let open: RawStatement
  private let numbered: RawStatement
  private let recipients: RawStatement

  private static let select = """
    SELECT id, origin, queue_id, arrived_at, sender, message_id, size, original, held, last_at,
      ended_at, tries, last_try
    FROM message_now
    """

  init(_ connection: OpaquePointer) throws {
    open = try RawStatement(
      connection,
      MessageRecall.select + " WHERE ended_at IS NULL AND queue_id = ? AND origin = ?"
    )
    numbered = try RawStatement(connection, MessageRecall.select + " WHERE id = ?")
    recipients = try RawStatement(
      connection,
      """
      SELECT id, address, domain, status, expired_at, last_at, previous_at
      FROM recipient WHERE message = ? ORDER BY id LIMIT ?
      """
    )
  }

  /// The open message under this id, with `most` of its recipients at most.
  func message(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    most: Int
  ) throws -> OpenMessage? {
    defer { open.clear() }
    open.bind(id, at: 1)
    open.bind(origin, at: 2)
    return try message(open, most: most)
  }

  /// The message of this row, with `most` of its recipients at most.
  func message(row: Int64, most: Int) throws -> OpenMessage? {
    numbered.bind(row, at: 1)
    return try message(numbered, most: most)
  }

  private func message(_ row: RawStatement, most: Int) throws -> OpenMessage? {
    defer { row.reset() }
    guard try row.next() else { return nil }
    let message = OpenMessage(row)
    recipients.bind(message.row, at: 1)
    recipients.bind(Int64(most), at: 2)
    try recipients.forEachRow { message.addRecipient(recipients) }
    return message
  }
}

extension OpenMessage {
  /// A message as ``MessageRecall`` asks for it, without its recipients.
  fileprivate convenience init(_ row: RawStatement) {
    self.init()
    let nothing = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    begin(
      row: row.number(0),
      origin: row.number(1),
      queueID: row.bytes(2) ?? nothing,
      arrivedAt: row.number(3)
    )
    if let sender = row.bytes(4) { setSender(sender) }
    if let messageID = row.bytes(5) { setMessageID(messageID) }
    size = row.numberOrNil(6).map { Int($0) }
    original = row.numberOrNil(7)
    isHeld = row.number(8) == 1
    lastAt = row.number(9)
    endedAt = row.numberOrNil(10)
    restore(tries: row.number(11), lastTriedAt: row.numberOrNil(12))
  }

  fileprivate func addRecipient(_ row: RawStatement) {
    add(row.bytes(1) ?? UnsafeBufferPointer(start: nil, count: 0)) { address in
      OpenRecipient(
        row: row.number(0),
        address: address,
        domain: row.number(2),
        status: StoredStatus(rawValue: row.number(3)) ?? .unknown,
        expiredAt: row.numberOrNil(4),
        lastAttemptAt: row.numberOrNil(5),
        previousAttemptAt: row.numberOrNil(6),
        isChanged: false
      )
    }
  }
}

extension IngestWriter {
  /// The message that the store has for a question, with as many of its recipients as may be recalled.
  /// `alongside` asks for it as it was before this run.
  mutating func recall(
    alongside: Bool,
    _ question: (_ store: MessageRecall, _ most: Int) throws -> OpenMessage?
  ) throws -> OpenMessage? {
    if alongside, !thread.hasSnapshot() {
      endAlongside()
      return try recall(alongside: false, question)
    }
    let most = recall.most
    let found = try thread.recall(alongside: alongside) { store in try question(store, most) }
    guard let message = found else { return nil }
    recall.count(message.recipients.count)
    taken += message.weight
    return message
  }

  /// From now on what is recalled may have been written in this run.
  package mutating func endAlongside() {
    isAlongside = false
    thread.endSnapshot()
  }
}

/// How many recipients may be read back from the store. A log can name message after message of which
/// the store knows thousands of recipients: what that may cost follows the lines of the log. Beyond it
/// a message comes without some of its recipients, and they are taken for new ones.
struct RecallAllowance {
  private var rows = 1_000_000

  /// For each attempt.
  private static let perAttempt = 16

  /// For the next message.
  var most: Int { max(rows, RecallAllowance.perAttempt) }

  mutating func earn() { rows = min(rows + RecallAllowance.perAttempt, 4_000_000) }

  mutating func count(_ recipients: Int) { rows = max(rows - recipients, 0) }
}
