import MailModel
import Store

extension Ingest {
  /// Reads lines from a stream that stands at the source's cursor, behind the bytes `before`, until its
  /// end.
  func pump(
    _ stream: any ByteStream,
    already: [UInt8] = [],
    before: [UInt8] = [],
    source: SourceCursor,
    firstYear: Int,
    isGrowing: Bool,
    report: inout InputReport
  ) throws -> (source: Int64, unfinishedBytes: Int) {
    intake.writer.beginSource()
    let clock = ZoneClock(zone: options.zone) ?? ZoneClock.utc
    let envelopes =
      source.lastStamp.map { EnvelopeReader(clock: clock, after: $0) }
      ?? EnvelopeReader(clock: clock, firstYear: firstYear)
    // An archive is at the end of a member only when its thread is done.
    let stream =
      stream.isPacked
      ? ReadAheadStream(stream, at: source.cursor + Int64(already.count)) : stream
    var lines = LineReader(
      stream,
      already: already,
      before: before,
      offset: source.cursor,
      givesUnfinishedLine: !isGrowing
    )
    var run = SourceRun(source: source, envelopes: envelopes)
    var committed = source.cursor
    var flushed = source.cursor
    // The options may come from the environment: no product of them overflows.
    let commitBytes = min(options.commitBytes, 1 << 50) * (intake.writer.isFirstFill ? 4 : 1)
    let flushBytes = min(options.flushBytes, commitBytes)
    var reported: Int64 = 0
    while try intake.read(&lines, upTo: flushed + step(flushBytes), run: &run) {
      run.source.cursor = lines.offset
      bytesAlongside += lines.offset - flushed
      if bytesAlongside > Ingest.mostAlongside { intake.writer.endAlongside() }
      flushed = lines.offset
      intake.dispatch.trim()
      if !run.export.isOpen, lines.offset - committed >= commitBytes {
        try commit(&run, lines)
        committed = lines.offset
      } else {
        try intake.writer.flush()
      }
      self.report(progressOf: stream, path: report.path, before: &reported)
    }
    if run.export.isOpen { try intake.read(run.export.finish(), run: &run) }
    run.source.cursor = lines.offset
    try commit(&run, lines)
    self.report(progressOf: stream, path: report.path, before: &reported)
    finish(run, lines, before: source, report: &report)
    return (run.source.id, lines.unfinishedBytes)
  }

  /// How far is read before rows are handed over: where a log grew by a little, soon.
  private func step(_ flushBytes: Int64) -> Int64 {
    intake.writer.isAlongside ? min(flushBytes, Ingest.stepAlongside) : flushBytes
  }

  /// Bytes of new lines of a run that are read while messages are written that may change again: of a
  /// log that grew by more, too many would be written more than once.
  private static let mostAlongside: Int64 = 16 << 20
  private static let stepAlongside: Int64 = 1 << 19

  private func commit(_ run: inout SourceRun, _ lines: borrowing LineReader) throws {
    if run.source.lines > 0 {
      let tail = lines.consumedTail(SourceMatcher.tailLength)
      if !tail.isEmpty {
        run.source.tailLength = tail.count
        run.source.tailHash = fingerprint(tail)
      }
    }
    run.noteFormats(of: intake.dispatch)
    intake.dispatch.trim()
    var states = intake.dispatch.takeCarried()
    if run.source.path.hasPrefix(JournalPipe.prefix), let cursor = run.journalCursor {
      states.append(JournalPipe.carried(cursor: cursor, of: run.source.path))
    }
    try intake.writer.commit(sources: [run.source], states: states)
    matcher.update(run.source)
  }

  private func finish(
    _ run: SourceRun,
    _ lines: borrowing LineReader,
    before: SourceCursor,
    report: inout InputReport
  ) {
    report.add(run.source)
    report.newLines = run.source.lines - before.lines
    report.withoutStamp += run.withoutEnvelope
    if let failure = lines.failure {
      report.troubles.append(Ingest.trouble(failure, path: report.path))
    }
    if run.repeats.refused > 0 {
      report.troubles.append(
        InputTrouble(
          .warning,
          path: report.path,
          "\(run.repeats.refused) repeats of which it tells are not counted: it has not the lines for them"
        )
      )
    }
    for limit in intake.writer.takeReachedLimits() {
      report.troubles.append(InputTrouble(.warning, path: report.path, limit.description))
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
}
