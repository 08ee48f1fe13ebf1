import Dispatch
import GRDB
import Synchronization

/// Writes batches of rows on a thread of its own while the next lines are read, in the order in which
/// they came. A transaction takes as many batches as it needs and ends with the one that says so. One
/// batch waits at most, so that memory stays bounded; a failure undoes the transaction and is told at
/// the next call, and nothing is written after it.
final class CommitThread: Sendable {
  private let store: TriageStore
  private let queue = DispatchQueue(label: "mailtriage.commit")
  private let room = DispatchSemaphore(value: 2)
  /// Only touched on `queue`, which is serial.
  private nonisolated(unsafe) var inserts: [IngestTable: BulkInsert] = [:]
  /// Only touched by the thread that reads.
  private nonisolated(unsafe) var recalling: MessageRecall?
  private nonisolated(unsafe) var snapshot: StoreSnapshot?
  private let failure = Mutex<StoreError?>(nil)
  private let waiting = Mutex<[CommitBatch]>([])
  /// Batches that were written: their room is used again.
  private let spare = Mutex<[CommitBatch]>([])

  init(store: TriageStore) { self.store = store }

  /// Hands a batch over; waits while another one waits already. Throws ``StoreError`` where an
  /// earlier batch failed.
  func write(_ batch: consuming CommitBatch) throws {
    try check()
    room.wait()
    let next = batch
    waiting.withLock { $0.append(next) }
    queue.async {
      if var next = self.waiting.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
        next.addLeaving()
        self.writeNow(next)
        next.removeAll()
        let empty = next
        self.spare.withLock { $0.append(empty) }
      }
      self.room.signal()
    }
  }

  /// An empty batch, with room where one was written before.
  func emptyBatch() -> CommitBatch { spare.withLock { $0.popLast() } ?? CommitBatch() }

  /// Takes back a batch that is not needed any more.
  func recycle(_ batch: consuming CommitBatch) {
    var batch = batch
    batch.removeAll()
    let empty = batch
    spare.withLock { $0.append(empty) }
  }

  /// Asks the store, what was handed over so far included. Throws ``StoreError``. The transaction
  /// begins with the first question: thousands of them follow, and each would take and leave a lock.
  func read<Value>(_ question: (Database) throws -> Value) throws -> Value {
    queue.sync {}
    try check()
    return try store.lookUp { db in
      if !db.isInsideTransaction { try db.beginTransaction(.immediate) }
      return try question(db)
    }
  }

  /// Asks for messages as ``read(_:)`` asks the store, or `alongside` of what is being written: then
  /// they are as they were before it. Throws ``StoreError``.
  func recall<Value>(
    alongside: Bool,
    _ question: (MessageRecall) throws -> Value
  ) throws -> Value {
    if alongside, let snapshot {
      do { return try question(snapshot.recall) } catch {
        throw StoreError(error, path: store.path)
      }
    }
    return try read { db in
      guard let recall = try recalling ?? db.sqliteConnection.map(MessageRecall.init) else {
        throw SQLiteFailure.closed
      }
      recalling = recall
      return try question(recall)
    }
  }

  /// Whether it may be asked alongside.
  func hasSnapshot() -> Bool {
    if snapshot == nil { snapshot = StoreSnapshot(of: store) }
    return snapshot != nil
  }

  /// Lets go of what the store was before: a write-ahead log that somebody reads is not used anew.
  func endSnapshot() { snapshot = nil }

  /// Waits until all that was handed over is in the store, and lets go of the statements; a
  /// transaction that was not brought to its end is undone. Throws ``StoreError``.
  func finish() throws {
    recalling = nil
    endSnapshot()
    queue.sync {
      inserts = [:]
      undo()
    }
    try check()
  }

  private func check() throws {
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  private func undo() {
    try? store.database.writeWithoutTransaction { db in
      if db.isInsideTransaction { try db.rollback() }
    }
  }

  private func writeNow(_ batch: CommitBatch) {
    guard failure.withLock({ $0 == nil }) else { return }
    do {
      try store.database.writeWithoutTransaction { db in
        if !db.isInsideTransaction {
          if batch.isEmpty { return }
          try db.beginTransaction(.immediate)
        }
        guard let connection = db.sqliteConnection else { throw SQLiteFailure.closed }
        try write(batch, connection)
        if batch.endsTransaction { try db.commit() }
      }
    } catch {
      let failed = StoreError(error, path: store.path)
      failure.withLock { $0 = failed }
      undo()
    }
  }

  private func write(_ batch: CommitBatch, _ connection: OpaquePointer) throws {
    for table in IngestTable.allCases where !batch[table].isEmpty {
      try insert(into: table, connection).write(batch[table])
    }
    if let tallies = batch.tallies {
      let insert = try insert(into: .tally, connection)
      try tallies.giveRows(insert.write)
    }
  }

  private func insert(
    into table: IngestTable,
    _ connection: OpaquePointer
  ) throws -> BulkInsert {
    let insert = try inserts[table] ?? BulkInsert(connection, into: table)
    inserts[table] = insert
    return insert
  }
}
