import MailModel

/// The right to ingest into a database, until it is let go. A run holds numbers of names and messages,
/// and how far each source is read, from its first line to its last: SQLite's own lock is free between
/// two transactions, and what another run wrote there would be written over.
package final class IngestTurn: Sendable {
  /// None for a database in memory, which no other run knows.
  private let lock: LockFile?

  /// Takes the turn for the database at `path`, by a lock on `PATH-ingest`. Throws
  /// ``StoreError/busy(path:)`` where another run keeps it for longer than `waitSeconds`.
  package init(path: String, waitSeconds: Double) throws {
    guard path != ":memory:" else {
      lock = nil
      return
    }
    do throws(LockFile.Failure) {
      lock = try LockFile(path: path + "-ingest", waitSeconds: waitSeconds)
    } catch {
      switch error {
      case .kept: throw StoreError.busy(path: path)
      case .cannotOpen(let code): throw StoreError(opening: path, code: code)
      }
    }
  }

  /// The turn to ingest into `store`. Throws ``StoreError``.
  package convenience init(of store: TriageStore) throws {
    try self.init(path: store.path, waitSeconds: store.waitSeconds)
  }
}
