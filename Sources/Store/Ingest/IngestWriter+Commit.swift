import MailModel

extension IngestWriter {
  /// Hands over the rows that will not change any more, to be written while reading goes on; they
  /// count once the next ``commit(sources:states:)`` is through. Throws ``StoreError`` where an earlier
  /// batch could not be written.
  package mutating func flush() throws { try hand(isWhole: false) }

  /// Hands over all that waits, with the cursors up to which it was read and what the dialects
  /// remember: with what was flushed before it makes one transaction. Throws ``StoreError`` where an
  /// earlier batch could not be written; nothing of this one is written then.
  package mutating func commit(sources: [SourceCursor], states: [CarriedDialect]) throws {
    add(sources)
    add(states)
    addSpans()
    try hand(isWhole: true)
  }

  private mutating func hand(isWhole: Bool) throws {
    evict()
    channels.leaveMessages()
    taken = 0
    try handMessages(all: isWhole || isAlongside)
    if isWhole { thread.endSnapshot() }
    if isWhole || pending.tallies.count > IngestWriter.tallyLimit { pending.addTallies() }
    try handBatch(endsTransaction: isWhole)
  }

  private mutating func handBatch(endsTransaction: Bool) throws {
    var batch = pending.takeBatch(leaving: thread.emptyBatch())
    batch.endsTransaction = endsTransaction
    if isDiscarding { thread.recycle(batch) } else { try thread.write(batch) }
  }

  /// Waits until everything is in the store. Throws ``StoreError``.
  package mutating func finish() throws {
    try commit(sources: [], states: [])
    try thread.finish()
    if isFirstFill { store.endFirstFill() }
  }

  /// Remembers, with the next commit, that a file was read to its end.
  package mutating func noteSeen(_ file: SeenFile) {
    func add(to rows: inout RowBuffer) {
      rows.add(text: file.path.utf8)
      rows.add(file.device)
      rows.add(file.inode)
      rows.add(file.size)
      rows.add(file.modified)
      rows.add(text: file.sources.map(String.init).joined(separator: ",").utf8)
    }
    add(to: &pending.batch[.seenFile])
  }

  /// In the order of their rows: the same log gives the same file, and B-trees grow at their end.
  /// A message that is still open may change again, and is mostly written when all is; one that left
  /// goes to the other thread as it is. Many make several batches, since a batch keeps its room.
  private mutating func handMessages(all: Bool) throws {
    changed.sort { $0.row < $1.row }
    var later: [OpenMessage] = []
    var weight = 0
    for message in changed {
      if message.isLeaving {
        pending.batch.leaving.append(message)
      } else if all {
        message.isChanged = false
        pending.batch.add(message)
      } else {
        later.append(message)
        continue
      }
      weight += message.weight
      if weight > IngestWriter.batchWeight {
        try handBatch(endsTransaction: false)
        weight = 0
      }
    }
    changed = later
  }

  private mutating func add(_ sources: [SourceCursor]) {
    for one in sources { one.add(to: &pending.batch[.source]) }
  }

  private mutating func add(_ states: [CarriedDialect]) {
    for one in states {
      pending.batch[.dialectState].add(text: one.server.description.utf8)
      pending.batch[.dialectState].add(text: one.host.utf8)
      pending.batch[.dialectState].add(blob: one.state)
    }
  }

  private mutating func addSpans() {
    keepSpan()
    defer { spans.forgetOldest() }
    for key in changedSpans {
      guard let span = spans[key] else { continue }
      pending.batch[.sourceOrigin].add(key.source)
      pending.batch[.sourceOrigin].add(key.origin)
      pending.batch[.sourceOrigin].add(span.lowerBound)
      pending.batch[.sourceOrigin].add(span.upperBound)
    }
    changedSpans.removeAll()
  }

  /// Leaves the messages that have been quiet longest to the store, half of what may be held: memory
  /// holds what is likely to be met again.
  private mutating func evict() {
    guard open.count > IngestWriter.openLimit || openWeight > IngestWriter.openWeightLimit else {
      return
    }
    endAlongside()
    // Of those of one moment the ones that were opened first.
    let order = open.values.indices
      .map { (at: open.values[$0].lastAt, row: open.values[$0].row, place: $0) }
      .sorted { ($0.at, $0.row) < ($1.at, $1.row) }
    var count = open.count
    var weight = openWeight
    for one in order
    where count > IngestWriter.openLimit / 2 || weight > IngestWriter.openWeightLimit / 2 {
      storedOpen.insert(open.keys[one.place])
      let message = open.values[one.place]
      message.isLeaving = true
      count -= 1
      weight -= message.weight
    }
    keepOpen { !$0.isLeaving }
  }

  /// Keeps only some of the open messages in memory.
  mutating func keepOpen(where isKept: (OpenMessage) -> Bool) {
    let all = open
    open.removeAll()
    openWeight = 0
    for (key, message) in zip(all.keys, all.values) {
      message.isOpen = isKept(message)
      if message.isOpen { hold(message, key) }
    }
  }

  /// Takes a message up among the open ones.
  mutating func hold(_ message: OpenMessage, _ key: QueueKey) {
    message.isOpen = true
    openWeight += message.weight
    open.insert(key, message)
  }

  /// About the bytes of the messages of a batch, at most.
  static let batchWeight = 4 << 20
  /// Open messages held in memory at most.
  static let openLimit = 60_000
  /// About the bytes of them at most.
  static let openWeightLimit = 40 << 20
  /// Sums held in memory at most.
  static let tallyLimit = 25_000
}

/// A file that was read to its end, as it stood then.
package struct SeenFile: Hashable, Sendable {
  package var path: String
  package var device: Int64
  package var inode: Int64
  package var size: Int64
  /// Nanoseconds since the epoch.
  package var modified: Int64
  /// The sources that it holds.
  package var sources: [Int64]

  package init(
    path: String,
    device: Int64,
    inode: Int64,
    size: Int64,
    modified: Int64,
    sources: [Int64] = []
  ) {
    self.path = path
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.sources = sources
  }
}
