import MailModel

/// Reads a Postfix queue directory while Postfix runs: nothing is locked, written or renamed; files
/// may vanish, move and grow. Directories are read in the direction in which mail moves, and the
/// later sighting of an id wins. Mail that moved against that direction meanwhile (a deferred message
/// that is tried again) is found by looking again until a look gives nothing new.
struct PostfixQueueReader {
  let root: String
  let now: Timestamp
  private var found: [String: QueuedMessage] = [:]
  private var troubles: [ReadTrouble] = []
  /// Files that cannot be read, by path: looked at once.
  private var unreadable: Set<String> = []
  /// Queue ids that were listed and had gone when they were to be read.
  private var missed = false

  /// Looks at the directories at most; a queue that still gives new mail then is simply busy.
  private static let mostLooks = 5

  /// What is read of a queue file at first: nearly always the whole envelope, or all of it up to the
  /// content.
  private static let headSize = 16 << 10
  /// What is read behind the content: recipients.
  private static let tailSize = 16 << 20

  init(root: String, now: Timestamp) {
    self.root = root
    self.now = now
  }

  /// The directories that make a Postfix queue.
  static let directories: [(name: String, state: QueuedMessage.State)] = [
    ("incoming", .incoming), ("active", .active), ("deferred", .deferred), ("hold", .held),
    ("corrupt", .corrupt),
  ]

  mutating func read() -> QueueSnapshot {
    for look in 0..<PostfixQueueReader.mostLooks {
      let known = found.count
      missed = false
      for (name, state) in PostfixQueueReader.directories {
        walk(root + "/" + name, state: state, depth: 0, onlyNew: look > 0)
      }
      if look > 0, found.count == known, !missed { break }
    }
    return QueueSnapshot(
      server: MailServerID("postfix"),
      path: root,
      takenAt: now,
      messages: found.values.sorted { ($0.arrivedAt, $0.queueID) < ($1.arrivedAt, $1.queueID) },
      troubles: troubles
    )
  }

  /// Queue files may lie in directories of one character each, as deep as `hash_queue_depth` says.
  private mutating func walk(
    _ directory: String,
    state: QueuedMessage.State,
    depth: Int,
    onlyNew: Bool
  ) {
    let entries: [String]
    do { entries = try BoundedFile.entries(of: directory) } catch {
      if error != .vanished, unreadable.insert(directory).inserted {
        troubles.append(ReadTrouble(path: directory, error))
      }
      return
    }
    for entry in entries {
      let path = directory + "/" + entry
      if entry.utf8.count == 1 {
        if depth < 8, BoundedFile.isDirectory(path) {
          walk(path, state: state, depth: depth + 1, onlyNew: onlyNew)
        }
      } else if !onlyNew || found[entry] == nil {
        readFile(path, id: entry, state: state)
      }
    }
  }

  private mutating func readFile(_ path: String, id: String, state: QueuedMessage.State) {
    for attempt in 0..<2 {
      do throws(BoundedFile.Failure) {
        let file = try BoundedFile(path: path, limit: PostfixQueueReader.headSize)
        let envelope = PostfixQueueFile(file.bytes) { offset in
          let count = min(file.size - offset, PostfixQueueReader.tailSize)
          guard count > 0 else { return [] }
          return (try? BoundedFile.bytes(path: path, from: Int64(offset), count: count)) ?? []
        }
        if !envelope.isComplete, state != .corrupt {
          // Still being written, or read while it changed: once more, then only if it is whole.
          if attempt == 0, state != .incoming { continue }
          if file.mode & 0o700 == 0o700, unreadable.insert(path).inserted {
            troubles.append(ReadTrouble(path: path, reason: "the queue file has no end"))
          }
          return
        }
        found[id] = message(id, envelope, file, state)
        return
      } catch {
        if error == .vanished {
          missed = true
        } else if unreadable.insert(path).inserted {
          troubles.append(ReadTrouble(path: path, error))
        }
        return
      }
    }
  }

  private func message(
    _ id: String,
    _ envelope: PostfixQueueFile,
    _ file: BoundedFile,
    _ state: QueuedMessage.State
  ) -> QueuedMessage {
    let reasons = state == .deferred || state == .active || state == .held ? deferLog(id) : nil
    let recipients = envelope.recipients.map { one in
      let reason = reasons?.reasons[one.address]
      return QueuedRecipient(
        address: one.address,
        isDone: one.isDone,
        reason: reason?.reason,
        enhancedStatus: reason?.status
      )
    }
    let arrived =
      envelope.arrivedAt ?? PostfixQueueID.creation(id) ?? envelope.createdAt ?? file.changed
    return QueuedMessage(
      queueID: id,
      state: state,
      sender: envelope.sender ?? "",
      arrivedAt: arrived,
      lifetimeBase: envelope.createdAt ?? arrived,
      notBefore: state == .held || state == .corrupt ? nil : file.modified,
      lastAttemptAt: state == .deferred ? file.changed : nil,
      size: envelope.size,
      recipients: recipients,
      warningsSent: envelope.warningSent ? 1 : 0,
      wantsDelayWarning: envelope.recipients.contains { !$0.isDone && $0.wantsDelay },
      requiresTLS: envelope.requiresTLS,
      isForcedToExpire: file.mode & 0o010 != 0,
      warningDueAt: envelope.warningDueAt
    )
  }

  private func deferLog(_ id: String) -> PostfixDeferLog? {
    var names = ["\(root)/defer/\(id)"]
    // One level per leading character of the hash string, which for a long id is its microseconds.
    var hash = id
    if let creation = PostfixQueueID.creation(id) {
      let micros = creation.microseconds - creation.seconds * 1_000_000
      let hex = String(micros, radix: 16, uppercase: true)
      hash = String(repeating: "0", count: max(0, 5 - hex.count)) + hex
    }
    let letters = hash.map(String.init)
    for depth in 1...3 where letters.count >= depth {
      names.append("\(root)/defer/" + letters.prefix(depth).joined(separator: "/") + "/" + id)
    }
    for name in names.reversed() {
      if let file = try? BoundedFile(path: name, limit: 4 << 20) {
        return PostfixDeferLog(file.bytes)
      }
    }
    return nil
  }
}
