import MailModel
import Store

/// Archives: each member is a source of its own, packed or not. Members stand in any order, rotated logs
/// mostly by name, which puts the newest first; they are read in the order of time.
extension Ingest {
  /// Members of one archive that are read, at most.
  private static let mostMembers = 10_000
  /// How often an archive is read from its start, at most: each member that is older than the one before
  /// it takes another time.
  private static let mostPasses = 64
  /// Bytes of a packed member that are unpacked for a look: no packing's first block is larger.
  private static let packedLook = 1 << 20

  /// Reads what is new in each member of the archive in `file`.
  func readMembers(
    of file: OpenFile,
    path archivePath: String,
    modified: Int64?,
    isNamed: Bool
  ) throws -> [InputReport] {
    let contents = lookAtMembers(of: file, path: archivePath, modified)
    var reports: [InputReport] = []
    var rest = contents.order[...]
    var isRead = true
    while !rest.isEmpty, isRead {
      isRead = false
      do {
        file.seek(to: 0)
        let archive = try ArchiveStream(file, isSingle: false)
        var place = 0
        while let next = rest.first, let name = try archive.nextMember() {
          if place == next {
            rest.removeFirst()
            isRead = true
            reports.append(try readMember(archive, named: name, of: archivePath, modified))
          }
          place += 1
        }
      } catch is ReadFailure {
        // The look has told of it.
        break
      }
    }
    if isNamed, reports.allSatisfy({ $0.recognized == 0 && $0.unrecognized == 0 }) {
      for index in reports.indices { checkIsLog(&reports[index]) }
    }
    if !contents.troubles.isEmpty {
      var report = InputReport(path: archivePath, kind: .log)
      report.troubles = contents.troubles
      reports.append(report)
    }
    return reports
  }

  /// The places of an archive's members in the order of their first stamps, and what is wrong with it as
  /// a whole.
  private func lookAtMembers(
    of file: OpenFile,
    path: String,
    _ modified: Int64?
  ) -> (order: [Int], troubles: [InputTrouble]) {
    var troubles: [InputTrouble] = []
    var moments: [Timestamp] = []
    do {
      file.seek(to: 0)
      let archive = try ArchiveStream(file, isSingle: false)
      while try archive.nextMember() != nil {
        guard moments.count < Ingest.mostMembers else {
          let reason = "it holds more than \(Ingest.mostMembers) files; the rest is not read"
          troubles.append(InputTrouble(.content, path: path, reason))
          break
        }
        moments.append(firstMoment(ofMember: archive, path: path, modified) ?? .distantPast)
      }
    } catch {
      troubles.append(Ingest.trouble(error, path: path))
    }
    let order = moments.indices.sorted { (moments[$0], $0) < (moments[$1], $1) }
    let passes = 1 + zip(order, order.dropFirst()).count { $0 > $1 }
    if passes <= Ingest.mostPasses { return (order, troubles) }
    let reason =
      "its \(order.count) files stand in no order of time, and are read as they stand: mail of which one "
      + "tells the start and one before it the end may look as if it waited; unpack it and name the directory"
    troubles.append(InputTrouble(.warning, path: path, reason))
    return (Array(moments.indices), troubles)
  }

  private func firstMoment(
    ofMember archive: ArchiveStream,
    path: String,
    _ modified: Int64?
  ) -> Timestamp? {
    guard var head = try? Ingest.readHead(archive) else { return nil }
    let packing = Compression(head: head)
    if packing != .none {
      guard packing != .zip, packing != .tar else { return nil }
      let more = try? Ingest.readAll(archive, limit: Ingest.packedLook, mayCut: true)
      let start = RewoundStream(head + (more ?? []))
      guard let held = try? OpenFile(copying: start, path: path),
        let stream = try? packing.stream(held, isSeekable: true),
        let unpacked = try? Ingest.readHead(stream)
      else { return nil }
      head = unpacked
    }
    // What is wrong with it is told when it is read.
    var scratch = InputReport(path: path, kind: .log)
    let date = written(modified: archive.memberModified ?? modified)
    let year = firstYear(ofStream: head, written: date, path: path, &scratch)
    return firstMoment(ofHead: head, firstYear: year)
  }

  private func readMember(
    _ archive: ArchiveStream,
    named name: String,
    of archivePath: String,
    _ modified: Int64?
  ) throws -> InputReport {
    let path = "\(archivePath)(\(OutsideText(name).terminal(limit: 200)))"
    let modified = archive.memberModified ?? modified
    var report = InputReport(path: path, kind: .log)
    do {
      let head = try Ingest.readHead(archive)
      if Compression(head: head) == .none {
        try readStream(archive, head: head, path: path, modified: modified, &report)
      } else {
        try readPackedMember(RewoundStream(head, then: archive), path, modified, &report)
      }
    } catch let error as ReadFailure {
      report.troubles.append(Ingest.trouble(error, path: path))
    }
    return report
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
          let form = UnreadForm.packedUTF16
          report.troubles.append(InputTrouble(.content, path: path, form.description))
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
}
