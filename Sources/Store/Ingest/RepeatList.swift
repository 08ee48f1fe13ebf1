import MailModel

/// Events that another channel told of, each of which answers for one repeat.
struct RepeatList {
  /// What happened to a recipient or message, and when.
  struct Entry {
    var owner: Int64
    var kind: Int64
    var at: Int64

    func precedes(_ other: Entry) -> Bool {
      (owner, kind, at) < (other.owner, other.kind, other.at)
    }
  }

  /// What an attempt is told by: its outcome, and whether it was tried.
  static func kind(_ facts: AttemptFacts) -> Int64 {
    Int64(facts.outcome.rawValue) << 1 | (facts.tried ? 1 : 0)
  }

  /// In the order of their owners, kinds and moments.
  private var entries: ContiguousArray<Entry> = []
  /// For each entry the first from it on that may not have answered yet: many alike must not be gone
  /// through again and again.
  private var next: ContiguousArray<Int32> = []

  /// Entries at most, of those that wait for their repeat.
  static let most = 262_144

  var count: Int { entries.count }

  /// Takes further entries, and forgets those that have answered, those before `start`, and the oldest
  /// where too many wait.
  mutating func turn(to start: Int64, adding new: [Entry]) {
    var kept = ContiguousArray<Entry>()
    for (index, entry) in entries.enumerated() where next[index] == index && entry.at >= start {
      kept.append(entry)
    }
    if kept.count > RepeatList.most {
      kept.sort { $0.at < $1.at }
      kept.removeFirst(kept.count - RepeatList.most)
    }
    kept.append(contentsOf: new)
    kept.sort { $0.precedes($1) }
    entries = kept
    // One behind the last stands for the end.
    next = ContiguousArray(0...Int32(truncatingIfNeeded: kept.count))
  }

  mutating func removeAll() {
    entries = []
    next = []
  }

  /// Whether an entry within these moments answers; it does so once.
  mutating func answers(owner: Int64, kind: Int64, from: Int64, to: Int64) -> Bool {
    let wanted = Entry(owner: owner, kind: kind, at: from)
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].precedes(wanted) { low = middle + 1 } else { high = middle }
    }
    guard low < entries.count else { return false }
    let place = unused(from: low)
    guard place < entries.count, entries[place].owner == owner, entries[place].kind == kind,
      entries[place].at <= to
    else { return false }
    next[place] = Int32(truncatingIfNeeded: place + 1)
    return true
  }

  /// The first entry from `start` on that has not answered; halves the way for the next look.
  private mutating func unused(from start: Int) -> Int {
    var place = start
    while Int(next[place]) != place {
      let behind = Int(next[place])
      next[place] = next[behind]
      place = Int(next[place])
    }
    return place
  }
}
