/// Which open messages are in the store only, as hashes of their keys: a question that needs no look
/// into the store for nearly every line. Beyond a limit it no longer knows, and the store is asked.
struct StoredOpen {
  private var hashes: Set<UInt64> = []
  private(set) var isOverfull = false
  private let seed: UInt64

  /// Sixteen megabytes of them at most.
  private static let most = 1_000_000

  init(seed: UInt64) { self.seed = seed }

  /// Whether the store may hold the message.
  @inline(__always)
  func mayHold(_ key: QueueKey) -> Bool {
    if hashes.isEmpty, !isOverfull { return false }
    return isOverfull || hashes.contains(key.hash(seed: seed))
  }

  mutating func insert(_ key: QueueKey) {
    if hashes.count >= StoredOpen.most {
      isOverfull = true
      hashes = []
    }
    if !isOverfull { hashes.insert(key.hash(seed: seed)) }
  }

  mutating func remove(_ key: QueueKey) {
    if !isOverfull { hashes.remove(key.hash(seed: seed)) }
  }
}
