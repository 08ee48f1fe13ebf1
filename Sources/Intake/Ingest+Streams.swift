import Glibc
import MailModel

/// Content that cannot be opened again: members of archives, standard input, FIFOs. Packed content in
/// them goes through a file without a name, since its readers want a descriptor.
extension Ingest {
  /// Members of one archive that are read, at most: each is a source of its own.
  private static let mostMembers = 10_000

  /// Each member of a tar or zip archive is a source of its own, packed or not.
  func readMembers(
    _ archive: ArchiveStream,
    path archivePath: String,
    modified: Int64?,
    isNamed: Bool
  ) throws -> [InputReport] {
    var reports: [InputReport] = []
    do {
      while let name = try archive.nextMember() {
        guard reports.count < Ingest.mostMembers else {
          var report = InputReport(path: archivePath, kind: .log)
          report.troubles.append(
            InputTrouble(
              .content,
              path: archivePath,
              "it holds more than \(Ingest.mostMembers) files; the rest is not read"
            )
          )
          reports.append(report)
          break
        }
        let path = "\(archivePath)(\(OutsideText(name).terminal(limit: 200)))"
        var report = InputReport(path: path, kind: .log)
        let head = try Ingest.readHead(archive)
        if Compression(head: head) == .none {
          try readStream(archive, head: head, path: path, modified: modified, &report)
        } else {
          try readPackedMember(RewoundStream(head, then: archive), path, modified, &report)
        }
        reports.append(report)
      }
      if isNamed, reports.allSatisfy({ $0.recognized == 0 && $0.unrecognized == 0 }) {
        for index in reports.indices { checkIsLog(&reports[index]) }
      }
    } catch let error as ReadFailure {
      var report = InputReport(path: archivePath, kind: .log)
      report.troubles.append(Ingest.trouble(error, path: archivePath))
      reports.append(report)
    }
    return reports
  }

  /// A member that is packed itself, as rotated logs are. What is wrong with it is its own trouble: the
  /// members behind it are read.
  private func readPackedMember(
    _ member: RewoundStream,
    _ path: String,
    _ modified: Int64?,
    _ report: inout InputReport
  ) throws {
    do {
      let file = try OpenFile(copying: member, path: path)
      let packing = Compression(head: file.bytes(at: 0, count: 512))
      if packing != .zip, packing != .tar {
        let stream = try packing.stream(file, isSeekable: true)
        let head = try Ingest.readHead(stream)
        let inner = Compression(head: head)
        if inner == .none {
          try readStream(stream, head: head, path: path, modified: modified, &report)
          return
        }
        if inner.isUTF16 {
          report.troubles.append(InputTrouble(.content, path: path, Ingest.packedUTF16))
          return
        }
      }
      report.troubles.append(
        InputTrouble(
          .content,
          path: path,
          "packed twice; unpack the outer archive and name this one"
        )
      )
    } catch let error as ReadFailure {
      report.troubles.append(Ingest.trouble(error, path: path))
    }
  }

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
        try ArchiveStream(held, isSingle: false),
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
