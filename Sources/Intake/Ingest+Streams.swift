import Glibc
import MailModel

/// Content that cannot be opened again: standard input, FIFOs. Packed content in them goes through a file
/// without a name, since its readers want a descriptor.
extension Ingest {
  /// Standard input, a FIFO, or the journal's own program.
  func readPipe(_ input: FoundInput) throws -> [InputReport] {
    var report = InputReport(path: input.path, kind: .log)
    let descriptor: Int32
    switch input.kind {
    case .standardInput: descriptor = 0
    case .journal: return try readJournal(input)
    default: descriptor = open(input.path, O_RDONLY | O_CLOEXEC)
    }
    guard descriptor >= 0 else {
      report.troubles.append(InputTrouble(.permission, path: input.path, "cannot be opened"))
      return [report]
    }
    let source = OpenFile(descriptor: descriptor, path: input.path)
    let pipe = PlainStream(source, isSeekable: false)
    do {
      let head = try Ingest.readHead(pipe)
      let packing = Compression(head: head)
      if packing == .none {
        return [try readUnpacked(pipe, head: head, input)]
      }
      let held: OpenFile
      if packing == .gzip {
        // A stream all along, but for an archive in it.
        source.putBack(head)
        let stream = UnpackedStream(source, GzipUnpacker())
        let head = try Ingest.readHead(stream)
        if Compression(head: head) != .tar { return [try readUnpacked(stream, head: head, input)] }
        held = try OpenFile(copying: RewoundStream(head, then: stream), path: input.path)
      } else {
        held = try OpenFile(copying: RewoundStream(head, then: pipe), path: input.path)
        if packing != .zip, packing != .tar {
          let stream = try packing.stream(held, isSeekable: true)
          let head = try Ingest.readHead(stream)
          if Compression(head: head) != .tar {
            return [try readUnpacked(stream, head: head, input)]
          }
          held.seek(to: 0)
        }
      }
      return try readMembers(
        of: held,
        path: input.path,
        modified: nil,
        isNamed: true
      )
    } catch let error as ReadFailure {
      report.troubles.append(Ingest.trouble(error, path: input.path))
    }
    return [report]
  }

  /// A queue's listing or a log, by its first bytes.
  private func readUnpacked(
    _ stream: any ByteStream,
    head: [UInt8],
    _ input: FoundInput
  ) throws -> InputReport {
    if let server = servers.first(where: { $0.isQueueListing(head: head.span) }) {
      let rest = try Ingest.readAll(stream, limit: Ingest.largestListing)
      return try readListing(head + rest, path: input.path, server: server)
    }
    var report = InputReport(path: input.path, kind: .log)
    var head = head
    readOn(stream, &head, limit: Ingest.farthestLook)
    guard head.isEmpty || holdsLogLines(head) else {
      report.refuse(head: head, path: input.path)
      return report
    }
    try readStream(stream, head: head, path: input.path, modified: nil, &report)
    warn(ofHeadWithoutStamps: head.count, &report)
    checkIsLog(&report)
    return report
  }

  /// What the operator named must hold a mail log's lines.
  func checkIsLog(_ report: inout InputReport) {
    guard report.troubles.allSatisfy(\.kind.isHarmless), report.lines > 0,
      report.recognized == 0, report.unrecognized == 0
    else { return }
    report.troubles.append(
      InputTrouble(.content, path: report.path, offset: 0, "no line of it is a mail log's")
    )
  }
}
