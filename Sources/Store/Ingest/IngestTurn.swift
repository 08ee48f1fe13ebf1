import Glibc

/// The right to ingest into a database, until it is let go. A run holds numbers of names and messages,
/// and how far each source is read, from its first line to its last: SQLite's own lock is free between
/// two transactions, and what another run wrote there would be written over.
package final class IngestTurn: Sendable {
  private let descriptor: Int32

  /// Takes the turn for the database at `path`, by a lock on `PATH-ingest`; the system lets go of it
  /// when the run ends, however it does. Throws ``StoreError/busy(path:)`` where another run keeps it
  /// for longer than `waitSeconds`.
  package init(path: String, waitSeconds: Double) throws {
    guard path != ":memory:" else {
      descriptor = -1
      return
    }
    let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
    descriptor = open(path + "-ingest", flags, 0o600)
    guard descriptor >= 0 else { throw StoreError(opening: path, code: errno) }
    let end = ContinuousClock.now + .seconds(waitSeconds)
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard ContinuousClock.now < end else { throw StoreError.busy(path: path) }
      usleep(20_000)
    }
  }

  /// The turn to ingest into `store`. Throws ``StoreError``.
  package convenience init(of store: TriageStore) throws {
    try self.init(path: store.path, waitSeconds: store.waitSeconds)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
