import MailModel
import Store

/// Reads the envelope of each line, hands the line to the dialect that claims it, and applies what
/// that says to the store. All that one line needs lies here, in one value, so that a line costs no
/// reference counting and no check for overlapping access.
struct LineIntake: ~Copyable {
  var writer: IngestWriter
  var dispatch: Dispatch
  private var events = LineEvents()
  /// The line that is read: one value for all of them, of which each line changes what it must.
  private var line = LogLine(
    moment: Timestamp(microseconds: 0),
    pid: 0,
    tag: 0..<0,
    text: 0..<0,
    position: LinePosition(source: 0, offset: 0)
  )

  init(writer: consuming IngestWriter, dispatch: consuming Dispatch) {
    self.writer = writer
    self.dispatch = dispatch
  }

  /// Reads lines until `limit` bytes of the source are read, or they said so much that it must be
  /// handed over; false at its end. Throws ``StoreError``.
  mutating func read(
    _ lines: inout LineReader,
    upTo limit: Int64,
    run: inout SourceRun
  ) throws -> Bool {
    while let (line, offset) = lines.next() {
      try read(line, at: offset, end: lines.offset, previous: lines.previous, run: &run)
      if lines.offset >= limit || writer.isFull { return true }
    }
    return false
  }

  /// Reads one line; `end` is the offset behind its line end, `previous` the line before it. Throws
  /// ``StoreError``.
  private mutating func read(
    _ line: UnsafeBufferPointer<UInt8>,
    at offset: Int64,
    end: Int64,
    previous: UnsafeBufferPointer<UInt8>,
    run: inout SourceRun
  ) throws {
    if run.export.isOpen, !run.export.continues(with: line) {
      try read(run.export.finish(), run: &run)
    }
    if run.export.isOpen || JournalExport.begins(line) {
      let wasOpen = run.export.isOpen
      let entry = run.export.take(line, at: offset, end: end)
      if wasOpen, !run.export.isOpen { try read(entry, run: &run) }
      return
    }
    run.source.lines += 1
    guard !line.isEmpty else {
      run.source.foreignLines += 1
      return
    }
    let span = line.span
    if let envelope = run.envelopes.read(span) {
      try read(envelope, bytes: line, previous: previous, offset: offset, run: &run)
    } else if let entry = JournalLine(line) {
      run.journalCursor = entry.cursor ?? run.journalCursor
      try entry.bytes.withUnsafeBufferPointer {
        try read(entry.envelope, bytes: $0, previous: $0, offset: offset, run: &run)
      }
    } else {
      run.source.foreignLines += 1
      run.withoutEnvelope += 1
    }
  }

  /// An entry of an exported journal counts as one line.
  mutating func read(_ entry: (line: JournalLine, offset: Int64)?, run: inout SourceRun) throws {
    run.source.lines += 1
    guard let (line, offset) = entry else {
      run.source.foreignLines += 1
      return
    }
    try line.bytes.withUnsafeBufferPointer {
      try read(line.envelope, bytes: $0, previous: $0, offset: offset, run: &run)
    }
  }

  private mutating func read(
    _ envelope: Envelope,
    bytes: UnsafeBufferPointer<UInt8>,
    previous: UnsafeBufferPointer<UInt8>,
    offset: Int64,
    run: inout SourceRun
  ) throws {
    let span = bytes.span
    run.source.lastStamp = envelope.moment
    let reader: Dispatch.Reader?
    if envelope.tag.isEmpty, envelope.host.isEmpty {
      reader = dispatch.reader(untagged: span.extracting(envelope.text), &writer)
    } else if envelope.tag.isEmpty {
      try repeatLast(envelope, bytes: bytes, previous: previous, offset: offset, run: &run)
      return
    } else {
      reader = self.reader(of: envelope, bytes: bytes)
    }
    guard let reader else {
      run.source.foreignLines += 1
      return
    }
    take(envelope, reader, source: run.source.id, offset: offset)
    let times =
      span.has("message repeated ", at: line.text.lowerBound, to: line.text.upperBound)
      ? 1 + run.repeats.granted(LineIntake.unfold(&line, span) - 1, behind: run.source.lines) : 1
    run.note(post: reader.post)
    switch try deliver(post: reader.post, bytes: bytes, times: times) {
    case .understood: run.source.recognized += 1
    case .notUnderstood:
      run.source.unrecognized += 1
      writer.noteNotUnderstood(bytes, at: line.position)
    case .notOurs:
      run.source.foreignLines += 1
      return
    }
    run.note(envelope.moment)
  }

  /// rsyslog folds repeats into `message repeated 3 times: [text]`: leaves the text of `line`, and
  /// gives how often it was written.
  private static func unfold(_ line: inout LogLine, _ span: Span<UInt8>) -> Int {
    let text = line.text
    guard let (count, end) = span.number(at: text.lowerBound + 17, to: text.upperBound),
      span.has(" times: [", at: end, to: text.upperBound)
    else { return 1 }
    let stop =
      span[text.upperBound - 1] == UInt8(ascii: "]") ? text.upperBound - 1 : text.upperBound
    // rsyslog keeps the blank that stood before the text.
    let start = end + 9 < stop && span[end + 9] == UInt8(ascii: " ") ? end + 10 : end + 9
    line.text = min(start, stop)..<stop
    return max(count, 1)
  }

  /// `last message repeated 3 times`: the line right before, of the same host, that often; or, where that
  /// is such a line too, the one that it repeats.
  private mutating func repeatLast(
    _ envelope: Envelope,
    bytes: UnsafeBufferPointer<UInt8>,
    previous: UnsafeBufferPointer<UInt8>,
    offset: Int64,
    run: inout SourceRun
  ) throws {
    let span = bytes.span
    let text = envelope.text
    run.source.foreignLines += 1
    guard span.has("last message repeated ", at: text.lowerBound, to: text.upperBound),
      let (count, _) = span.number(at: text.lowerBound + 22, to: text.upperBound)
    else { return }
    // Their stamps must not change the reader's own clock.
    var envelopes = run.envelopes
    guard let before = envelopes.read(previous.span) else { return }
    if !previous.span.has(
      "last message repeated ",
      at: before.text.lowerBound,
      to: before.text.upperBound
    ) {
      run.repeated = Array(previous)
    }
    let repeated = run.repeated
    try repeated.withUnsafeBufferPointer {
      try deliver($0, times: count, envelope, bytes: bytes, offset: offset, run: &run)
    }
  }

  /// Delivers a line again, as often as another one of its host tells, of which `envelope` is.
  private mutating func deliver(
    _ previous: UnsafeBufferPointer<UInt8>,
    times count: Int,
    _ envelope: Envelope,
    bytes: UnsafeBufferPointer<UInt8>,
    offset: Int64,
    run: inout SourceRun
  ) throws {
    var envelopes = run.envelopes
    guard let last = envelopes.read(previous.span), !last.tag.isEmpty,
      previous[last.host].elementsEqual(bytes[envelope.host]),
      let reader = reader(of: last, bytes: previous)
    else { return }
    take(last, reader, source: run.source.id, offset: offset)
    line.moment = envelope.moment
    if previous.span.has("message repeated ", at: last.text.lowerBound, to: last.text.upperBound) {
      _ = LineIntake.unfold(&line, previous.span)
    }
    _ = try deliver(
      post: reader.post,
      bytes: previous,
      times: run.repeats.granted(max(count, 0), behind: run.source.lines)
    )
  }

  /// Who reads a line with a tag; nil where no server claims it.
  private mutating func reader(
    of envelope: Envelope,
    bytes: UnsafeBufferPointer<UInt8>
  ) -> Dispatch.Reader? {
    let key = UnsafeBufferPointer(
      rebasing: bytes[
        min(envelope.host.lowerBound, envelope.tag.lowerBound)..<envelope.tag.upperBound
      ]
    )
    return dispatch.reader(
      key: key,
      host: envelope.host,
      tag: envelope.tag,
      line: bytes.span,
      &writer
    )
  }

  /// Makes ``line`` what an envelope says.
  @inline(__always)
  private mutating func take(
    _ envelope: Envelope,
    _ reader: Dispatch.Reader,
    source: Int64,
    offset: Int64
  ) {
    line.moment = envelope.moment
    line.pid = envelope.pid
    line.tag = envelope.tag
    line.program = reader.program
    line.text = envelope.text
    line.position.source = source
    line.position.offset = offset
  }

  private mutating func deliver(
    post: Int,
    bytes: UnsafeBufferPointer<UInt8>,
    times: Int
  ) throws -> LineOutcome {
    let origin = dispatch.origin(of: post)
    var outcome = LineOutcome.notOurs
    for _ in 0..<times {
      events.removeAll()
      outcome = dispatch.read(post, line, in: bytes.span, into: &events)
      guard outcome == .understood else { break }
      try writer.touch(
        source: line.position.source,
        origin: origin,
        at: line.moment.microseconds
      )
      if let position = events.wholePosition {
        var whole = line
        whole.position = position
        let text = events.whole
        try text.withUnsafeBufferPointer {
          try writer.apply(events, line: whole, origin: origin, bytes: $0)
        }
      } else {
        try writer.apply(events, line: line, origin: origin, bytes: bytes)
      }
    }
    return outcome
  }
}
