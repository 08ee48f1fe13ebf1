import GRDB

/// A log that is read behind a newer one tells how messages began of which the newer one told the end.
/// While it is read they are messages of their own: the end is not looked for line by line, since no
/// index leads to messages that have ended. When all is read the halves are joined.
extension IngestWriter {
  /// Joins what this run, and runs that were cut off, told of the past with what is known of the same
  /// messages. Throws ``StoreError``.
  mutating func joinPastMessages() throws {
    let isWanted = try store.read { db in
      try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM past_message)") ?? false
    }
    guard isWanted else { return }
    try store.write { db in
      // A message may be in three pieces: the next round joins what this one made.
      while case let pairs = try MessagePair.some(db), !pairs.isEmpty {
        try MessagePair.join(pairs, db)
      }
      try db.execute(sql: "DELETE FROM past_message")
    }
    // The store has them all, and nothing is read behind this.
    keepOpen { _ in false }
  }
}

/// Two rows that tell of one message.
private struct MessagePair {
  /// The one that knows the beginning.
  var kept: Int64
  var gone: Int64

  /// Messages of the past that have not ended, each with the one that ended next under the same queue
  /// id: one of them lacks the beginning, which a Message-ID shows. A message is in one pair at most;
  /// none is left where there are no pairs.
  static func some(_ db: Database) throws -> [MessagePair] {
    try db.execute(
      sql: """
        DROP TABLE IF EXISTS temp.past;
        CREATE TEMP TABLE past AS
          SELECT m.id, m.origin, m.queue_id, m.arrived_at, m.last_at, m.message_id
          FROM past_message p JOIN message_now m ON m.id = p.message WHERE m.ended_at IS NULL;
        CREATE INDEX temp.past_key ON past (queue_id, origin);
        """
    )
    // One walk over all messages, whatever the number of those of the past. The columns beside a
    // minimum are those of its row (https://www.sqlite.org/lang_select.html#bareagg).
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT p.id, m.id, p.message_id IS NULL, m.message_id IS NULL,
          p.arrived_at <= m.arrived_at, min(m.ended_at)
        FROM message m CROSS JOIN temp.past p ON p.queue_id = m.queue_id AND p.origin = m.origin
        WHERE m.id <> p.id AND m.ended_at >= p.last_at
          AND (m.message_id IS NULL OR p.message_id IS NULL)
        GROUP BY p.id ORDER BY p.id LIMIT 100000
        """
    )
    var taken: Set<Int64> = []
    var pairs: [MessagePair] = []
    for row in rows {
      let (past, ended): (Int64, Int64) = (row[0], row[1])
      guard !taken.contains(past), !taken.contains(ended) else { continue }
      taken.formUnion([past, ended])
      let (pastLacksBeginning, endedLacksBeginning): (Bool, Bool) = (row[2], row[3])
      let pastIsKept = pastLacksBeginning == endedLacksBeginning ? row[4] : endedLacksBeginning
      pairs.append(
        pastIsKept ? MessagePair(kept: past, gone: ended) : MessagePair(kept: ended, gone: past)
      )
    }
    return pairs
  }

  static func join(_ pairs: [MessagePair], _ db: Database) throws {
    try db.execute(
      sql: """
        DROP TABLE IF EXISTS temp.joined;
        DROP TABLE IF EXISTS temp.joined_recipient;
        CREATE TEMP TABLE joined (gone INTEGER PRIMARY KEY, kept INTEGER NOT NULL);
        CREATE TEMP TABLE joined_recipient (gone INTEGER PRIMARY KEY, kept INTEGER NOT NULL);
        """
    )
    for pair in pairs {
      try db.execute(
        sql: "INSERT INTO temp.joined VALUES (?, ?)",
        arguments: [pair.gone, pair.kept]
      )
    }
    try db.execute(sql: recipients + messages)
  }

  /// Recipients of both halves become one, and what was told of them theirs.
  private static let recipients = """
    INSERT INTO temp.joined_recipient
      SELECT g.id, k.id FROM temp.joined j JOIN recipient g ON g.message = j.gone
        JOIN recipient k ON k.message = j.kept AND k.address = g.address;
    UPDATE attempt SET recipient =
      (SELECT kept FROM temp.joined_recipient WHERE gone = recipient)
      WHERE recipient IN (SELECT gone FROM temp.joined_recipient);
    UPDATE expiry SET recipient =
      (SELECT kept FROM temp.joined_recipient WHERE gone = recipient)
      WHERE recipient IN (SELECT gone FROM temp.joined_recipient);
    UPDATE recipient AS k SET status = g.status, last_at = g.last_at,
        previous_at = coalesce(g.previous_at, k.last_at),
        expired_at = coalesce(g.expired_at, k.expired_at)
      FROM temp.joined_recipient j JOIN recipient g ON g.id = j.gone
      WHERE k.id = j.kept AND g.last_at > coalesce(k.last_at, g.last_at - 1);
    UPDATE recipient AS k SET previous_at = max(coalesce(k.previous_at, g.last_at), g.last_at)
      FROM temp.joined_recipient j JOIN recipient g ON g.id = j.gone
      WHERE k.id = j.kept AND g.last_at < k.last_at;
    DELETE FROM recipient WHERE id IN (SELECT gone FROM temp.joined_recipient);
    UPDATE recipient SET message = (SELECT kept FROM temp.joined WHERE gone = message)
      WHERE message IN (SELECT gone FROM temp.joined);

    """

  /// Ages count from the arrival that is known now; the other one was none.
  private static let messages = """
    UPDATE notification SET message = (SELECT kept FROM temp.joined WHERE gone = message)
      WHERE message IN (SELECT gone FROM temp.joined);
    UPDATE message SET original = (SELECT kept FROM temp.joined WHERE gone = original)
      WHERE original IN (SELECT gone FROM temp.joined);
    UPDATE arrival_tally AS t SET count = t.count - n.count FROM (
        SELECT m.origin AS origin, m.arrived_at / 3600000000 AS hour, count(*) AS count
        FROM temp.joined j JOIN message m ON m.id = j.gone GROUP BY 1, 2) n
      WHERE t.origin = n.origin AND t.hour = n.hour;
    DELETE FROM arrival_tally WHERE count <= 0;
    CREATE TEMP TABLE halves AS
      SELECT j.kept AS kept, m.* FROM temp.joined j JOIN message_now m ON m.id IN (j.kept, j.gone);
    UPDATE message SET (sender, message_id, size, original, held, last_at, ended_at, tries, last_try) =
      (SELECT max(sender), max(message_id), max(size), max(original), min(held), max(last_at),
          max(ended_at), sum(tries), max(last_try)
        FROM temp.halves h WHERE h.kept = message.id)
      WHERE id IN (SELECT kept FROM temp.joined);
    DROP TABLE temp.halves;
    DELETE FROM message WHERE id IN (SELECT gone FROM temp.joined);
    DELETE FROM open_message WHERE message IN (SELECT gone FROM temp.joined
      UNION SELECT kept FROM temp.joined);
    UPDATE expiry SET age = (at - m.arrived_at) / 1e6,
        previous_age = (r.previous_at - m.arrived_at) / 1e6
      FROM recipient r JOIN message m ON m.id = r.message
      WHERE r.id = expiry.recipient AND m.id IN (SELECT kept FROM temp.joined);
    """
}
