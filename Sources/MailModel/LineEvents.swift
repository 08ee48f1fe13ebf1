/// What one line gave: its events, and what earlier lines said that they carry. One value serves all
/// lines of a source; it keeps its room.
package struct LineEvents: ~Copyable, Sendable {
  /// What lines of a session said that named no message.
  package struct Cause: Sendable {
    /// Failure lines, oldest first, joined by newlines, 1 KiB at most. Indexes ``LineEvents/carried``;
    /// may be empty.
    package var text: Range<Int>
    /// Where the first of them stands.
    package var position: LinePosition?
  }

  /// The events are the first ``count`` of these.
  @usableFromInline var slots: ContiguousArray<LogEvent> = []
  /// How many events there are.
  package private(set) var count = 0
  /// The bytes of the causes.
  package private(set) var carried: ContiguousArray<UInt8> = []
  /// What ``LoggedAttempt/cause`` numbers.
  package private(set) var causes: ContiguousArray<Cause> = []
  /// The line that the events' ranges index, where its server wrote it in several pieces; empty where
  /// they index the line that was read.
  package private(set) var whole: [UInt8] = []
  /// Where the first of the pieces stands.
  package private(set) var wholePosition: LinePosition?

  package init() {}

  package var isEmpty: Bool { count == 0 }

  /// The event at an index below ``count``.
  @inlinable package subscript(index: Int) -> LogEvent { slots[index] }

  /// Adds an event.
  package mutating func append(_ event: LogEvent) {
    if count < slots.count { slots[count] = event } else { slots.append(event) }
    count += 1
  }

  /// Takes over what earlier lines said, `position` being the first one's; gives its number for
  /// ``LoggedAttempt/cause``.
  package mutating func carry(_ text: [UInt8], at position: LinePosition?) -> Int? {
    guard !text.isEmpty || position != nil else { return nil }
    let start = carried.count
    carried.append(contentsOf: text)
    causes.append(Cause(text: start..<carried.count, position: position))
    return causes.count - 1
  }

  /// Says that the events are of a line that was written in pieces, the first of them at `position`.
  package mutating func replaceLine(with bytes: [UInt8], at position: LinePosition) {
    whole = bytes
    wholePosition = position
  }

  /// The failure lines of an attempt; empty where it has none.
  package func causeText(of attempt: borrowing LoggedAttempt) -> Range<Int> {
    attempt.cause.map { causes[$0].text } ?? 0..<0
  }

  /// Forgets the events, and keeps their room.
  package mutating func removeAll() {
    count = 0
    if wholePosition != nil {
      whole = []
      wholePosition = nil
    }
    guard !causes.isEmpty else { return }
    carried.removeAll(keepingCapacity: true)
    causes.removeAll(keepingCapacity: true)
  }
}
