import MailModel

/// One piece of a line that is too long for syslog: Exim cuts it (`/`), or breaks it where it holds a
/// line end (`\`).
///
///     [1/2] 2026-03-02 09:14:05 1xVT0L-0000EY-2R == chen@b.example R=dnslookup T=remote_smtp defer
///     [2/2]  (-44): SMTP error from remote mail server after RCPT TO:<chen@b.example>: 450 4.7.1 …
///
/// Source: Exim src/log.c, write_syslog(); the specification, chapter 53 (syslog).
struct EximPiece {
  var number: Int
  var count: Int
  /// The next piece begins a line of its own.
  var endsLine: Bool
  var text: Range<Int>

  /// Lines of 8 KiB, and the header of a refused message, come in fewer.
  private static let most = 999

  /// Nil where the text is no piece.
  init?(_ bytes: Span<UInt8>, _ text: Range<Int>) {
    let end = text.upperBound
    guard text.count > 6, bytes[text.lowerBound] == UInt8(ascii: "["),
      let (number, mark) = bytes.number(at: text.lowerBound + 1, to: end), mark < end,
      bytes[mark] == UInt8(ascii: "/") || bytes[mark] == UInt8(ascii: "\\"),
      let (count, close) = bytes.number(at: mark + 1, to: end), close + 1 < end,
      bytes[close] == UInt8(ascii: "]"), bytes[close + 1] == 0x20,
      number >= 1, number <= count, count >= 2, count <= EximPiece.most
    else { return nil }
    self.number = number
    self.count = count
    endsLine = bytes[mark] == UInt8(ascii: "\\")
    self.text = (close + 2)..<end
  }
}

/// Lines of which not all pieces have come, by process.
struct EximPieces {
  /// A line, its syslog envelope before it.
  struct Line {
    var pid: Int32
    var moment: Timestamp
    var position: LinePosition
    var bytes: [UInt8]
    var tag: Range<Int>
    /// Where the text begins.
    var textStart: Int
    /// Pieces taken, and pieces in all.
    var taken: Int
    var count: Int
    /// A line end has come: what follows it is the header of a refused message, or a list.
    var hasEnded = false
  }

  /// What became of a piece.
  enum Outcome {
    case waits
    case whole(Line)
    /// Its fellows before it are not known.
    case stray
  }

  /// Oldest first.
  private(set) var lines: [Line] = []

  /// Lines, the bytes of each (Exim's own limit is 8 KiB), those of its envelope, and seconds from one
  /// piece to the next, at most.
  fileprivate static let limits = (lines: 32, bytes: 10 << 10, envelope: 1 << 10, patience: 60.0)

  mutating func take(_ piece: EximPiece, of line: LogLine, in bytes: Span<UInt8>) -> Outcome {
    let place = lines.firstIndex { $0.pid == line.pid }
    guard piece.number > 1 else {
      if let place { lines.remove(at: place) }
      begin(piece, of: line, in: bytes)
      return .waits
    }
    guard let place else { return .stray }
    var known = lines.remove(at: place)
    guard known.taken + 1 == piece.number, known.count == piece.count,
      line.moment.seconds(since: known.moment).magnitude <= EximPieces.limits.patience
    else { return .stray }
    known.add(piece, in: bytes)
    known.moment = line.moment
    if piece.number == piece.count { return .whole(known) }
    lines.append(known)
    return .waits
  }

  private mutating func begin(_ piece: EximPiece, of line: LogLine, in bytes: Span<UInt8>) {
    let envelope = line.text.lowerBound
    guard envelope <= EximPieces.limits.envelope, line.tag.upperBound <= envelope else { return }
    if lines.count >= EximPieces.limits.lines { lines.removeFirst() }
    var begun = Line(
      pid: line.pid,
      moment: line.moment,
      position: line.position,
      bytes: bytes.bytes(0..<envelope),
      tag: line.tag,
      textStart: envelope,
      taken: 0,
      count: piece.count
    )
    begun.add(piece, in: bytes)
    lines.append(begun)
  }

  // MARK: - State

  func write(to state: inout CarriedStateWriter) {
    state.write(Int64(lines.count))
    for line in lines {
      state.write(Int64(line.pid))
      state.write(line.moment.microseconds)
      state.write(line.position)
      state.write(line.bytes)
      for number in [
        line.tag.lowerBound, line.tag.upperBound, line.textStart, line.taken, line.count,
        line.hasEnded ? 1 : 0,
      ] {
        state.write(Int64(number))
      }
    }
  }

  mutating func restore(from state: inout CarriedStateReader) {
    guard let count = state.number(), count > 0, count <= EximPieces.limits.lines else { return }
    for _ in 0..<count {
      guard let line = Line(from: &state) else { return }
      lines.append(line)
    }
  }
}

extension EximPieces.Line {
  fileprivate mutating func add(_ piece: EximPiece, in line: Span<UInt8>) {
    taken += 1
    if !hasEnded {
      let room = max(0, EximPieces.limits.bytes - bytes.count)
      bytes.append(contentsOf: line.bytes(piece.text).prefix(room))
    }
    hasEnded = hasEnded || piece.endsLine
  }

  fileprivate init?(from state: inout CarriedStateReader) {
    guard let pid = state.number(), let moment = state.number(), let position = state.position(),
      let bytes = state.field()
    else { return nil }
    var numbers: [Int] = []
    for _ in 0..<6 {
      guard let number = state.number(), number >= 0, number <= bytes.count + 1000 else {
        return nil
      }
      numbers.append(Int(number))
    }
    guard numbers[0] <= numbers[1], numbers[1] <= numbers[2], numbers[2] <= bytes.count else {
      return nil
    }
    self.init(
      pid: Int32(truncatingIfNeeded: pid),
      moment: Timestamp(microseconds: moment),
      position: position ?? LinePosition(source: 0, offset: 0),
      bytes: bytes,
      tag: numbers[0]..<numbers[1],
      textStart: numbers[2],
      taken: numbers[3],
      count: numbers[4],
      hasEnded: numbers[5] == 1
    )
  }
}

/// The last result that a process logged. With `syslog_duplication`, which is on where nothing is set,
/// syslog gets a line twice that goes to the main log and to the panic or reject log.
struct EximLastResult: Recent, Sendable {
  var moment: Timestamp
  var text: UInt64 = 0

  init(moment: Timestamp) { self.moment = moment }

  init(_ bytes: Span<UInt8>, _ text: Range<Int>, at moment: Timestamp) {
    self.moment = moment
    var hash = UInt64(text.count) | 1
    for at in text { hash = hash.folded(with: UInt64(bytes[at]) &+ 0x9e37_79b9_7f4a_7c15) }
    self.text = hash
  }

  mutating func restart(at moment: Timestamp) { self = EximLastResult(moment: moment) }

  func repeats(_ earlier: EximLastResult) -> Bool {
    text == earlier.text && moment.seconds(since: earlier.moment).magnitude <= 2
  }
}
