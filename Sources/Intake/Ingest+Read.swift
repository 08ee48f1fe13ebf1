import FoundationEssentials
import Glibc
import MailModel
import Store

extension Ingest {
  /// Reads what is new in a log file, or in each member of an archive.
  func read(_ log: LogInput) throws -> [InputReport] {
    var report = InputReport(path: log.input.path, kind: .log)
    do {
      let file = try OpenFile(path: log.input.path)
      guard isStill(log, file) else { return try readAnew(log) }
      if log.compression == .zip || log.compression == .tar || log.isPackedArchive {
        return try readMembers(
          of: file,
          path: log.input.path,
          modified: log.identity.modified,
          isNamed: log.input.isNamed
        )
      }
      if log.isYearByLeapDay {
        report.troubles.append(Ingest.leapDay(path: log.input.path, year: log.firstYear))
      }
      let reading = try read(file: file, log: log, report: &report)
      warn(ofHeadWithoutStamps: log.bytesLookedAt, &report)
      if log.input.isNamed, !log.holdsLogLines { checkIsLog(&report) }
      if report.troubles.allSatisfy(\.kind.isHarmless), reading.unfinishedBytes == 0 {
        var seen = SeenFile(path: log.input.path, log.identity)
        seen.sources = [reading.source]
        intake.writer.noteSeen(seen)
      }
    } catch let error as OpenFailure {
      report.troubles.append(Ingest.trouble(error, input: log.input))
    } catch let error as ReadFailure {
      report.troubles.append(Ingest.trouble(error, path: log.input.path))
    }
    return [report]
  }

  /// Whether the file is the one that was looked at, and begins as it did then: logs are rotated and
  /// cut while others are read.
  private func isStill(_ log: LogInput, _ file: OpenFile) -> Bool {
    let identity = file.identity
    guard identity.device == log.identity.device, identity.inode == log.identity.inode else {
      return false
    }
    guard log.compression == .none else { return true }
    let known = log.head.prefix(SourceMatcher.headLength)
    return file.bytes(at: 0, count: known.count).elementsEqual(known)
  }

  /// Looks at a file again that was another one before, and reads it.
  private func readAnew(_ log: LogInput) throws -> [InputReport] {
    switch try examine(log.input) {
    case .done(let report): return [report]
    case .log(var found):
      // Once: one that is exchanged all the time is left to the next run.
      guard !log.isSecondLook else {
        return [InputReport(path: log.input.path, kind: .log)]
      }
      found.isSecondLook = true
      return try read(found)
    }
  }

  private func read(
    file: OpenFile,
    log: LogInput,
    report: inout InputReport
  ) throws -> (source: Int64, unfinishedBytes: Int) {
    for candidate in matcher.candidates(head: log.head) {
      file.seek(to: 0)
      let stream = try log.compression.stream(file, isSeekable: true)
      if let (source, tail) = try resume(candidate, stream: stream, file: file, log) {
        return try pump(
          stream,
          before: tail,
          source: source,
          firstYear: log.firstYear,
          isGrowing: isGrowing(log),
          report: &report
        )
      }
    }
    file.seek(to: 0)
    return try pump(
      try log.compression.stream(file, isSeekable: true),
      source: matcher.make(path: log.input.path, kind: "log", head: log.head),
      firstYear: log.firstYear,
      isGrowing: isGrowing(log),
      report: &report
    )
  }

  /// A plain file that was written to lately may yet end its last line.
  private func isGrowing(_ log: LogInput) -> Bool {
    guard log.compression == .none, !log.isWhole else { return false }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) - log.identity.modified / 1_000_000_000 < 60
  }

  /// Brings `stream` to the cursor of a source that it seems to continue, and gives the bytes before
  /// it; nil where it does not.
  private func resume(
    _ candidate: SourceCursor,
    stream: any ByteStream,
    file: OpenFile,
    _ log: LogInput
  ) throws(ReadFailure) -> (source: SourceCursor, tail: [UInt8])? {
    var source = candidate
    var tail: [UInt8] = []
    if log.compression == .none {
      tail = file.bytes(at: source.tailStart, count: source.tailCount)
      guard source.confirms(tail), try stream.skip(to: source.cursor) else { return nil }
    } else {
      guard try stream.skip(to: source.tailStart) else { return nil }
      tail = try Ingest.readExactly(stream, count: source.tailCount)
      guard source.confirms(tail) else { return nil }
    }
    if source.headLength < SourceMatcher.headLength {
      source.headLength = min(log.head.count, SourceMatcher.headLength)
      source.headHash = fingerprint(log.head.prefix(source.headLength))
    }
    return (source, tail)
  }

  private static func readExactly(
    _ stream: any ByteStream,
    count: Int
  ) throws(ReadFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
    defer { chunk.deallocate() }
    while bytes.count < count {
      let wanted = UnsafeMutableRawBufferPointer(rebasing: chunk[..<(count - bytes.count)])
      let got = try stream.read(into: wanted)
      if got == 0 { break }
      bytes.append(contentsOf: wanted[..<got])
    }
    return bytes
  }

  /// The systemd journal through its own program, from behind the entry that an earlier run read last.
  /// The program writes fields in any order, so that bytes tell nothing: the journal's cursor does.
  func readJournal(_ input: FoundInput) throws -> [InputReport] {
    var report = InputReport(path: input.path, kind: .log)
    let place = String(input.path.dropFirst(JournalPipe.prefix.count))
    let known = matcher.sources.first { $0.path == input.path }
    let cursor = known == nil ? nil : try store.carriedStates()["journal\u{0}\(input.path)"]
    guard
      let journal = JournalPipe(
        path: place.isEmpty ? nil : place,
        after: cursor.map { String(decoding: $0, as: UTF8.self) }
      )
    else {
      report.troubles.append(
        InputTrouble(.missing, path: input.path, "journalctl cannot be started")
      )
      return [report]
    }
    do {
      let stream = PlainStream(journal.file, isSeekable: false)
      let head = try Ingest.readHead(stream)
      if let known, cursor != nil {
        _ = try pump(
          stream,
          already: head,
          source: known,
          firstYear: CivilTime(options.now).year,
          isGrowing: false,
          report: &report
        )
      } else {
        try readStream(stream, head: head, path: input.path, modified: nil, &report)
      }
    } catch let error as ReadFailure {
      report.troubles.append(Ingest.trouble(error, path: input.path))
    }
    report.troubles += journal.finish(path: input.path)
    return [report]
  }

  /// A stream that cannot be opened again: what was read for a look is handed on.
  func readStream(
    _ stream: any ByteStream,
    head: [UInt8],
    path: String,
    modified: Int64?,
    _ report: inout InputReport
  ) throws {
    guard !head.isEmpty else { return }
    let year = firstYear(
      ofStream: head,
      written: written(modified: modified),
      path: path,
      &report
    )
    if !matcher.candidates(head: head).isEmpty {
      // Whether it goes on as what it begins like did shows behind what cannot be read again.
      let held = try OpenFile(copying: RewoundStream(head, then: stream), path: path)
      var log = LogInput(
        input: FoundInput(path: path, kind: .file, isNamed: false),
        compression: .none,
        isPackedArchive: false,
        head: Array(head.prefix(SourceMatcher.headLength)),
        firstMoment: nil,
        firstYear: year,
        identity: held.identity
      )
      log.isWhole = true
      _ = try read(file: held, log: log, report: &report)
      return
    }
    let source = matcher.make(path: path, kind: "log", head: head)
    let isLong = head.count > LineReader.mostAlready
    _ = try pump(
      isLong ? RewoundStream(head, then: stream) : stream,
      already: isLong ? [] : head,
      source: source,
      firstYear: year,
      isGrowing: false,
      report: &report
    )
  }
}

/// A stream of which the first bytes were taken, put back before the rest; or those bytes alone.
final class RewoundStream: ByteStream {
  private var head: ArraySlice<UInt8>
  private let rest: (any ByteStream)?
  private var produced: Int64 = 0
  var storedBytesRead: Int64 { rest?.storedBytesRead ?? produced }
  var isPacked: Bool { rest?.isPacked ?? false }

  init(_ head: [UInt8], then rest: (any ByteStream)? = nil) {
    self.head = head[...]
    self.rest = rest
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    if head.isEmpty {
      let count = try rest?.read(into: buffer) ?? 0
      produced += Int64(count)
      return count
    }
    let count = min(buffer.count, head.count)
    buffer.copyBytes(from: head.prefix(count))
    head = head.dropFirst(count)
    produced += Int64(count)
    return count
  }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: produced, to: offset)
  }
}
