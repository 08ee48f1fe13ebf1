/// What one line gave: its events, and the text of earlier lines that they carry. One value serves all
/// lines of a source; it keeps its room.
package struct LineEvents: ~Copyable, Sendable {
  /// The events are the first ``count`` of these.
  private var slots: ContiguousArray<LogEvent> = []
  /// How many events there are.
  package private(set) var count = 0
  /// The bytes that ``LoggedAttempt/cause`` indexes.
  package private(set) var carried: ContiguousArray<UInt8> = []

  package init() {}

  package var isEmpty: Bool { count == 0 }

  /// The event at an index below ``count``.
  package subscript(index: Int) -> LogEvent { slots[index] }

  /// Adds an event.
  package mutating func append(_ event: LogEvent) {
    if count < slots.count { slots[count] = event } else { slots.append(event) }
    count += 1
  }

  /// Takes over what earlier lines said; gives the range for ``LoggedAttempt/cause``.
  package mutating func carry(_ text: [UInt8]) -> Range<Int> {
    let start = carried.count
    carried.append(contentsOf: text)
    return start..<carried.count
  }

  /// Forgets the events, and keeps their room.
  package mutating func removeAll() {
    count = 0
    if !carried.isEmpty { carried.removeAll(keepingCapacity: true) }
  }
}
