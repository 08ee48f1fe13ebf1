import GRDB

/// What changes of a message with each attempt lies apart as long as it is open. The open ones are few
/// and old: each was the only one to change on a page of messages that had ended.
enum Migration05Open {
  static let name = "05-open"

  static func apply(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE open_message (
          message INTEGER PRIMARY KEY, last_at INTEGER NOT NULL, tries INTEGER NOT NULL,
          last_try INTEGER
        ) STRICT;
        INSERT INTO open_message
          SELECT id, last_at, tries, last_try FROM message WHERE ended_at IS NULL;
        UPDATE message SET last_at = arrived_at, tries = 0, last_try = NULL WHERE ended_at IS NULL;
        -- Looked up for the open ones only: most questions go over messages that have ended.
        CREATE VIEW message_now AS
          SELECT id, origin, queue_id, arrived_at, sender, message_id, size, original, held, ended_at,
            CASE WHEN ended_at IS NULL THEN
              coalesce((SELECT o.last_at FROM open_message o WHERE o.message = message.id), last_at)
              ELSE last_at END AS last_at,
            CASE WHEN ended_at IS NULL THEN
              coalesce((SELECT o.tries FROM open_message o WHERE o.message = message.id), tries)
              ELSE tries END AS tries,
            CASE WHEN ended_at IS NULL THEN
              coalesce((SELECT o.last_try FROM open_message o WHERE o.message = message.id), last_try)
              ELSE last_try END AS last_try
          FROM message;
        """
    )
  }
}
