/// Messages that have ended, found by queue id: a server uses an id again for another message.
struct EndedMessages {
  /// A message, from when to when it was there, and its row.
  struct Message {
    var key: QueueKey
    var row: Int64
    var from: Int64
    var to: Int64
    /// Another one of the same queue id; -1 where there is none.
    fileprivate var next: Int32 = -1

    init(key: QueueKey, row: Int64, from: Int64, to: Int64) {
      self.key = key
      self.row = row
      self.from = from
      self.to = to
    }
  }

  private var messages: [Message] = []
  /// A place among ``messages``.
  private var byID: SeededTable<QueueKey, Int32>
  private let seed: UInt64

  /// Messages of one queue id that are looked at.
  private static let mostOfOneID = 64

  init(seed: UInt64) {
    self.seed = seed
    byID = SeededTable(seed: seed)
  }

  var count: Int { messages.count }

  mutating func removeAll() {
    byID = SeededTable(seed: seed)
    messages = []
  }

  /// Takes further messages, and forgets those that ended before `start`, and the first where there
  /// are more than `most`.
  mutating func turn(to start: Int64, adding new: [Message], most: Int) {
    let kept = messages.filter { $0.to >= start } + new
    removeAll()
    for message in kept.suffix(most) { add(message) }
  }

  /// The row of the message that had this id at that moment, give or take `slack`.
  func row(_ key: QueueKey, at: Int64, slack: Int64) -> Int64? {
    guard var place = byID[key] else { return nil }
    for _ in 0..<EndedMessages.mostOfOneID where place >= 0 {
      let message = messages[Int(place)]
      if at >= message.from - slack, at <= message.to + slack { return message.row }
      place = message.next
    }
    return nil
  }

  private mutating func add(_ message: Message) {
    let here = Int32(truncatingIfNeeded: messages.count)
    var message = message
    message.next = -1
    if let place = byID.place(of: message.key) {
      message.next = byID.update(at: place) { first in
        defer { first = here }
        return first
      }
    } else {
      byID.insert(message.key, here)
    }
    messages.append(message)
  }
}
