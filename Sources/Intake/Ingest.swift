import FoundationEssentials
import Glibc
package import MailModel
package import Store

/// Reads inputs into the store: what is new in each, exactly once.
package final class Ingest {
  let store: TriageStore
  let servers: [any MailServer]
  let options: IngestOptions
  var intake: LineIntake
  var matcher: SourceMatcher
  /// Before anything is asked of the store: nobody else writes what it says until the end.
  private let turn: IngestTurn
  private let progress: ((IngestProgress) -> Void)?
  private var bytesDone: Int64 = 0
  private var bytesInAll: Int64 = 0
  /// Bytes that were read while ``IngestWriter/isAlongside``.
  var bytesAlongside: Int64 = 0

  /// Throws ``StoreError``. `seed` scatters the tables whose keys come from outside.
  package init(
    store: TriageStore,
    servers: [any MailServer],
    options: IngestOptions,
    seed: UInt64,
    progress: ((IngestProgress) -> Void)? = nil
  ) throws {
    self.store = store
    self.servers = servers
    self.options = options
    self.progress = progress
    turn = try IngestTurn(of: store)
    matcher = SourceMatcher(try store.sources())
    intake = LineIntake(
      writer: try IngestWriter(store: store, seed: seed, isDiscarding: options.isDiscarded),
      dispatch: Dispatch(servers: servers, carried: try store.carriedStates(), seed: seed)
    )
  }

  /// Reads all inputs, logs in the order of their first stamps. What cannot be read is in the reports;
  /// throws ``StoreError`` where the store fails.
  package func run(_ inputs: [FoundInput]) throws -> [InputReport] {
    var reports: [InputReport] = []
    var logs: [LogInput] = []
    for input in inputs {
      switch input.kind {
      case .queue(let id): reports.append(try readQueue(input, server: id))
      case .file:
        switch try examine(input) {
        case .log(let log): logs.append(log)
        case .done(let report): reports.append(report)
        }
      case .standardInput, .pipe, .journal: reports += try readPipe(input)
      }
    }
    bytesInAll = logs.reduce(0) { $0 + $1.size }
    logs.sort {
      ($0.firstMoment ?? .distantPast, $0.input.path) < (
        $1.firstMoment ?? .distantPast, $1.input.path
      )
    }
    for log in logs { reports += try read(log) }
    try intake.writer.prune()
    return reports
  }

  /// What was read in this run.
  package var counts: IngestCounts { intake.writer.counts }

  func report(progressOf stream: any ByteStream, path: String, before: inout Int64) {
    let now = stream.storedBytesRead
    bytesDone += max(0, now - before)
    before = now
    progress?(IngestProgress(path: path, bytesDone: bytesDone, bytesInAll: bytesInAll))
  }

  // MARK: - Queues

  private func readQueue(_ input: FoundInput, server id: MailServerID) throws -> InputReport {
    var report = InputReport(path: input.path, kind: .queue)
    guard let server = servers.first(where: { $0.id == id }) else { return report }
    let snapshot = server.readQueue(directory: input.path, now: options.now)
    report.format = id.description
    fill(&report, with: snapshot)
    // A queue that may not be read is not an empty one.
    let isForbidden = report.troubles.contains { $0.kind == .permission || $0.kind == .inputOutput }
    if !isForbidden || !snapshot.messages.isEmpty { try store.save(snapshot) }
    return report
  }

  func readListing(
    _ bytes: [UInt8],
    path: String,
    server: any MailServer
  ) throws -> InputReport {
    var report = InputReport(path: path, kind: .queueListing)
    let snapshot = server.readQueueListing(bytes, path: path, now: moment(ofListing: path))
    report.format = server.id.description
    report.bytes = Int64(bytes.count)
    fill(&report, with: snapshot)
    try store.save(snapshot)
    return report
  }

  /// A listing is as old as its file: one that lies about from yesterday does not show today's queue.
  /// A file younger than the moment asked for is a copy, and taken as of then.
  private func moment(ofListing path: String) -> Timestamp {
    var status = stat()
    guard stat(path, &status) == 0 else { return options.now }
    return min(options.now, Timestamp(seconds: Int64(status.st_mtim.tv_sec)))
  }

  private func fill(_ report: inout InputReport, with snapshot: QueueSnapshot) {
    report.lines = snapshot.messages.count + snapshot.retryRecords.count
    report.recognized = report.lines
    report.unrecognized = snapshot.troubles.count
    report.newest = snapshot.takenAt
    report.troubles = snapshot.troubles.map(InputTrouble.init)
  }
}

extension Timestamp {
  static let distantPast = Timestamp(microseconds: Int64.min)
}
