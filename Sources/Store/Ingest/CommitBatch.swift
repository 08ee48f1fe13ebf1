/// Rows that are written together.
struct CommitBatch: Sendable {
  /// Whether the transaction ends with it.
  var endsTransaction = false
  /// Messages that the reading thread lets go of; their rows are made by the writing one.
  var leaving: [OpenMessage] = []
  /// Sums of an hour.
  var tallies: SeededTable<TallyKey, TallyValue>?
  /// Messages that were written: their room is used again.
  var spent: [OpenMessage] = []
  private static let mostSpent = 4096
  private var buffers = Array(repeating: RowBuffer(), count: IngestTable.allCases.count)

  subscript(table: IngestTable) -> RowBuffer {
    _read { yield buffers[table.rawValue] }
    _modify { yield &buffers[table.rawValue] }
  }

  var isEmpty: Bool { leaving.isEmpty && tallies == nil && buffers.allSatisfy(\.isEmpty) }

  /// Empties it and keeps its room.
  mutating func removeAll() {
    leaving.removeAll(keepingCapacity: true)
    tallies = nil
    for place in buffers.indices { buffers[place].removeAll() }
  }

  /// Makes the rows of the messages that left.
  mutating func addLeaving() {
    for message in leaving {
      add(message)
      if spent.count < CommitBatch.mostSpent, message.isSmall { spent.append(message) }
    }
    leaving.removeAll(keepingCapacity: true)
  }

  /// Adds a message's row where it changed, what changes of it as long as it is open, and the rows of
  /// its recipients that changed.
  mutating func add(_ message: OpenMessage) {
    if message.isRowChanged || message.endedAt != nil {
      CommitBatch.add(message, to: &self[.message])
      message.isRowChanged = false
    }
    if message.endedAt == nil {
      CommitBatch.addOpen(message, to: &self[.openMessage])
      message.isStoredOpen = true
    } else if message.isStoredOpen {
      self[.endedMessage].add(message.row)
      message.isStoredOpen = false
    }
    CommitBatch.addRecipients(of: message, to: &self[.recipient])
  }

  private static func add(_ message: OpenMessage, to rows: inout RowBuffer) {
    rows.add(message.row)
    rows.add(message.origin)
    rows.add(text: message.queueID, of: message.texts)
    rows.add(message.arrivedAt)
    rows.add(text: message.sender, of: message.texts)
    rows.add(text: message.messageID, of: message.texts)
    rows.add(message.size.map { Int64($0) })
    rows.add(message.original)
    rows.add(message.isHeld ? 1 : 0)
    // As long as it is open these are elsewhere.
    let isOpen = message.endedAt == nil
    rows.add(isOpen ? message.arrivedAt : message.lastAt)
    rows.add(message.endedAt)
    rows.add(isOpen ? 0 : message.tries)
    rows.add(isOpen ? nil : message.lastTriedAt)
  }

  private static func addOpen(_ message: OpenMessage, to rows: inout RowBuffer) {
    rows.add(message.row)
    rows.add(message.lastAt)
    rows.add(message.tries)
    rows.add(message.lastTriedAt)
  }

  private static func addRecipients(of message: OpenMessage, to rows: inout RowBuffer) {
    let row = message.row
    let texts = message.texts
    message.recipients.withUnsafeMutableBufferPointer { recipients in
      for index in recipients.indices where recipients[index].isChanged {
        recipients[index].isChanged = false
        rows.add(recipients[index].row)
        rows.add(row)
        rows.add(text: recipients[index].address, of: texts)
        rows.add(recipients[index].domain)
        rows.add(recipients[index].status.rawValue)
        rows.add(recipients[index].expiredAt)
        rows.add(recipients[index].lastAttemptAt)
        rows.add(recipients[index].previousAttemptAt)
      }
    }
  }
}
