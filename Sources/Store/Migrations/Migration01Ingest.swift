import GRDB

/// What ingest keeps: sources with their cursors, names, messages, recipients, attempts, hourly
/// tallies, and what the queue looked like.
enum Migration01Ingest {
  static let name = "01-ingest"

  static func apply(_ db: Database) throws {
    try db.execute(
      sql: """
        -- One row per distinct content, whatever files hold it: found by the hash of its first
        -- head_length bytes and of the tail_length bytes before the cursor.
        CREATE TABLE source (
          id INTEGER PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, format TEXT,
          head_length INTEGER NOT NULL, head_hash INTEGER NOT NULL,
          tail_length INTEGER NOT NULL DEFAULT 0, tail_hash INTEGER NOT NULL DEFAULT 0,
          cursor INTEGER NOT NULL DEFAULT 0, lines INTEGER NOT NULL DEFAULT 0,
          recognized INTEGER NOT NULL DEFAULT 0, unrecognized INTEGER NOT NULL DEFAULT 0,
          foreign_lines INTEGER NOT NULL DEFAULT 0,
          oldest INTEGER, newest INTEGER, last_stamp INTEGER
        ) STRICT;
        -- Files as they stood when they had been read to their end: unchanged ones need no look.
        CREATE TABLE seen_file (
          path TEXT PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL,
          size INTEGER NOT NULL, modified INTEGER NOT NULL, sources TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE source_origin (
          source INTEGER NOT NULL, origin INTEGER NOT NULL, oldest INTEGER NOT NULL,
          newest INTEGER NOT NULL, PRIMARY KEY (source, origin)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE dialect_state (
          server TEXT NOT NULL, host TEXT NOT NULL, state BLOB NOT NULL,
          PRIMARY KEY (server, host)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE origin (
          id INTEGER PRIMARY KEY, server TEXT NOT NULL, host TEXT NOT NULL,
          UNIQUE (server, host)
        ) STRICT;
        CREATE TABLE domain (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE relay (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE reason (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE message (
          id INTEGER PRIMARY KEY, origin INTEGER NOT NULL, queue_id TEXT NOT NULL,
          arrived_at INTEGER NOT NULL, sender TEXT, message_id TEXT, size INTEGER,
          original INTEGER, held INTEGER NOT NULL DEFAULT 0, last_at INTEGER NOT NULL,
          ended_at INTEGER
        ) STRICT;
        CREATE INDEX message_open ON message (queue_id, origin) WHERE ended_at IS NULL;
        CREATE TABLE recipient (
          id INTEGER PRIMARY KEY, message INTEGER NOT NULL, address TEXT NOT NULL,
          domain INTEGER NOT NULL, status INTEGER NOT NULL, expired_at INTEGER,
          last_at INTEGER, previous_at INTEGER
        ) STRICT;
        CREATE INDEX recipient_of_message ON recipient (message);
        CREATE TABLE attempt (
          id INTEGER PRIMARY KEY, recipient INTEGER NOT NULL, at INTEGER NOT NULL,
          facts INTEGER NOT NULL, relay INTEGER, reply INTEGER, cause INTEGER, status INTEGER,
          source INTEGER NOT NULL, offset INTEGER NOT NULL,
          cause_source INTEGER, cause_offset INTEGER
        ) STRICT;
        CREATE TABLE expiry (
          id INTEGER PRIMARY KEY, recipient INTEGER NOT NULL, at INTEGER NOT NULL,
          age REAL, previous_age REAL
        ) STRICT;
        CREATE TABLE notification (
          id INTEGER PRIMARY KEY, message INTEGER NOT NULL, kind INTEGER NOT NULL,
          at INTEGER NOT NULL, notice TEXT, source INTEGER NOT NULL, offset INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE marker (
          origin INTEGER NOT NULL, kind INTEGER NOT NULL, second INTEGER NOT NULL,
          at INTEGER NOT NULL, value REAL, source INTEGER NOT NULL, offset INTEGER NOT NULL,
          PRIMARY KEY (origin, kind, second)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tally (
          hour INTEGER NOT NULL, origin INTEGER NOT NULL, domain INTEGER NOT NULL,
          relay INTEGER NOT NULL, facts INTEGER NOT NULL, status INTEGER NOT NULL,
          reply INTEGER NOT NULL, cause INTEGER NOT NULL, count INTEGER NOT NULL,
          first INTEGER NOT NULL, last INTEGER NOT NULL,
          source INTEGER NOT NULL, offset INTEGER NOT NULL,
          cause_source INTEGER, cause_offset INTEGER,
          PRIMARY KEY (hour, origin, domain, relay, facts, status, reply, cause)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE arrival_tally (
          hour INTEGER NOT NULL, origin INTEGER NOT NULL, count INTEGER NOT NULL,
          PRIMARY KEY (hour, origin)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE expiry_tally (
          hour INTEGER NOT NULL, origin INTEGER NOT NULL, domain INTEGER NOT NULL,
          count INTEGER NOT NULL, PRIMARY KEY (hour, origin, domain)
        ) STRICT, WITHOUT ROWID;
        -- Lines that must outlive their file: one per kind of failure and domain, and not understood.
        CREATE TABLE evidence (
          domain INTEGER NOT NULL, reply INTEGER NOT NULL, cause INTEGER NOT NULL,
          source INTEGER NOT NULL, offset INTEGER NOT NULL, line TEXT NOT NULL,
          PRIMARY KEY (domain, reply, cause)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX evidence_at ON evidence (source, offset);
        CREATE TABLE not_understood (
          source INTEGER NOT NULL, offset INTEGER NOT NULL, line TEXT NOT NULL,
          PRIMARY KEY (source, offset)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE session_failure (
          origin INTEGER NOT NULL, hour INTEGER NOT NULL, side TEXT NOT NULL,
          reason INTEGER NOT NULL, count INTEGER NOT NULL,
          PRIMARY KEY (origin, hour, side, reason)
        ) STRICT, WITHOUT ROWID;
        -- The newest look at each queue.
        CREATE TABLE queue (
          id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, server TEXT NOT NULL, host TEXT,
          taken_at INTEGER NOT NULL, lists_messages INTEGER NOT NULL, troubles TEXT NOT NULL
        ) STRICT;
        CREATE TABLE queue_message (
          id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, queue_id TEXT NOT NULL,
          body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX queue_message_of_queue ON queue_message (queue);
        CREATE TABLE retry_record (
          id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX retry_record_of_queue ON retry_record (queue);
        """
    )
  }
}
