import FoundationEssentials
import MailModel

/// `postqueue -j`: a JSON object per message. Source: postqueue(1).
struct PostfixQueueListing {
  private struct Entry: Decodable {
    var queue_name: String
    var queue_id: String
    var arrival_time: Int64
    var message_size: Int?
    var forced_expire: Bool?
    var sender: String
    var recipients: [Recipient]

    struct Recipient: Decodable {
      var address: String
      var delay_reason: String?
    }
  }

  /// Whether a file begins like a listing.
  static func begins(_ head: Span<UInt8>) -> Bool {
    var at = 0
    while at < head.count, head[at] == 0x20 || head[at] == 0x0a || head[at] == 0x0d { at += 1 }
    guard at < head.count, head[at] == UInt8(ascii: "{") else { return false }
    let end =
      head.firstIndex(of: UInt8(ascii: "\n"), from: at, to: head.count) ?? head.count
    return head.firstIndex(of: "\"queue_name\"", from: at, to: end) != nil
      && head.firstIndex(of: "\"queue_id\"", from: at, to: end) != nil
  }

  static func read(_ bytes: [UInt8], path: String, now: Timestamp) -> QueueSnapshot {
    let decoder = JSONDecoder()
    var messages: [QueuedMessage] = []
    var troubles: [ReadTrouble] = []
    var offset: Int64 = 0
    for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
      defer { offset += Int64(line.count) + 1 }
      guard line.contains(where: { $0 > 0x20 }) else { continue }
      guard let entry = try? decoder.decode(Entry.self, from: Data(line)) else {
        troubles.append(
          ReadTrouble(path: path, offset: offset, reason: "not an entry of postqueue -j")
        )
        continue
      }
      messages.append(message(entry))
    }
    return QueueSnapshot(
      server: MailServerID("postfix"),
      path: path,
      takenAt: now,
      messages: messages,
      troubles: troubles
    )
  }

  private static func message(_ entry: Entry) -> QueuedMessage {
    let state: QueuedMessage.State =
      switch entry.queue_name {
      case "active": .active
      case "hold": .held
      case "incoming", "maildrop": .incoming
      case "corrupt": .corrupt
      default: .deferred
      }
    return QueuedMessage(
      queueID: entry.queue_id,
      state: state,
      sender: entry.sender == "MAILER-DAEMON" ? "" : entry.sender,
      arrivedAt: PostfixQueueID.creation(entry.queue_id) ?? Timestamp(seconds: entry.arrival_time),
      lifetimeBase: Timestamp(seconds: entry.arrival_time),
      size: entry.message_size,
      recipients: entry.recipients.map {
        QueuedRecipient(address: $0.address, reason: $0.delay_reason)
      },
      isForcedToExpire: entry.forced_expire ?? false
    )
  }
}
