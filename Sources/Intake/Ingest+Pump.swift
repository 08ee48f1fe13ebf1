import MailModel
import Store

extension Ingest {
  /// Reads lines from a stream that stands at the source's cursor, until its end.
  func pump(
    _ stream: any ByteStream,
    already: [UInt8] = [],
    source: SourceCursor,
    firstYear: Int,
    isGrowing: Bool,
    report: inout InputReport
  ) throws -> (source: Int64, unfinishedBytes: Int) {
    writer.beginSource()
    let clock = ZoneClock(zone: options.zone) ?? ZoneClock.utc
    let envelopes =
      source.lastStamp.map { EnvelopeReader(clock: clock, after: $0) }
      ?? EnvelopeReader(clock: clock, firstYear: firstYear)
    let lines = LineReader(
      stream,
      already: already,
      offset: source.cursor,
      givesUnfinishedLine: !isGrowing
    )
    var run = SourceRun(source: source, envelopes: envelopes)
    var committed = source.cursor
    var reported: Int64 = 0
    while let (line, offset) = lines.next() {
      try read(line, at: offset, end: lines.offset, run: &run)
      run.source.cursor = lines.offset
      if !run.export.isOpen, lines.offset - committed >= options.commitBytes {
        try commit(&run, lines)
        committed = lines.offset
        self.report(progressOf: stream, path: report.path, before: &reported)
      }
    }
    if run.export.isOpen { try read(run.export.finish(), run: &run) }
    run.source.cursor = lines.offset - Int64(lines.unfinishedBytes)
    try commit(&run, lines)
    self.report(progressOf: stream, path: report.path, before: &reported)
    finish(run, lines, before: source, report: &report)
    return (run.source.id, lines.unfinishedBytes)
  }

  private func commit(_ run: inout SourceRun, _ lines: LineReader) throws {
    if run.source.lines > 0 {
      let tail = lines.consumedTail(SourceMatcher.tailLength)
      if !tail.isEmpty {
        run.source.tailLength = tail.count
        run.source.tailHash = fingerprint(tail)
      }
    }
    run.source.format = run.formats.sorted().joined(separator: "+")
    if run.formats.isEmpty { run.source.format = nil }
    var states = dispatch.takeCarried()
    if run.source.path.hasPrefix(JournalPipe.prefix), let cursor = run.journalCursor {
      states.append(JournalPipe.carried(cursor: cursor, of: run.source.path))
    }
    try writer.commit(sources: [run.source], states: states)
    matcher.update(run.source)
  }

  private func finish(
    _ run: SourceRun,
    _ lines: LineReader,
    before: SourceCursor,
    report: inout InputReport
  ) {
    report.add(run.source)
    report.newLines = run.source.lines - before.lines
    report.newRecognized = run.source.recognized - before.recognized
    if let failure = lines.failure {
      report.troubles.append(Ingest.trouble(failure, path: report.path))
    }
    if lines.unfinishedBytes > 0 {
      report.troubles.append(
        InputTrouble(
          .note,
          path: report.path,
          offset: run.source.cursor,
          "the last line has no end yet; it is left for the next run"
        )
      )
    }
    if run.source.recognized == 0, run.source.unrecognized > 0 {
      report.troubles.append(
        InputTrouble(
          .content,
          path: report.path,
          offset: 0,
          "a mail log of which no line was understood"
        )
      )
    }
  }

  // MARK: - One line

  private func read(
    _ line: UnsafeBufferPointer<UInt8>,
    at offset: Int64,
    end: Int64,
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
      try read(envelope, bytes: line, offset: offset, run: &run)
    } else if let entry = JournalLine(line) {
      run.journalCursor = entry.cursor ?? run.journalCursor
      try entry.bytes.withUnsafeBufferPointer {
        try read(entry.envelope, bytes: $0, offset: offset, run: &run)
      }
    } else {
      run.source.foreignLines += 1
      run.withoutEnvelope += 1
    }
  }

  /// An entry of an exported journal counts as one line.
  private func read(_ entry: (line: JournalLine, offset: Int64)?, run: inout SourceRun) throws {
    run.source.lines += 1
    guard let (line, offset) = entry else {
      run.source.foreignLines += 1
      return
    }
    try line.bytes.withUnsafeBufferPointer {
      try read(line.envelope, bytes: $0, offset: offset, run: &run)
    }
  }

  private func read(
    _ envelope: Envelope,
    bytes: UnsafeBufferPointer<UInt8>,
    offset: Int64,
    run: inout SourceRun
  ) throws {
    let span = bytes.span
    run.source.lastStamp = envelope.moment
    let post: Int?
    if envelope.tag.isEmpty, envelope.host.isEmpty {
      post = dispatch.post(untagged: span.extracting(envelope.text), host: "")
    } else if envelope.tag.isEmpty {
      try repeatLast(envelope, bytes: bytes, offset: offset, run: &run)
      return
    } else {
      let key = UnsafeBufferPointer(
        rebasing: bytes[
          min(envelope.host.lowerBound, envelope.tag.lowerBound)..<envelope.tag.upperBound
        ]
      )
      post = dispatch.post(key: key, host: envelope.host, tag: envelope.tag, line: span)
    }
    guard let post else {
      run.source.foreignLines += 1
      return
    }
    let line = LogLine(
      moment: envelope.moment,
      pid: envelope.pid,
      tag: envelope.tag,
      text: envelope.text,
      position: LinePosition(source: run.source.id, offset: offset)
    )
    let times = repetitions(&run, line, span)
    try deliver(times.line, post: post, bytes: bytes, times: times.count, run: &run)
  }

  /// rsyslog folds repeats into `message repeated 3 times: [text]`.
  private func repetitions(
    _ run: inout SourceRun,
    _ line: LogLine,
    _ span: Span<UInt8>
  ) -> (line: LogLine, count: Int) {
    let text = line.text
    guard span.has("message repeated ", at: text.lowerBound, to: text.upperBound),
      let (count, end) = span.number(at: text.lowerBound + 17, to: text.upperBound),
      span.has(" times: [", at: end, to: text.upperBound)
    else { return (line, 1) }
    var inner = line
    let stop =
      span[text.upperBound - 1] == UInt8(ascii: "]") ? text.upperBound - 1 : text.upperBound
    // rsyslog keeps the blank that stood before the text.
    let start = end + 9 < stop && span[end + 9] == UInt8(ascii: " ") ? end + 10 : end + 9
    inner.text = min(start, stop)..<stop
    return (inner, min(max(count, 1), 10_000))
  }

  /// `last message repeated 3 times`: the line before of the same host, that often.
  private func repeatLast(
    _ envelope: Envelope,
    bytes: UnsafeBufferPointer<UInt8>,
    offset: Int64,
    run: inout SourceRun
  ) throws {
    let span = bytes.span
    let text = envelope.text
    run.source.foreignLines += 1
    guard span.has("last message repeated ", at: text.lowerBound, to: text.upperBound),
      let (count, _) = span.number(at: text.lowerBound + 22, to: text.upperBound),
      let last = run.last
    else { return }
    var line = last.line
    line.moment = envelope.moment
    line.position.offset = offset
    try run.lastBytes.withUnsafeBufferPointer {
      try deliver(
        line,
        post: last.post,
        bytes: $0,
        times: min(max(count, 0), 10_000),
        run: &run,
        counts: false
      )
    }
  }

  private func deliver(
    _ line: LogLine,
    post: Int,
    bytes: UnsafeBufferPointer<UInt8>,
    times: Int,
    run: inout SourceRun,
    counts: Bool = true
  ) throws {
    let origin = dispatch.posts[post].origin
    var outcome = LineOutcome.notOurs
    for _ in 0..<times {
      run.events.removeAll(keepingCapacity: true)
      outcome = dispatch.read(post, line, in: bytes.span, into: &run.events)
      guard outcome == .understood else { break }
      try writer.touch(source: run.source.id, origin: origin, at: line.moment.microseconds)
      for event in run.events {
        try writer.apply(event, line: line, origin: origin, bytes: bytes)
      }
    }
    guard counts else { return }
    if outcome != .notOurs { run.note(line.moment) }
    switch outcome {
    case .understood: run.source.recognized += 1
    case .notUnderstood:
      run.source.unrecognized += 1
      writer.noteNotUnderstood(bytes, at: line.position)
    case .notOurs: run.source.foreignLines += 1
    }
    run.remember(line, post: post, bytes: bytes)
    run.formats.insert(dispatch.posts[post].server.id.description)
  }
}

/// One source while it is read.
struct SourceRun {
  var source: SourceCursor
  var envelopes: EnvelopeReader
  /// The entry of an exported journal that is being read.
  var export = JournalExport()
  /// The journal's own cursor of the last entry that stated one.
  var journalCursor: String?
  var events: [LogEvent] = []
  var formats: Set<String> = []
  var withoutEnvelope = 0
  private(set) var last: (line: LogLine, post: Int)?
  private(set) var lastBytes: [UInt8] = []

  init(source: SourceCursor, envelopes: EnvelopeReader) {
    self.source = source
    self.envelopes = envelopes
    if let format = source.format {
      formats = Set(format.split(separator: "+").map(String.init))
    }
  }

  /// Notes when a mail server logged: what others log tells nothing of how fresh the mail's lines are.
  mutating func note(_ moment: Timestamp) {
    if source.newest.map({ moment > $0 }) ?? true { source.newest = moment }
    if source.oldest.map({ moment < $0 }) ?? true { source.oldest = moment }
  }

  /// Keeps the line for a `last message repeated`.
  mutating func remember(_ line: LogLine, post: Int, bytes: UnsafeBufferPointer<UInt8>) {
    last = (line, post)
    lastBytes.removeAll(keepingCapacity: true)
    lastBytes.append(contentsOf: bytes)
  }
}
