import FoundationEssentials
import MailModel
import Store

/// A log file that waits to be read.
struct LogInput {
  var input: FoundInput
  var compression: Compression
  /// The compressed file holds a tar archive.
  var isPackedArchive: Bool
  /// The first uncompressed bytes, as many as name a source.
  var head: [UInt8]
  /// What was looked at, and whether it holds a log's lines.
  var bytesLookedAt = 0
  var holdsLogLines = false
  var firstMoment: Timestamp?
  var firstYear: Int
  /// The file's date spoke for a later year, which has no 29 February.
  var isYearByLeapDay = false
  var identity: FileIdentity
  /// The file changed under its name since the first look.
  var isSecondLook = false
  /// Nothing is added to it any more: what a pipe gave, held in a file.
  var isWhole = false
  var size: Int64 { identity.size }
}

/// What a look at a file found.
enum Examination {
  case log(LogInput)
  case done(InputReport)
}

extension Ingest {
  /// Listings of queues are read whole, up to this many bytes.
  static let largestListing = 256 << 20

  /// Looks at a file's head and decides what it is.
  func examine(_ input: FoundInput) throws -> Examination {
    var report = InputReport(path: input.path, kind: .log)
    let file: OpenFile
    do { file = try OpenFile(path: input.path) } catch {
      report.troubles.append(Ingest.trouble(error, input: input))
      return .done(report)
    }
    let identity = file.identity
    if let known = try unchanged(input, identity) { return .done(known) }
    let start = file.bytes(at: 0, count: 512)
    if let form = UnreadForm(head: start) {
      // One met in a directory may be anything.
      report.kind = .other
      let kind: InputTrouble.Kind = input.isNamed ? .content : .note
      report.troubles.append(InputTrouble(kind, path: input.path, form.description))
      return .done(report)
    }
    let compression = Compression(head: start)
    var log = LogInput(
      input: input,
      compression: compression,
      isPackedArchive: false,
      head: [],
      firstMoment: nil,
      firstYear: 1970,
      identity: identity
    )
    if compression == .zip || compression == .tar { return .log(log) }
    do {
      let stream = try compression.stream(file, isSeekable: true)
      log.head = try Ingest.readHead(stream)
      readOn(stream, &log.head, limit: input.isNamed ? Ingest.farthestLook : Ingest.fartherLook)
    } catch {
      report.troubles.append(Ingest.trouble(error, path: input.path))
      return .done(report)
    }
    if compression != .none {
      let inner = Compression(head: log.head)
      if inner == .tar {
        log.isPackedArchive = true
        return .log(log)
      }
      if inner.isUTF16 {
        report.troubles.append(
          InputTrouble(.content, path: input.path, UnreadForm.packedUTF16.description)
        )
        return .done(report)
      }
    }
    if let server = servers.first(where: { $0.isQueueListing(head: log.head.span) }) {
      return .done(try readListingFile(input, compression: compression, server: server))
    }
    if let other = notALog(log) { return .done(other) }
    setFirstYear(of: &log, file: file)
    log.firstMoment = firstMoment(ofHead: log.head, firstYear: log.firstYear)
    log.holdsLogLines = holdsLogLines(log.head)
    log.bytesLookedAt = log.head.count
    // Thousands of files may wait.
    log.head = Array(log.head.prefix(SourceMatcher.headLength))
    return .log(log)
  }

  /// The report of a file that was read to its end and has not changed.
  private func unchanged(_ input: FoundInput, _ identity: FileIdentity) throws -> InputReport? {
    guard
      let ids = try store.unchangedSources(SeenFile(path: input.path, identity)), !ids.isEmpty
    else { return nil }
    var report = InputReport(path: input.path, kind: .log)
    for source in matcher.sources where ids.contains(source.id) {
      report.add(source)
    }
    return report
  }

  private func readListingFile(
    _ input: FoundInput,
    compression: Compression,
    server: any MailServer
  ) throws -> InputReport {
    var report = InputReport(path: input.path, kind: .queueListing)
    do {
      let file = try OpenFile(path: input.path)
      let stream = try compression.stream(file, isSeekable: true)
      let bytes = try Ingest.readAll(stream, limit: Ingest.largestListing)
      return try readListing(bytes, path: input.path, server: server)
    } catch let error as OpenFailure {
      report.troubles.append(Ingest.trouble(error, input: input))
    } catch let error as ReadFailure {
      report.troubles.append(Ingest.trouble(error, path: input.path))
    }
    return report
  }

  /// Whether a line of a head begins as a log's lines do.
  func holdsLogLines(_ head: [UInt8]) -> Bool {
    var reader = envelopeReader(firstYear: CivilTime(options.now).year)
    var hasEnvelope = false
    Ingest.forEachLine(head) { line in
      if reader.read(line.span) != nil || JournalLine.isOne(line) || JournalExport.begins(line) {
        hasEnvelope = true
      }
      return !hasEnvelope
    }
    return hasEnvelope
  }

  /// A report for a file that holds no log lines: configuration of a server, or something else.
  private func notALog(_ log: LogInput) -> InputReport? {
    if holdsLogLines(log.head) { return nil }
    // One line fills all that was looked at: what follows it may be a log.
    if log.input.isNamed, log.head.count >= Ingest.farthestLook, !log.head.contains(0x0a) {
      return nil
    }
    let file = ConfigurationFile(path: log.input.path, bytes: log.head)
    var report = InputReport(path: log.input.path, kind: .other)
    if let server = servers.first(where: { $0.isConfiguration(file) }) {
      report.kind = .configuration
      report.format = server.id.description
      report.troubles.append(
        InputTrouble(
          .note,
          path: log.input.path,
          "configuration of \(server.name), not a log; name it with --mta-config to use it"
        )
      )
      return report
    }
    // A named file must hold a log; one met in a directory may be anything.
    guard log.input.isNamed, !log.head.isEmpty else { return report }
    report.kind = .log
    report.refuse(head: log.head, path: log.input.path)
    return report
  }

  /// How far a look goes for a line that a log may hold, in what the operator named and in a file met
  /// in a directory.
  static let farthestLook = 16 << 20
  static let fartherLook = 1 << 20

  /// Reads on from the end of `head` until a line that a log may hold, `limit` bytes at most. What
  /// ends the stream ends the look: it is told when the stream is read.
  func readOn(_ stream: any ByteStream, _ head: inout [UInt8], limit: Int) {
    // Where the first line begins that was not looked at, or not at its end.
    var looked = 0
    while head.count >= Ingest.firstLook, head.count < limit,
      !holdsLogLines(Array(head[looked...]))
    {
      looked = head.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
      // Twice as much each time, so that a long line is not looked at over and over.
      let more = try? Ingest.readAll(
        stream,
        limit: min(head.count, limit - head.count),
        mayCut: true
      )
      guard let more, !more.isEmpty else { return }
      head += more
    }
  }

  /// Says how many lines were passed over, where a log begins with many that have no stamp.
  func warn(ofHeadWithoutStamps bytes: Int, _ report: inout InputReport) {
    guard bytes > Ingest.firstLook, report.withoutStamp > 0 else { return }
    report.troubles.append(
      InputTrouble(
        .warning,
        path: report.path,
        offset: 0,
        report.withoutStamp == 1
          ? "a long line at its head has no stamp, and was not understood"
          : "\(report.withoutStamp) lines have no stamp, most at its head, and were not understood"
      )
    )
  }

  func envelopeReader(firstYear: Int) -> EnvelopeReader {
    let clock = ZoneClock(zone: options.zone) ?? ZoneClock.utc
    return EnvelopeReader(clock: clock, firstYear: firstYear)
  }

  /// The moment of the first line that has one.
  func firstMoment(ofHead head: [UInt8], firstYear: Int) -> Timestamp? {
    var reader = envelopeReader(firstYear: firstYear)
    var moment: Timestamp?
    Ingest.forEachLine(head) { line in
      moment =
        reader.read(line.span)?.moment ?? JournalLine(line)?.envelope.moment
        ?? JournalExport.moment(line)
      return moment == nil
    }
    return moment
  }

  /// Calls `body` with each line until it gives false.
  static func forEachLine(_ bytes: [UInt8], _ body: (UnsafeBufferPointer<UInt8>) -> Bool) {
    bytes.withUnsafeBufferPointer { buffer in
      var start = 0
      while start < buffer.count {
        let rest = UnsafeBufferPointer(rebasing: buffer[start...])
        let end = UnsafeRawBufferPointer(rest).firstByte(0x0a).map { start + $0 } ?? buffer.count
        if !body(UnsafeBufferPointer(rebasing: buffer[start..<end])) { return }
        start = end + 1
      }
    }
  }

  /// Bytes that tell what most files are.
  static let firstLook = 1 << 16

  static func readHead(_ stream: any ByteStream) throws(ReadFailure) -> [UInt8] {
    try readAll(stream, limit: firstLook, mayCut: true)
  }

  static func readAll(
    _ stream: any ByteStream,
    limit: Int,
    mayCut: Bool = false
  ) throws(ReadFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { chunk.deallocate() }
    while bytes.count < limit {
      // No more than is kept: a pipe or an archive's member does not give the rest again.
      let room = UnsafeMutableRawBufferPointer(
        rebasing: chunk[..<min(chunk.count, limit - bytes.count)]
      )
      let count: Int
      do { count = try stream.read(into: room) } catch {
        if mayCut, !bytes.isEmpty { return bytes }
        throw error
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: room[..<count])
    }
    guard mayCut else {
      throw ReadFailure(offset: Int64(limit), reason: "larger than is read", isDamage: false)
    }
    return bytes
  }

  static func trouble(_ error: OpenFailure, input: FoundInput) -> InputTrouble {
    let kind: InputTrouble.Kind =
      switch error.kind {
      case .missing: input.isNamed ? .missing : .note
      case .permission: .permission
      case .notRegular: .content
      case .inputOutput: .inputOutput
      }
    return InputTrouble(kind, path: input.path, error.reason)
  }

  static func trouble(_ error: ReadFailure, path: String) -> InputTrouble {
    InputTrouble(
      error.isDamage ? .content : .inputOutput,
      path: path,
      offset: error.offset,
      error.reason
    )
  }
}

extension InputReport {
  /// Says that what was looked at holds no line of a log.
  mutating func refuse(head: [UInt8], path: String) {
    lines = head.count { $0 == 0x0a }
    unrecognized = lines
    bytes = Int64(head.count)
    troubles.append(
      InputTrouble(
        .content,
        path: path,
        offset: 0,
        UnreadForm(unpacked: head)?.description ?? "no line of it is a mail log's"
      )
    )
  }

  /// Adds the counts of a source that the file holds.
  mutating func add(_ source: SourceCursor) {
    lines += source.lines
    recognized += source.recognized
    unrecognized += source.unrecognized
    bytes += source.cursor
    format = format ?? source.format
    newest = [newest, source.newest].compactMap { $0 }.max()
  }
}

extension SeenFile {
  init(path: String, _ identity: FileIdentity) {
    self.init(
      path: path,
      device: identity.device,
      inode: identity.inode,
      size: identity.size,
      modified: identity.modified
    )
  }
}
