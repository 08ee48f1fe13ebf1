/// Where a line stands: the source's row in the store and the byte offset of the line's start.
package struct LinePosition: Hashable, Sendable {
  package var source: Int64
  package var offset: Int64

  @inlinable package init(source: Int64, offset: Int64) {
    self.source = source
    self.offset = offset
  }
}

/// One framed log line after its envelope was read. Ranges index the bytes that come with it.
package struct LogLine: Sendable {
  /// When the line was written.
  package var moment: Timestamp
  /// The process that wrote it; 0 where the envelope does not say.
  package var pid: Int32
  /// The syslog tag without `[pid]` and colon (`postfix/smtp`, `sm-mta`); empty where there is none.
  package var tag: Range<Int>
  /// The number that ``LogDialect/program(tag:)`` gave the tag; 0 where there is none.
  package var program: Int
  /// What the program said, envelope removed.
  package var text: Range<Int>
  package var position: LinePosition

  @inlinable @inline(__always)
  package init(
    moment: Timestamp,
    pid: Int32,
    tag: Range<Int>,
    program: Int = 0,
    text: Range<Int>,
    position: LinePosition
  ) {
    self.moment = moment
    self.pid = pid
    self.tag = tag
    self.program = program
    self.text = text
    self.position = position
  }
}

/// What became of one line. Every line is exactly one of these, and all three are counted.
package enum LineOutcome: Int, Hashable, Sendable {
  /// Its meaning is known (it may well have given no event).
  case understood
  /// Written by this server, but of no known shape: counted, sampled, listed.
  case notUnderstood
  /// Not this server's line.
  case notOurs
}

/// Reads the lines that one mail server on one host writes, in order.
///
/// A dialect remembers what lines without a queue id said, to join them to the delivery they
/// belong to; what it remembers is bounded, and survives a restart through ``carriedState``.
package protocol LogDialect {
  /// The server's own number for the program that logs under this syslog tag (no pid, no colon), which
  /// comes back with each of its lines; nil where the tag is none of this server's.
  static func program(tag: Span<UInt8>) -> Int?

  /// Whether a line without host and tag, its leading date and time removed, has this server's own
  /// shape (Exim's mainlog).
  static func claimsUntagged(_ text: Span<UInt8>) -> Bool

  /// Reads one line and appends what happened to `events`; ranges in events index `bytes`.
  mutating func read(
    _ line: LogLine,
    in bytes: Span<UInt8>,
    into events: inout LineEvents
  ) -> LineOutcome

  /// What must be remembered across a restart: the same bytes for the same memory, and bounded
  /// (1 MiB at most). Empty when nothing is remembered.
  var carriedState: [UInt8] { get }

  /// Takes up what ``carriedState`` gave. Bytes it cannot read are ignored.
  mutating func restore(_ state: [UInt8])

  /// Forgets all but the newest `count` of each kind of what it remembers: many hosts share the room.
  mutating func forget(allBut count: Int)
}

extension LogDialect {
  /// Whether lines under this syslog tag are this server's.
  package static func claims(tag: Span<UInt8>) -> Bool { program(tag: tag) != nil }
}
