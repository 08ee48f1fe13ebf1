import MailModel

/// Finds an open message: where it is and its queue id, exact up to 32 bytes.
struct QueueKey: Hashable {
  private let origin: Int64
  private let a: UInt64
  private let b: UInt64
  private let c: UInt64
  private let d: UInt64
  private let length: Int

  init(origin: Int64, id: UnsafeBufferPointer<UInt8>) {
    self.origin = origin
    length = id.count
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { target in
      for index in 0..<min(id.count, 32) { target[index] = id[index] }
    }
    (a, b, c) = (words.0, words.1, words.2)
    var rest = words.3
    // Longer ids: the tail folded in. Servers known so far stay below.
    for index in 32..<max(id.count, 32) { rest = rest &* 31 &+ UInt64(id[index]) }
    d = rest
  }
}

/// A recipient of an open message.
struct OpenRecipient {
  var row: Int64
  var address: [UInt8]
  var domain: Int64
  var status: StoredStatus
  var expiredAt: Int64?
  var lastAttemptAt: Int64?
  /// The attempt before the last: the age at which the message was still kept.
  var previousAttemptAt: Int64?
  var isNew: Bool
  var isDirty: Bool
}

/// A message that has not ended, as the writer holds it.
final class OpenMessage {
  let row: Int64
  let origin: Int64
  let queueID: [UInt8]
  var arrivedAt: Int64
  var sender: [UInt8]?
  var messageID: [UInt8]?
  var size: Int?
  var original: Int64?
  var isHeld = false
  var lastAt: Int64
  var endedAt: Int64?
  var isNew: Bool
  var isDirty = false
  var recipients: [OpenRecipient] = []

  init(row: Int64, origin: Int64, queueID: [UInt8], arrivedAt: Int64, isNew: Bool) {
    self.row = row
    self.origin = origin
    self.queueID = queueID
    self.arrivedAt = arrivedAt
    self.lastAt = arrivedAt
    self.isNew = isNew
  }

  /// The index of the recipient with this address.
  func recipient(_ address: UnsafeBufferPointer<UInt8>) -> Int? {
    recipients.firstIndex { one in
      one.address.count == address.count && one.address.elementsEqual(address)
    }
  }
}
