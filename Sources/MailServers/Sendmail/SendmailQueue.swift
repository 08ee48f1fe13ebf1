import MailModel

/// Sendmail's queue: control files `qfID`, in one directory or several. Nothing is locked: a lock of
/// ours would make sendmail skip the job. A control file is rewritten under another name and moved
/// over the old one, so that only one that is written for the first time can be short.
/// Source: Sendmail sendmail/queue.c (queueup, readqf).
struct SendmailQueue {
  let root: String
  let now: Timestamp

  /// What a control file's first letter says: to run, quarantined, or lost.
  private enum Kind: String {
    case waiting = "qf"
    case quarantined = "hf"
    case lost = "Qf"

    init?(_ name: String) {
      guard let kind = Kind(rawValue: String(name.prefix(2))),
        SendmailQueueID.isOne(name.dropFirst(2))
      else { return nil }
      self = kind
    }
  }

  /// How long a control file may stay short before it counts as damaged, in seconds.
  private static let writingTime = 60.0

  func read() -> QueueSnapshot {
    var snapshot = QueueSnapshot(server: MailServerID("sendmail"), path: root, takenAt: now)
    var seen: Set<String> = []
    walk(root, depth: 0, &snapshot, &seen)
    snapshot.messages.sort { ($0.arrivedAt, $0.queueID) < ($1.arrivedAt, $1.queueID) }
    return snapshot
  }

  private func walk(
    _ directory: String,
    depth: Int,
    _ snapshot: inout QueueSnapshot,
    _ seen: inout Set<String>
  ) {
    let entries: [String]
    do { entries = try BoundedFile.entries(of: directory) } catch {
      if error != .vanished {
        snapshot.troubles.append(ReadTrouble(path: directory, error))
      }
      return
    }
    for entry in entries {
      if let kind = Kind(entry) {
        let id = String(entry.dropFirst(2))
        if seen.insert(id).inserted { readJob(directory, id: id, kind: kind, &snapshot) }
      } else if depth < 3, !SendmailQueue.isOtherFile(entry),
        BoundedFile.isDirectory(directory + "/" + entry)
      {
        walk(directory + "/" + entry, depth: depth + 1, &snapshot, &seen)
      }
    }
  }

  /// Bodies, transcripts and files in the making: there may be very many of them.
  private static func isOtherFile(_ name: String) -> Bool {
    name.dropFirst().first == "f" && SendmailQueueID.isOne(name.dropFirst(2))
  }

  /// A job that is quarantined or released meanwhile changes its first letter.
  private func readJob(
    _ directory: String,
    id: String,
    kind: Kind,
    _ snapshot: inout QueueSnapshot
  ) {
    let kinds = [kind] + [.waiting, .quarantined, .lost].filter { $0 != kind }
    for kind in kinds {
      let path = "\(directory)/\(kind.rawValue)\(id)"
      do throws(BoundedFile.Failure) {
        let file = try BoundedFile(path: path, limit: 4 << 20)
        if var message = SendmailQueueFile(file.bytes).message(
          id: id,
          isHeld: kind != .waiting
        ) {
          message.size = bodySize(directory, id: id)
          message.directory = directory
          snapshot.messages.append(message)
        } else if !file.bytes.isEmpty,
          now.seconds(since: file.modified) > SendmailQueue.writingTime
        {
          snapshot.troubles.append(ReadTrouble(path: path, reason: "not a whole qf file"))
        }
        return
      } catch {
        if error == .vanished { continue }
        snapshot.troubles.append(ReadTrouble(path: path, error))
        return
      }
    }
  }

  /// Bytes of the body, which lies beside the control file or in the `df` directory beside its own.
  private func bodySize(_ directory: String, id: String) -> Int? {
    BoundedFile.size(of: "\(directory)/df\(id)")
      ?? (directory.hasSuffix("/qf")
        ? BoundedFile.size(of: "\(directory.dropLast(2))df/df\(id)") : nil)
  }
}
