import CSQLiteSettings
import FoundationEssentials
package import GRDB
import GRDBSQLite
import MailModel

#if canImport(Glibc)
  import Glibc
#endif

/// Why the database cannot be used.
package enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Another run holds it.
  case busy(path: String)
  case damaged(path: String, detail: String)
  /// A newer mailtriage wrote it.
  case newer(path: String)
  case noSpace(path: String)
  case noPermission(path: String)
  case cannotOpen(path: String, detail: String)
  case failed(path: String, detail: String)

  package var description: String {
    switch self {
    case .busy(let path): "\(path): another run holds the database"
    case .damaged(let path, let detail):
      "\(path): the database is damaged (\(detail)); it is kept as it is. "
        + "Move it away, or run again with --rebuild to read the sources anew"
    case .newer(let path):
      "\(path): written by a newer mailtriage; update this one, or name another --database"
    case .noSpace(let path):
      "\(path): no space left on the device; what was committed is kept, run again when there is room"
    case .noPermission(let path): "\(path): no permission to open or write the database"
    case .cannotOpen(let path, let detail): "\(path): the database cannot be opened: \(detail)"
    case .failed(let path, let detail): "\(path): the database failed: \(detail)"
    }
  }

  /// Why a file of the database could not be opened, by its `errno`.
  init(opening path: String, code: Int32) {
    switch code {
    case EACCES, EPERM, EROFS: self = .noPermission(path: path)
    case ENOSPC: self = .noSpace(path: path)
    default: self = .cannotOpen(path: path, detail: String(cString: strerror(code)))
    }
  }

  /// What SQLite said, as one of ours.
  package init(_ error: any Error, path: String) {
    let raw = (error as? SQLiteFailure).map {
      DatabaseError(resultCode: ResultCode(rawValue: $0.code), message: $0.message)
    }
    guard let error = raw ?? error as? DatabaseError else {
      self = (error as? StoreError) ?? .failed(path: path, detail: "\(error)")
      return
    }
    let detail = error.message ?? "SQLite error \(error.resultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, detail: detail)
    case .SQLITE_FULL: self = .noSpace(path: path)
    case .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH: self = .noPermission(path: path)
    case .SQLITE_CANTOPEN: self = .cannotOpen(path: path, detail: detail)
    default: self = .failed(path: path, detail: detail)
    }
  }
}

/// The database: one writer, SQLite in WAL mode, mode 0600.
package struct TriageStore: Sendable {
  /// The path, or `:memory:`.
  package let path: String
  package let database: DatabaseQueue
  /// Seconds for which a lock that another run holds is waited for.
  let waitSeconds: Double

  /// Migrations in order. A migration that was released is never edited; a new one is appended.
  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration(Migration01Ingest.name, migrate: Migration01Ingest.apply)
    migrator.registerMigration(Migration02Trials.name, migrate: Migration02Trials.apply)
    migrator.registerMigration(Migration03Alerts.name, migrate: Migration03Alerts.apply)
    migrator.registerMigration(Migration04Waiting.name, migrate: Migration04Waiting.apply)
    migrator.registerMigration(Migration05Open.name, migrate: Migration05Open.apply)
    migrator.registerMigration(Migration06Past.name, migrate: Migration06Past.apply)
    return migrator
  }

  /// Opens the database at `path`, making it and its directory where they are missing, and brings it
  /// to the present form. `:memory:` keeps nothing. Throws ``StoreError``.
  package init(path: String, waitSeconds: Double = 5) throws {
    self.path = path
    self.waitSeconds = waitSeconds
    var configuration = GRDB.Configuration()
    configuration.busyMode = .timeout(waitSeconds)
    configuration.label = "mailtriage"
    // A transaction of ingest takes several batches.
    configuration.allowsUnsafeTransactions = true
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA temp_store = MEMORY")
      try db.execute(sql: "PRAGMA cache_size = -16384")
      // What a run adds to a log that grew by a little goes to the database once, at its end.
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 8192")
    }
    _ = TriageStore.settings
    do {
      if path == ":memory:" {
        database = try DatabaseQueue(configuration: configuration)
      } else {
        try TriageStore.prepareFile(path)
        database = try DatabaseQueue(path: path, configuration: configuration)
        try database.writeWithoutTransaction(TriageStore.useWriteAheadLog)
      }
      let migrator = TriageStore.migrator
      if try database.read(migrator.hasBeenSuperseded) { throw StoreError.newer(path: path) }
      if try !database.read(migrator.hasCompletedMigrations) {
        // Two first runs at once: the second one finds it done.
        let turn = try IngestTurn(path: path, waitSeconds: waitSeconds)
        try withExtendedLifetime(turn) {
          if try !database.read(migrator.hasCompletedMigrations) { try migrator.migrate(database) }
        }
      }
    } catch {
      throw StoreError(error, path: path)
    }
  }

  /// Settings of the library, made before its first use. It counts each piece of memory under one lock
  /// for all connections, unless told not to.
  private static let settings: Void = { _ = sqlite3_config_memstatus(0) }()

  /// Makes the directory (0700) and the file (0600) before SQLite would make it readable to all.
  private static func prepareFile(_ path: String) throws {
    let directory = URL(filePath: path).deletingLastPathComponent().path
    if !FileManager.default.fileExists(atPath: directory) {
      do {
        try FileManager.default.createDirectory(
          atPath: directory,
          withIntermediateDirectories: true,
          attributes: [.posixPermissions: 0o700]
        )
      } catch {
        throw StoreError.cannotOpen(path: path, detail: "its directory cannot be made")
      }
    }
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw StoreError(opening: path, code: errno) }
    close(descriptor)
  }

  /// Sets the files of a database aside so that the next run starts anew: `PATH.old`. Gives the path
  /// under which the old one is kept, or nil where there was none.
  package static func setAside(path: String) throws -> String? {
    guard path != ":memory:", FileManager.default.fileExists(atPath: path) else { return nil }
    let kept = path + ".old"
    // What a run that was killed left to be undone belongs to the old one.
    for suffix in ["", "-wal", "-shm", "-journal"] {
      try? FileManager.default.removeItem(atPath: kept + suffix)
      if FileManager.default.fileExists(atPath: path + suffix) {
        do {
          try FileManager.default.moveItem(atPath: path + suffix, toPath: kept + suffix)
        } catch {
          throw StoreError.cannotOpen(path: path, detail: "it cannot be set aside")
        }
      }
    }
    return kept
  }

  /// Whether what it holds can be asked for now; a lock is waited for first.
  package var isReadable: Bool {
    (try? read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM source") }) != nil
  }

  /// Runs a question. Throws ``StoreError``.
  package func read<Value>(_ question: (Database) throws -> Value) throws -> Value {
    do { return try database.read(question) } catch { throw StoreError(error, path: path) }
  }

  /// Runs a question that is one statement, or whose statements need no common moment: without a
  /// transaction of its own, which costs more than such a question. Throws ``StoreError``.
  func lookUp<Value>(_ question: (Database) throws -> Value) throws -> Value {
    do { return try database.unsafeRead(question) } catch { throw StoreError(error, path: path) }
  }

  /// Runs a change in one transaction. Throws ``StoreError``.
  package func write<Value>(_ change: (Database) throws -> Value) throws -> Value {
    do { return try database.write(change) } catch { throw StoreError(error, path: path) }
  }
}
