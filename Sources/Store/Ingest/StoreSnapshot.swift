import GRDB
import GRDBSQLite

/// A connection of its own that reads the store as it was when it was first asked, while another one
/// writes (<https://www.sqlite.org/wal.html#concurrency>).
final class StoreSnapshot {
  let recall: MessageRecall
  private let connection: OpaquePointer

  /// Nil where a reader would keep the writer waiting, or cannot be had.
  init?(of store: TriageStore) {
    let mode = try? store.lookUp { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
    guard mode == "wal" else { return nil }
    var opened: OpaquePointer?
    // One thread asks.
    let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(store.path, &opened, flags, nil)
    guard code == SQLITE_OK, let opened else {
      sqlite3_close_v2(opened)
      return nil
    }
    sqlite3_busy_timeout(opened, Int32(clamping: Int(store.waitSeconds * 1000)))
    guard sqlite3_exec(opened, "BEGIN", nil, nil, nil) == SQLITE_OK,
      let recall = try? MessageRecall(opened)
    else {
      sqlite3_close_v2(opened)
      return nil
    }
    connection = opened
    self.recall = recall
  }

  // The statements that are left are finalised with ``recall``, and close it for good.
  deinit { sqlite3_close_v2(connection) }
}
