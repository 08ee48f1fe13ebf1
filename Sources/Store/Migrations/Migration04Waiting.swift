import GRDB

/// What questions about waiting messages would otherwise look up in all attempts and notices: how often
/// a message was tried and when last, and an index of the notices by message.
enum Migration04Waiting {
  static let name = "04-waiting"

  static func apply(_ db: Database) throws {
    try db.execute(
      sql: """
        ALTER TABLE message ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE message ADD COLUMN last_try INTEGER;
        CREATE INDEX notification_of_message ON notification (message);
        CREATE TEMP TABLE waiting_tries AS
          SELECT r.message AS message, count(DISTINCT a.at / 1000000) AS tries, max(a.at) AS last_try
          FROM message m JOIN recipient r ON r.message = m.id JOIN attempt a ON a.recipient = r.id
          WHERE m.ended_at IS NULL GROUP BY m.id;
        UPDATE message SET (tries, last_try) =
          (SELECT t.tries, t.last_try FROM waiting_tries t WHERE t.message = message.id)
          WHERE id IN (SELECT message FROM waiting_tries);
        DROP TABLE waiting_tries;
        """
    )
  }
}
