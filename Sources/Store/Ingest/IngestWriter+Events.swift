import MailModel

extension IngestWriter {
  func apply(
    _ arrival: Arrival,
    line: LogLine,
    origin: Int64,
    bytes: UnsafeBufferPointer<UInt8>
  ) throws {
    let at = line.moment.microseconds
    let id = slice(bytes, arrival.queueID)
    guard !id.isEmpty else { return }
    var found = try find(id, origin: origin, at: at)
    if arrival.opensMessage, let old = found, at - old.arrivedAt > 2_000_000 {
      // A short id came round again and the end of the older message was not logged.
      old.endedAt = old.lastAt
      close(old, id: id)
      found = nil
    }
    let message = found ?? openMessage(id, origin: origin, arrivedAt: at)
    if arrival.isTakenUp, message.recipients.contains(where: { $0.lastAttemptAt != nil }) {
      mark(ServerMarker(.queueRun), line: line, origin: origin)
    }
    if let sender = arrival.sender, message.sender == nil {
      message.sender = Array(slice(bytes, sender))
      message.isDirty = true
    }
    if let messageID = arrival.messageID, message.messageID == nil {
      message.messageID = Array(slice(bytes, messageID))
      message.isDirty = true
    }
    if let size = arrival.size, message.size == nil {
      message.size = size
      message.isDirty = true
    }
    if let original = arrival.originalQueueID, message.original == nil,
      let row = try find(slice(bytes, original), origin: origin, at: at)?.row
    {
      message.original = row
      message.isDirty = true
    }
    if at > message.lastAt {
      message.lastAt = at
      message.isDirty = true
    }
  }

  func apply(
    _ attempt: LoggedAttempt,
    line: LogLine,
    origin: Int64,
    bytes: UnsafeBufferPointer<UInt8>
  ) throws {
    let at = line.moment.microseconds
    let id = slice(bytes, attempt.queueID)
    let address = slice(bytes, attempt.recipient)
    guard !id.isEmpty else { return }
    let age = min(max(attempt.age ?? 0, 0), 1e9)
    let message = try findOrOpen(
      id,
      origin: origin,
      at: at,
      arrivedAt: at - Int64(age * 1_000_000)
    )
    let index = recipientIndex(message, address)
    let facts = AttemptFacts(
      outcome: attempt.outcome,
      tried: attempt.tried,
      security: attempt.security
    )
    if let window = overlaps[origin], window.isActive(at: at),
      window.isRepeat(recipient: message.recipients[index].row, at: at, facts: facts)
    {
      return
    }
    let relay = slice(bytes, attempt.relay)
    let relayID = names.relays.id(relay, added: &pending.names)
    // What a peer says to a delivery is its own queue id and wit; the code is enough.
    let said = slice(bytes, attempt.reply)
    let kept = attempt.outcome == .delivered ? min(said.count, 12) : said.count
    let reply = intern(
      \.reasons,
      fold(UnsafeBufferPointer(rebasing: said[..<kept]), host: relay)
    )
    let cause =
      attempt.cause.isEmpty
      ? 0 : attempt.cause.withUnsafeBufferPointer { intern(\.reasons, fold($0, host: relay)) }
    let status = attempt.enhancedStatus?.packed ?? 0
    pending.attempts.append(
      PendingAttempt(
        recipient: message.recipients[index].row,
        at: at,
        facts: facts,
        relay: relayID,
        reply: reply,
        cause: cause,
        status: status,
        position: line.position,
        causePosition: attempt.causePosition
      )
    )
    let key = TallyKey(
      hour: at.hour,
      origin: origin,
      domain: message.recipients[index].domain,
      relay: relayID,
      facts: facts,
      status: status,
      reply: reply,
      cause: cause
    )
    tally(key, at: at, line: line, causePosition: attempt.causePosition)
    update(message, index, attempt.outcome, at: at)
    let isFailure = attempt.outcome != .delivered || (attempt.security == .clear && cause != 0)
    if isFailure { keepEvidence(key, line: line, bytes: bytes) }
  }

  private func update(_ message: OpenMessage, _ index: Int, _ outcome: DeliveryOutcome, at: Int64) {
    message.lastAt = max(message.lastAt, at)
    message.recipients[index].status = StoredStatus(outcome)
    message.recipients[index].isDirty = true
    if outcome == .expired { message.recipients[index].expiredAt = at }
    let last = message.recipients[index].lastAttemptAt
    if let last, at - last > 1_000_000 { message.recipients[index].previousAttemptAt = last }
    message.recipients[index].lastAttemptAt = at
    if outcome == .expired {
      noteExpiry(message, message.recipients[index], at: at, previous: last, origin: message.origin)
    }
  }

  private func tally(
    _ key: TallyKey,
    at: Int64,
    line: LogLine,
    causePosition: LinePosition?
  ) {
    if var known = pending.tallies[key] {
      known.count += 1
      known.first = min(known.first, at)
      known.last = max(known.last, at)
      pending.tallies[key] = known
    } else {
      pending.tallies[key] = TallyValue(
        count: 1,
        first: at,
        last: at,
        position: line.position,
        causePosition: causePosition
      )
    }
  }

  private func keepEvidence(_ key: TallyKey, line: LogLine, bytes: UnsafeBufferPointer<UInt8>) {
    let evidence = EvidenceKey(domain: key.domain, reply: key.reply, cause: key.cause)
    guard !evidenceKinds.contains(evidence) else { return }
    let kept = evidencePerDomain[key.domain, default: 0]
    guard kept < IngestWriter.evidenceLimit else { return }
    evidencePerDomain[key.domain] = kept + 1
    evidenceKinds.insert(evidence)
    pending.evidence[evidence] = (line.position, Array(bytes.prefix(2048)))
  }

  func recipientIndex(_ message: OpenMessage, _ address: UnsafeBufferPointer<UInt8>) -> Int {
    if let index = message.recipient(address) { return index }
    message.recipients.append(
      OpenRecipient(
        row: nextRecipient,
        address: Array(address),
        domain: domain(of: address),
        status: .unknown,
        isNew: true,
        isDirty: false
      )
    )
    nextRecipient += 1
    return message.recipients.count - 1
  }

  /// The recipient's domain: behind the last `@`, lower case, no trailing dot.
  private func domain(of address: UnsafeBufferPointer<UInt8>) -> Int64 {
    var domain: [UInt8] = []
    if let at = address.lastIndex(of: UInt8(ascii: "@")) {
      domain = address[(at + 1)...].prefix(255).map { $0 >= 65 && $0 <= 90 ? $0 | 0x20 : $0 }
      while domain.last == UInt8(ascii: ".") { domain.removeLast() }
    }
    return intern(\.domains, domain)
  }

  func expire(_ id: UnsafeBufferPointer<UInt8>, line: LogLine, origin: Int64) throws {
    let at = line.moment.microseconds
    guard let message = try find(id, origin: origin, at: at) else { return }
    for index in message.recipients.indices where message.recipients[index].status == .deferred {
      message.recipients[index].status = .expired
      message.recipients[index].expiredAt = at
      message.recipients[index].isDirty = true
      noteExpiry(
        message,
        message.recipients[index],
        at: at,
        previous: message.recipients[index].previousAttemptAt,
        origin: origin
      )
    }
  }

  private func noteExpiry(
    _ message: OpenMessage,
    _ recipient: OpenRecipient,
    at: Int64,
    previous: Int64?,
    origin: Int64
  ) {
    pending.expiries.append(
      (
        recipient.row, at, Double(at - message.arrivedAt) / 1e6,
        previous.map { Double($0 - message.arrivedAt) / 1e6 }
      )
    )
    let key = PendingRows.ExpiryKey(hour: at.hour, origin: origin, domain: recipient.domain)
    pending.expiryTallies[key, default: 0] += 1
  }

  func hold(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    at: Int64,
    isHeld: Bool
  ) throws {
    let message = try findOrOpen(id, origin: origin, at: at, arrivedAt: at)
    message.isHeld = isHeld
    message.isDirty = true
    message.lastAt = max(message.lastAt, at)
  }

  func apply(
    _ notification: LoggedNotification,
    line: LogLine,
    origin: Int64,
    bytes: UnsafeBufferPointer<UInt8>
  ) throws {
    let at = line.moment.microseconds
    guard let message = try find(slice(bytes, notification.queueID), origin: origin, at: at) else {
      return
    }
    if let window = overlaps[origin], window.isActive(at: at),
      window.isRepeatedNotification(message: message.row, kind: notification.kind, at: at)
    {
      return
    }
    pending.notifications.append(
      PendingRows.PendingNotification(
        message: message.row,
        kind: notification.kind,
        at: at,
        notice: notification.noticeID.map { Array(slice(bytes, $0)) },
        position: line.position
      )
    )
  }

  func mark(_ marker: ServerMarker, line: LogLine, origin: Int64) {
    let at = line.moment.microseconds
    let key = MarkerKey(origin: origin, kind: marker.kind, second: line.moment.seconds)
    if pending.markers[key] == nil {
      pending.markers[key] = MarkerValue(at: at, value: marker.seconds, position: line.position)
    }
  }
}
