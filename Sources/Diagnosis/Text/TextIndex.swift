/// Finds which of many short texts occur in a long one, in a single pass over it: the automaton of
/// Aho and Corasick (Communications of the ACM 18, 1975). ASCII case is ignored.
struct TextIndex: Sendable {
  /// The texts of an index, each once, with the number under which a search reports it.
  struct Builder {
    private var numbers: [Needle: Int] = [:]
    private(set) var needles: [Needle] = []

    /// The number of a text.
    mutating func number(_ text: [UInt8], isWord: Bool = false) -> Int {
      let needle = Needle(bytes: text.map(TextIndex.folded), isWord: isWord)
      if let known = numbers[needle] { return known }
      numbers[needle] = needles.count
      needles.append(needle)
      return needles.count - 1
    }
  }

  struct Needle: Hashable, Sendable {
    var bytes: [UInt8]
    var isWord: Bool
  }

  /// A prefix of some text. Its children form a list, linked by ``sibling``.
  private struct State {
    var byte: UInt8
    var firstChild: Int32 = -1
    var sibling: Int32 = -1
    /// The state of the longest proper suffix that is a prefix of some text.
    var fallback: Int32 = 0
    /// The nearest state, this one or down the fallbacks, at which a text ends; -1 for none.
    var ending: Int32 = -1
    /// The texts that end here, as a range of ``endings``.
    var endingsStart: Int32 = 0
    var endingsCount: Int32 = 0
  }

  private var states = [State(byte: 0)]
  /// By first byte, the state of that byte; 0 where no text begins so.
  private var roots = [Int32](repeating: 0, count: 256)
  private var endings: [Int32] = []
  private let needles: [Needle]

  init(_ builder: Builder) {
    needles = builder.needles
    var ending: [[Int32]] = [[]]
    for (number, needle) in needles.enumerated() where !needle.bytes.isEmpty {
      let state = insert(needle.bytes)
      while ending.count < states.count { ending.append([]) }
      ending[state].append(Int32(number))
    }
    for (state, numbers) in ending.enumerated() where !numbers.isEmpty {
      states[state].endingsStart = Int32(endings.count)
      states[state].endingsCount = Int32(numbers.count)
      states[state].ending = Int32(state)
      endings += numbers
    }
    link()
  }

  /// The state of a text, added where it is missing.
  private mutating func insert(_ bytes: [UInt8]) -> Int {
    var state = 0
    for byte in bytes {
      let known = state == 0 ? Int(roots[Int(byte)]) : child(of: state, byte)
      if known > 0 {
        state = known
        continue
      }
      let added = states.count
      states.append(State(byte: byte))
      if state == 0 {
        roots[Int(byte)] = Int32(added)
      } else {
        states[added].sibling = states[state].firstChild
        states[state].firstChild = Int32(added)
      }
      state = added
    }
    return state
  }

  /// The child of a state other than the root; 0 where there is none.
  private func child(of state: Int, _ byte: UInt8) -> Int {
    var at = states[state].firstChild
    while at >= 0 {
      if states[Int(at)].byte == byte { return Int(at) }
      at = states[Int(at)].sibling
    }
    return 0
  }

  /// Finds each state's fallback, shortest prefixes first.
  private mutating func link() {
    var queue = roots.filter { $0 > 0 }.map { Int($0) }
    var at = 0
    while at < queue.count {
      let state = queue[at]
      at += 1
      var next = states[state].firstChild
      while next >= 0 {
        let child = Int(next)
        let fallback = step(Int(states[state].fallback), states[child].byte)
        states[child].fallback = Int32(fallback)
        if states[child].ending < 0 { states[child].ending = states[fallback].ending }
        queue.append(child)
        next = states[child].sibling
      }
    }
  }

  /// The state behind `byte`.
  private func step(_ start: Int, _ byte: UInt8) -> Int {
    var state = start
    while state != 0 {
      let found = child(of: state, byte)
      if found > 0 { return found }
      state = Int(states[state].fallback)
    }
    return Int(roots[Int(byte)])
  }

  /// The numbers of the texts that occur in `text`.
  func search(_ text: [UInt8]) -> NumberSet {
    var found = NumberSet(count: needles.count)
    text.withUnsafeBufferPointer { text in
      var state = 0
      for at in 0..<text.count {
        state = step(state, TextIndex.folded(text[at]))
        var ending = Int(states[state].ending)
        while ending > 0 {
          let start = Int(states[ending].endingsStart)
          for index in start..<(start + Int(states[ending].endingsCount)) {
            let number = Int(endings[index])
            if isWhole(number, endingAt: at, in: text) { found.insert(number) }
          }
          ending = Int(states[Int(states[ending].fallback)].ending)
        }
      }
    }
    return found
  }

  private func isWhole(
    _ number: Int,
    endingAt last: Int,
    in text: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard needles[number].isWord else { return true }
    let first = last - needles[number].bytes.count + 1
    return (first == 0 || !TextIndex.isWordByte(text[first - 1]))
      && (last + 1 == text.count || !TextIndex.isWordByte(text[last + 1]))
  }

  static func folded(_ byte: UInt8) -> UInt8 {
    byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
  }

  /// Letters and digits; a hyphen or underscore does not end a name.
  private static func isWordByte(_ byte: UInt8) -> Bool {
    let low = byte | 0x20
    return (low >= 0x61 && low <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2d
      || byte == 0x5f
  }
}

/// A set of small numbers.
struct NumberSet: Sendable {
  private var words: [UInt64]

  init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

  mutating func insert(_ number: Int) { words[number >> 6] |= 1 << UInt64(number & 63) }

  func contains(_ number: Int) -> Bool { words[number >> 6] & (1 << UInt64(number & 63)) != 0 }

  /// Calls `body` with each number, lowest first, until it returns true.
  func first(where body: (Int) -> Bool) -> Int? {
    for (index, word) in words.enumerated() where word != 0 {
      var rest = word
      while rest != 0 {
        let number = index << 6 + rest.trailingZeroBitCount
        if body(number) { return number }
        rest &= rest - 1
      }
    }
    return nil
  }

  func forEach(_ body: (Int) -> Void) {
    _ = first {
      body($0)
      return false
    }
  }
}
