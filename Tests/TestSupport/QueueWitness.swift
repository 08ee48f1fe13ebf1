package import MailModel

/// Holds readings of a queue, taken while its server works in it, against what was there before and
/// after each.
package struct QueueWitness {
  /// Messages that were there all the time and were read.
  package private(set) var checked = 0
  package private(set) var seen: Set<String> = []
  package private(set) var states: Set<QueuedMessage.State> = []
  private let sender: String

  /// Every message has this sender and one recipient.
  package init(sender: String) { self.sender = sender }

  /// What is wrong with a reading, between two looks at the names of the queue's files.
  package mutating func faults(
    before: Set<String>,
    _ read: QueueSnapshot,
    after: Set<String>
  ) -> [String] {
    var faults = read.troubles.map { "\($0)" }
    let ids = Set(read.messages.map(\.queueID))
    if ids.count < read.messages.count { faults.append("a message is listed twice") }
    // What was there before and after was there all the time: ids do not come again.
    let stayed = before.intersection(after)
    let missed = stayed.subtracting(ids)
    if !missed.isEmpty { faults.append("missed: \(missed.sorted())") }
    for message in read.messages where stayed.contains(message.queueID) {
      if message.sender != sender { faults.append("\(message.queueID): from \(message.sender)") }
      if message.recipients.count != 1 {
        faults.append("\(message.queueID): \(message.recipients.count) recipients")
      }
    }
    checked += stayed.count
    seen.formUnion(ids)
    states.formUnion(read.messages.map(\.state))
    return faults
  }
}
