import MailModel

/// Exim's spool: `input/ID-H` is a message's envelope and header, `-J` its journal of addresses done
/// since. Source: Exim src/spool_in.c; the specification, chapter 57.
struct EximSpool {
  let root: String
  let now: Timestamp

  func read() -> QueueSnapshot {
    var snapshot = QueueSnapshot(server: MailServerID("exim"), path: root, takenAt: now)
    var order = EximDirectoryOrder()
    walk(root + "/input", depth: 0, &snapshot, &order)
    // A queue run takes messages as the directory lists them.
    let places = order.places
    for index in snapshot.messages.indices {
      snapshot.messages[index].placeInQueue = places[snapshot.messages[index].queueID]
    }
    readRetryDatabase(&snapshot)
    snapshot.messages.sort { ($0.arrivedAt, $0.queueID) < ($1.arrivedAt, $1.queueID) }
    return snapshot
  }

  /// The retry database, where this Exim was built with Berkeley DB; else `exim_dumpdb` tells it.
  private func readRetryDatabase(_ snapshot: inout QueueSnapshot) {
    let path = root + "/db/retry"
    let file: BoundedFile
    do { file = try BoundedFile(path: path, limit: 256 << 20) } catch {
      if error != .vanished {
        snapshot.troubles.append(ReadTrouble(path: path, error))
      } else if let size = BoundedFile.size(of: path + ".pag"), size > 0 {
        // What ndbm calls one database is two files.
        let advice = EximHintsKind.ndbm.advice(spool: root)
        snapshot.troubles.append(ReadTrouble(path: path + ".pag", reason: advice, nature: .advice))
      }
      return
    }
    guard !file.bytes.isEmpty else { return }
    guard let hints = EximHintsFile(file.bytes) else {
      snapshot.troubles.append(
        ReadTrouble(
          path: path,
          reason: EximHintsKind(file.bytes)?.advice(spool: root)
            ?? "the retry database is no Berkeley DB hash file: " + EximHintsKind.dump(root),
          nature: .advice
        )
      )
      return
    }
    snapshot.retryRecords = hints.retryRecords
    if let trouble = hints.trouble {
      snapshot.troubles.append(ReadTrouble(path: path, reason: trouble, nature: .remark))
    }
  }

  /// `split_spool_directory` puts files into directories of one character, which a queue run takes in
  /// an order of its own.
  private func walk(
    _ directory: String,
    depth: Int,
    _ snapshot: inout QueueSnapshot,
    _ order: inout EximDirectoryOrder
  ) {
    let entries: [String]
    do { entries = try BoundedFile.entriesAsListed(directory) } catch {
      if error != .vanished {
        snapshot.troubles.append(ReadTrouble(path: directory, error))
      }
      return
    }
    for entry in entries {
      let path = directory + "/" + entry
      if entry.utf8.count == 1, depth == 0, BoundedFile.isDirectory(path) {
        var inside = EximDirectoryOrder()
        walk(path, depth: 1, &snapshot, &inside)
      } else if entry.hasSuffix("-H") {
        readHeader(path, id: String(entry.dropLast(2)), &snapshot, &order)
      }
    }
  }

  /// Adds why its recipients wait, from the message log that lies in `msglog` as the message does in
  /// `input`; servers may keep none (`message_logs`).
  private func explain(_ message: inout QueuedMessage, besides header: String) {
    let inside = header.dropFirst((root + "/input").count).dropLast(2)
    let path = root + "/msglog" + inside
    guard message.recipients.contains(where: { !$0.isDone }),
      let size = try? BoundedFile(path: path, limit: 0).size,
      let bytes = try? BoundedFile.bytes(
        path: path,
        from: Int64(max(0, size - EximMessageLog.tail)),
        count: EximMessageLog.tail
      )
    else { return }
    let reasons = EximMessageLog(bytes, id: message.queueID).reasons
    for index in message.recipients.indices where !message.recipients[index].isDone {
      let known = reasons[message.recipients[index].address.lowercased()]
      message.recipients[index].reason = known?.reason
      message.recipients[index].enhancedStatus = known?.status
    }
  }

  private func readHeader(
    _ path: String,
    id: String,
    _ snapshot: inout QueueSnapshot,
    _ order: inout EximDirectoryOrder
  ) {
    do throws(BoundedFile.Failure) {
      let file = try BoundedFile(path: path, limit: 4 << 20)
      order.append(id, file)
      let journal = (try? BoundedFile(path: String(path.dropLast(1)) + "J", limit: 4 << 20))?.bytes
      if var message = EximSpoolFile(file.bytes, journal: journal ?? []).message(id: id) {
        explain(&message, besides: path)
        snapshot.messages.append(message)
      } else {
        snapshot.troubles.append(ReadTrouble(path: path, reason: "not a whole -H file"))
      }
    } catch {
      if error != .vanished {
        snapshot.troubles.append(ReadTrouble(path: path, error))
      }
    }
  }
}

/// One `-H` file.
struct EximSpoolFile {
  private let lines: [Substring]
  private let done: Set<String>
  private let text: String

  init(_ bytes: [UInt8], journal: [UInt8]) {
    text = String(decoding: bytes, as: UTF8.self)
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    done = Set(String(decoding: journal, as: UTF8.self).split(separator: "\n").map(String.init))
  }

  /// The message; nil where the file is not whole.
  func message(id: String) -> QueuedMessage? {
    guard lines.count > 5, lines[0].hasSuffix("-H"), lines[2].hasPrefix("<"),
      lines[2].hasSuffix(">")
    else { return nil }
    let times = lines[3].split(separator: " ").compactMap { Int64($0) }
    guard times.count >= 2 else { return nil }
    var arrived = Timestamp(seconds: times[0])
    var frozenSince: Timestamp?
    var at = 4
    while at < lines.count, lines[at].hasPrefix("-") {
      let option = lines[at].drop { $0 == "-" }
      if option.hasPrefix("frozen") {
        frozenSince = Timestamp(seconds: Int64(option.dropFirst(7)) ?? times[0])
      }
      if option.hasPrefix("received_time_usec ."), let micros = Int64(option.dropFirst(20)) {
        arrived = Timestamp(microseconds: arrived.microseconds + min(max(micros, 0), 999_999))
      }
      at += 1
    }
    var nonRecipients = done
    at = readTree(from: at, into: &nonRecipients)
    guard at < lines.count, let count = Int(lines[at]), count >= 0, count < 1_000_000,
      at + count < lines.count
    else { return nil }
    let envelope = lines[(at + 1)..<(at + 1 + count)].map { EximRecipientLine($0) }
    let recipients = envelope.map { one in
      QueuedRecipient(address: one.address, isDone: nonRecipients.contains(one.address))
    }
    let tellsOfDelay = zip(envelope, recipients).contains { $0.wantsDelayNotice && !$1.isDone }
    return QueuedMessage(
      queueID: id,
      state: frozenSince != nil ? .held : .deferred,
      sender: String(lines[2].dropFirst().dropLast()),
      arrivedAt: arrived,
      recipients: recipients,
      warningsSent: Int(times[1]),
      wantsDelayWarning: tellsOfDelay && !isList,
      heldSince: frozenSince
    )
  }

  /// Lists, bulk mail and automatic mail get no delay warning (the default delay_warning_condition).
  /// A header begins its line behind its length and a flag: `029P Precedence: bulk`.
  private var isList: Bool {
    lines.contains { line in
      let length = line.prefix { $0.isASCII && $0.isNumber }
      guard length.count >= 3 else { return false }
      let header = line.dropFirst(length.count + 2).lowercased()
      return [
        "list-id:", "list-post:", "list-subscribe:", "precedence: bulk", "precedence: list",
        "precedence: junk", "auto-submitted: auto-",
      ].contains { header.hasPrefix($0) }
    }
  }

  /// The tree of addresses done: `XX`, or `YN address` lines, a node before its branches.
  private func readTree(from start: Int, into done: inout Set<String>) -> Int {
    var at = start
    guard at < lines.count else { return at }
    if lines[at] == "XX" { return at + 1 }
    var open = 1
    while at < lines.count, open > 0, lines[at].utf8.count > 3 {
      let flags = lines[at].prefix(2)
      guard flags.allSatisfy({ $0 == "Y" || $0 == "N" }) else { return at }
      done.insert(String(lines[at].dropFirst(3)))
      open += flags.count { $0 == "Y" } - 1
      at += 1
    }
    return at
  }
}
