package import MailModel

/// What became of one input.
package struct InputReport: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case log
    case queue
    case queueListing = "queue-listing"
    case configuration
    case other
  }

  package var path: String
  package var kind: Kind
  /// The server whose lines or files it holds (several joined by `+`), nil where none was seen.
  package var format: String?
  /// Of the whole source, this run's and earlier ones'.
  package var lines = 0
  package var recognized = 0
  package var unrecognized = 0
  /// Uncompressed bytes of the source read so far.
  package var bytes: Int64 = 0
  /// Lines that this run read.
  package var newLines = 0
  /// Those of them that have no stamp of a log.
  package var withoutStamp = 0
  package var newest: Timestamp?
  package var troubles: [InputTrouble] = []

  package init(path: String, kind: Kind) {
    self.path = path
    self.kind = kind
  }
}

/// How logs are to be read.
package struct IngestOptions: Sendable {
  /// The zone of stamps that state none.
  package var zone: String
  /// The year of the last line, for stamps that state none.
  package var year: Int?
  /// The moment from which ages count; also the latest at which a line can have been written.
  package var now: Timestamp
  /// Bytes between two commits: what a run that is killed reads again at most.
  package var commitBytes: Int64 = 128 << 20
  /// Bytes between two batches of rows that are handed to SQLite.
  package var flushBytes: Int64 = 8 << 20
  /// Reads and counts only: nothing is written.
  package var isDiscarded = false

  package init(zone: String, year: Int?, now: Timestamp) {
    self.zone = zone
    self.year = year
    self.now = now
  }
}

/// How far ingest has come, for a progress bar: bytes of files as stored.
package struct IngestProgress: Hashable, Sendable {
  package var path: String
  package var bytesDone: Int64
  package var bytesInAll: Int64
}
