import Glibc
import MailModel

/// Finds an open message: where it is and its queue id, exact up to 32 bytes.
struct QueueKey: SeededKey {
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
    if let start = id.baseAddress {
      withUnsafeMutableBytes(of: &words) { target in
        target.copyMemory(from: UnsafeRawBufferPointer(start: start, count: min(id.count, 32)))
      }
    }
    (a, b, c) = (words.0, words.1, words.2)
    var rest = words.3
    // Longer ids: the tail folded in. Servers known so far stay below.
    for index in 32..<max(id.count, 32) { rest = rest &* 31 &+ UInt64(id[index]) }
    d = rest
  }

  @inline(__always)
  func hash(seed: UInt64) -> UInt64 {
    var state = mixed(seed ^ UInt64(bitPattern: origin) << 8, a)
    state = mixed(state, b ^ UInt64(truncatingIfNeeded: length))
    return length <= 16 ? state : mixed(mixed(state, c), d)
  }
}

/// A recipient of an open message: plain memory, its address lies in ``OpenMessage/texts``.
struct OpenRecipient {
  let row: Int64
  let address: Range<Int>
  let domain: Int64
  var status: StoredStatus
  var expiredAt: Int64?
  var lastAttemptAt: Int64?
  /// The attempt before the last: the age at which the message was still kept.
  var previousAttemptAt: Int64?
  /// Not in the store as it stands here.
  var isChanged: Bool
  /// Among the ones of its message that may wait for another attempt.
  var isListed = false
}

/// A message that has not ended, as the writer holds it. One thread has it at a time: the one that
/// reads until it leaves, the one that writes from then on.
final class OpenMessage: @unchecked Sendable {
  private(set) var row: Int64 = 0
  private(set) var origin: Int64 = 0
  /// The queue id, and what ranges of this message point to: one piece of memory for all its texts.
  private(set) var texts: [UInt8] = []
  private(set) var queueID = 0..<0
  private(set) var arrivedAt: Int64 = 0
  private(set) var sender: Range<Int>?
  private(set) var messageID: Range<Int>?
  var size: Int? { didSet { isRowChanged = true } }
  var original: Int64? { didSet { isRowChanged = true } }
  var isHeld = false { didSet { isRowChanged = true } }
  var lastAt: Int64 = 0
  var endedAt: Int64?
  /// Attempts, those of one second as one.
  private(set) var tries: Int64 = 0
  private(set) var lastTriedAt: Int64?
  /// The second of the attempt counted last that lies before ``lastTriedAt``: an older log is read.
  private var triedBefore: Int64?
  /// Not in the store as it stands here.
  var isChanged = false
  /// What changes seldom is not in the store as it stands here.
  var isRowChanged = true
  /// The store has it among the open ones.
  var isStoredOpen = false
  /// Ended, or left to the store: it will not change again here.
  var isLeaving = false
  /// The writer has it among the open ones.
  var isOpen = false
  /// Their number grows through ``add(_:_:)`` alone.
  var recipients: [OpenRecipient] = []
  /// Where they lie, once there are many.
  private var places: RecipientPlaces?
  /// Those that may wait for another attempt, once there are many.
  private var listed: [Int32] = []

  /// Recipients that are searched one by one.
  private static let few = 16
  /// Recipients that are told apart, and the bytes of their addresses, at most: what a list server
  /// sends fits; a log that makes up recipients must not.
  static let mostRecipients = 50_000
  static let mostText = 4 << 20

  /// One without a queue id, to ``begin(row:origin:queueID:arrivedAt:)`` with.
  init() {
    // A queue id, an address each way, and a Message-ID: what most messages have.
    texts.reserveCapacity(160)
  }

  /// Makes it stand for this message and no other. A mail server's log opens and ends thousands of
  /// messages a second: the room of one that was written serves the next.
  func begin(row: Int64, origin: Int64, queueID: some Collection<UInt8>, arrivedAt: Int64) {
    self.row = row
    self.origin = origin
    texts.removeAll(keepingCapacity: true)
    texts.append(contentsOf: queueID)
    self.queueID = 0..<queueID.count
    self.arrivedAt = arrivedAt
    sender = nil
    messageID = nil
    size = nil
    original = nil
    isHeld = false
    lastAt = arrivedAt
    endedAt = nil
    tries = 0
    lastTriedAt = nil
    triedBefore = nil
    isChanged = false
    isRowChanged = true
    isStoredOpen = false
    isLeaving = false
    isOpen = false
    recipients.removeAll(keepingCapacity: true)
  }

  /// Whether its room is worth keeping for another one.
  var isSmall: Bool { texts.capacity <= 256 && recipients.capacity <= 4 }

  func setSender(_ text: some Collection<UInt8>) {
    sender = keep(text)
    isRowChanged = true
  }

  func setMessageID(_ text: some Collection<UInt8>) {
    messageID = keep(text)
    isRowChanged = true
  }

  /// About the bytes that it holds.
  var weight: Int {
    OpenMessage.ownWeight + texts.count + recipients.count * OpenMessage.recipientWeight
  }

  private static let ownWeight = 320
  private static let recipientWeight = MemoryLayout<OpenRecipient>.stride + 24

  /// Whether further recipients share one entry.
  var isFull: Bool {
    recipients.count >= OpenMessage.mostRecipients || texts.count >= OpenMessage.mostText
  }

  /// Adds a recipient with this address, which is none of its recipients' yet.
  func add(
    _ address: some Collection<UInt8>,
    _ recipient: (_ address: Range<Int>) -> OpenRecipient
  ) {
    recipients.append(recipient(keep(address)))
    guard recipients.count > OpenMessage.few else { return }
    if places == nil {
      places = RecipientPlaces()
      for index in recipients.indices.dropLast() { note(index) }
    }
    note(recipients.count - 1)
  }

  /// Makes a recipient one that is found by its address.
  private func note(_ index: Int) {
    let address = recipients[index].address
    let hash = texts.withUnsafeBufferPointer {
      RecipientPlaces.hash(UnsafeBufferPointer(rebasing: $0[address]))
    }
    places?.insert(hash, place: index)
    if recipients[index].status == .deferred { list(index) }
  }

  private func list(_ index: Int) {
    guard places != nil, !recipients[index].isListed else { return }
    recipients[index].isListed = true
    listed.append(Int32(truncatingIfNeeded: index))
  }

  /// Takes up what became of an attempt for a recipient; gives the moment of the one before.
  func noteAttempt(_ index: Int, _ outcome: DeliveryOutcome, at: Int64) -> Int64? {
    let last = recipients[index].noteAttempt(outcome, at: at)
    if outcome == .deferred { list(index) }
    return last
  }

  /// The recipients that wait for another attempt. Of many only those are looked at that were deferred
  /// since the last call: the others have been given up, or delivered to.
  func takeDeferred() -> [Int] {
    guard places != nil else {
      return recipients.indices.filter { recipients[$0].status == .deferred }
    }
    for index in listed { recipients[Int(index)].isListed = false }
    let deferred = listed.map(Int.init).filter { recipients[$0].status == .deferred }
    listed.removeAll()
    return deferred.sorted()
  }

  private func keep(_ text: some Collection<UInt8>) -> Range<Int> {
    let start = texts.count
    texts.append(contentsOf: text)
    return start..<texts.count
  }

  /// Takes up that it came earlier than was known: an older log is read behind a newer one.
  func begin(earlier moment: Int64) {
    arrivedAt = min(arrivedAt, moment)
    isRowChanged = true
  }

  /// Counts an attempt for any of its recipients.
  func noteTry(at: Int64) {
    let second = at / 1_000_000
    if let last = lastTriedAt, at < last {
      if second != last / 1_000_000, second != triedBefore { tries += 1 }
      triedBefore = second
      return
    }
    if second != lastTriedAt.map({ $0 / 1_000_000 }) { tries += 1 }
    lastTriedAt = at
  }

  /// Takes up what the store counted: now it is as the store has it.
  func restore(tries: Int64, lastTriedAt: Int64?) {
    self.tries = tries
    self.lastTriedAt = lastTriedAt
    isRowChanged = false
    isStoredOpen = endedAt == nil
  }

  /// The index of the recipient with this address.
  func recipient(_ address: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let wanted = address.baseAddress else {
      return recipients.firstIndex { $0.address.isEmpty }
    }
    return texts.withUnsafeBytes { all in
      guard let start = all.baseAddress else { return nil }
      func isIt(_ one: OpenRecipient) -> Bool {
        one.address.count == address.count
          && memcmp(start + one.address.lowerBound, wanted, address.count) == 0
      }
      if let places {
        return places.first(RecipientPlaces.hash(address)) { isIt(recipients[$0]) }
      }
      return recipients.firstIndex(where: isIt)
    }
  }
}
