import MailModel

extension IngestWriter {
  mutating func apply(
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
      close(old)
      found = nil
    }
    let message = found ?? openMessage(id, origin: origin, at: at, arrivedAt: at)
    if arrival.isTakenUp, message.recipients.contains(where: { $0.lastAttemptAt != nil }) {
      mark(ServerMarker(.queueRun), line: line, origin: origin)
    }
    if at < message.arrivedAt {
      pending.arrivals[
        PendingRows.ArrivalKey(hour: message.arrivedAt.hour, origin: origin),
        default: 0
      ] -= 1
      pending.arrivals[PendingRows.ArrivalKey(hour: at.hour, origin: origin), default: 0] += 1
      message.begin(earlier: at)
      note(message)
    }
    let weight = message.weight
    if let sender = arrival.sender, message.sender == nil {
      message.setSender(slice(bytes, sender).prefix(IngestWriter.longestAddress))
      note(message)
    }
    if let messageID = arrival.messageID, message.messageID == nil {
      message.setMessageID(slice(bytes, messageID).prefix(IngestWriter.longestAddress))
      note(message)
    }
    weigh(message, since: weight)
    if let size = arrival.size, message.size == nil {
      message.size = size
      note(message)
    }
    if let original = arrival.originalQueueID, message.original == nil,
      let row = try find(slice(bytes, original), origin: origin, at: at)?.row
    {
      message.original = row
      note(message)
    }
    if at > message.lastAt {
      message.lastAt = at
      note(message)
    }
  }

  mutating func apply(
    _ attempt: LoggedAttempt,
    of events: borrowing LineEvents,
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
    let (index, domain) = recipient(message, address)
    taken += IngestWriter.attemptWeight
    recall.earn()
    let facts = AttemptFacts(
      outcome: attempt.outcome,
      tried: attempt.tried,
      security: attempt.security
    )
    if try channels.speak(of: origin, at: at, thread),
      channels.repeats(
        origin: origin,
        recipient: message.recipients[index].row,
        at: at,
        facts: facts
      )
    {
      return
    }
    let relay = slice(bytes, attempt.relay)
    // What a peer says to a delivery is its own queue id and wit; the code is enough.
    let said = slice(bytes, attempt.reply)
    let kept = attempt.outcome == .delivered ? min(said.count, 12) : said.count
    let cause = attempt.cause.map { events.causes[$0] }
    let key = TallyKey(
      hour: at.hour,
      origin: origin,
      domain: domain,
      relay: names.relays.id(relay, added: &pending.batch[.relay]),
      facts: facts,
      status: attempt.enhancedStatus?.packed ?? 0,
      reply: reason(UnsafeBufferPointer(rebasing: said[..<kept]), host: relay),
      cause: reason(cause, of: events, host: relay)
    )
    let recipient = message.recipients[index].row
    keep(key, recipient: recipient, line: line, causePosition: cause?.position)
    counter.counts.count(attempt, of: events)
    let isNewKind = tally(key, at: at, line: line, causePosition: cause?.position)
    update(message, index, attempt.outcome, at: at)
    let isFailure =
      attempt.outcome != .delivered || (attempt.security == .clear && key.cause != 0)
    if isFailure, isNewKind { keepEvidence(key, line: line, bytes: bytes) }
  }

  /// The number of what a session's lines said, folded; 0 where they said nothing.
  private mutating func reason(
    _ cause: LineEvents.Cause?,
    of events: borrowing LineEvents,
    host: UnsafeBufferPointer<UInt8>
  ) -> Int64 {
    guard let cause, !cause.text.isEmpty else { return 0 }
    return events.carried.withUnsafeBufferPointer { reason(slice($0, cause.text), host: host) }
  }

  private mutating func keep(
    _ key: TallyKey,
    recipient: Int64,
    line: LogLine,
    causePosition: LinePosition?
  ) {
    func add(to rows: inout RowBuffer) {
      rows.add(recipient)
      rows.add(line.moment.microseconds)
      rows.add(key.facts.packed)
      rows.add(key.relay)
      rows.add(key.reply)
      rows.add(key.cause)
      rows.add(Int64(key.status))
      rows.add(line.position.source)
      rows.add(line.position.offset)
      rows.add(causePosition?.source)
      rows.add(causePosition?.offset)
    }
    add(to: &pending.batch[.attempt])
  }

  private mutating func update(
    _ message: OpenMessage,
    _ index: Int,
    _ outcome: DeliveryOutcome,
    at: Int64
  ) {
    note(message)
    message.lastAt = max(message.lastAt, at)
    message.noteTry(at: at)
    let last = message.noteAttempt(index, outcome, at: at)
    if outcome == .expired {
      noteExpiry(message, message.recipients[index], at: at, previous: last, origin: message.origin)
    }
  }

  /// Counts an attempt; whether it is the first of its kind since the last commit.
  private mutating func tally(
    _ key: TallyKey,
    at: Int64,
    line: LogLine,
    causePosition: LinePosition?
  ) -> Bool {
    if let place = pending.tallies.place(of: key) {
      pending.tallies.update(at: place) {
        $0.count += 1
        $0.first = min($0.first, at)
        $0.last = max($0.last, at)
      }
      return false
    }
    pending.tallies.insert(
      key,
      TallyValue(
        count: 1,
        first: at,
        last: at,
        position: line.position,
        causePosition: causePosition
      )
    )
    return true
  }

  private mutating func keepEvidence(
    _ key: TallyKey,
    line: LogLine,
    bytes: UnsafeBufferPointer<UInt8>
  ) {
    let evidence = EvidenceKey(domain: key.domain, reply: key.reply, cause: key.cause)
    guard evidenceKinds.place(of: evidence) == nil,
      evidenceKinds.count < IngestWriter.evidenceLimitInAll
    else { return }
    let kept = evidencePerDomain[key.domain, default: 0]
    guard kept < IngestWriter.evidenceLimit else { return }
    evidencePerDomain[key.domain] = kept + 1
    evidenceKinds.insert(evidence, true)
    pending.batch[.evidence].add(key.domain)
    pending.batch[.evidence].add(key.reply)
    pending.batch[.evidence].add(key.cause)
    pending.batch[.evidence].add(line.position.source)
    pending.batch[.evidence].add(line.position.offset)
    pending.batch[.evidence].add(text: bytes.prefix(2048))
  }

  /// The place of a message's recipient, and its domain. Beyond what is kept of one message all
  /// recipients share an entry; their attempts are counted for the domains that they have.
  private mutating func recipient(
    _ message: OpenMessage,
    _ address: UnsafeBufferPointer<UInt8>
  ) -> (index: Int, domain: Int64) {
    if address.count > IngestWriter.longestAddress {
      // Its domain is what counts.
      let at = address.lastIndex(of: UInt8(ascii: "@")) ?? address.count
      let domain = address[at...].prefix(256)
      let short = Array(address[..<(IngestWriter.longestAddress - domain.count)]) + Array(domain)
      return short.withUnsafeBufferPointer { self.recipient(message, $0) }
    }
    if let index = message.recipient(address) { return (index, message.recipients[index].domain) }
    let domain = domain(of: address)
    guard message.isFull else { return (add(address, domain: domain, to: message), domain) }
    reached.insert(.recipients)
    let shared = Array(NameTable.shared.utf8)
    let index = shared.withUnsafeBufferPointer { shared in
      message.recipient(shared) ?? add(shared, domain: self.domain(of: shared), to: message)
    }
    return (index, domain)
  }

  private mutating func add(
    _ address: UnsafeBufferPointer<UInt8>,
    domain: Int64,
    to message: OpenMessage
  ) -> Int {
    let weight = message.weight
    let row = nextRecipient
    message.add(address) { address in
      OpenRecipient(row: row, address: address, domain: domain, status: .unknown, isChanged: true)
    }
    nextRecipient += 1
    note(message)
    weigh(message, since: weight)
    return message.recipients.count - 1
  }

  /// The recipient's domain: behind the last `@`, lower case, no trailing dot.
  private mutating func domain(of address: UnsafeBufferPointer<UInt8>) -> Int64 {
    let at = address.lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 } ?? address.count
    let name = UnsafeBufferPointer(rebasing: address[at...].prefix(255))
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { domain in
      var length = 0
      for byte in name {
        domain[length] = byte >= 65 && byte <= 90 ? byte | 0x20 : byte
        length += 1
      }
      while length > 0, domain[length - 1] == UInt8(ascii: ".") { length -= 1 }
      return names.domains.id(
        UnsafeBufferPointer(rebasing: domain[..<length]),
        added: &pending.batch[.domain]
      )
    }
  }

  mutating func expire(_ id: UnsafeBufferPointer<UInt8>, line: LogLine, origin: Int64) throws {
    let at = line.moment.microseconds
    guard let message = try find(id, origin: origin, at: at) else { return }
    note(message)
    for index in message.takeDeferred() {
      message.recipients[index].status = .expired
      message.recipients[index].expiredAt = at
      message.recipients[index].isChanged = true
      noteExpiry(
        message,
        message.recipients[index],
        at: at,
        previous: message.recipients[index].previousAttemptAt,
        origin: origin
      )
    }
  }

  private mutating func noteExpiry(
    _ message: OpenMessage,
    _ recipient: OpenRecipient,
    at: Int64,
    previous: Int64?,
    origin: Int64
  ) {
    pending.batch[.expiry].add(recipient.row)
    pending.batch[.expiry].add(at)
    pending.batch[.expiry].add(real: Double(at - message.arrivedAt) / 1e6)
    pending.batch[.expiry].add(real: previous.map { Double($0 - message.arrivedAt) / 1e6 })
    let key = PendingRows.ExpiryKey(hour: at.hour, origin: origin, domain: recipient.domain)
    pending.expiries[key, default: 0] += 1
  }

  mutating func hold(
    _ id: UnsafeBufferPointer<UInt8>,
    origin: Int64,
    at: Int64,
    isHeld: Bool
  ) throws {
    let message = try findOrOpen(id, origin: origin, at: at, arrivedAt: at)
    message.isHeld = isHeld
    note(message)
    message.lastAt = max(message.lastAt, at)
  }

  mutating func apply(
    _ notification: LoggedNotification,
    line: LogLine,
    origin: Int64,
    bytes: UnsafeBufferPointer<UInt8>
  ) throws {
    let at = line.moment.microseconds
    guard let message = try find(slice(bytes, notification.queueID), origin: origin, at: at) else {
      return
    }
    if try channels.speak(of: origin, at: at, thread),
      channels.repeats(message: message.row, kind: notification.kind, at: at)
    {
      return
    }
    pending.batch[.notification].add(message.row)
    pending.batch[.notification].add(Int64(notification.kind.rawValue))
    pending.batch[.notification].add(at)
    pending.batch[.notification].add(text: notification.noticeID.map { Array(slice(bytes, $0)) })
    pending.batch[.notification].add(line.position.source)
    pending.batch[.notification].add(line.position.offset)
  }

  mutating func mark(_ marker: ServerMarker, line: LogLine, origin: Int64) {
    let key = MarkerKey(origin: origin, kind: marker.kind, second: line.moment.seconds)
    guard pending.markers.insert(key).inserted else { return }
    pending.batch[.marker].add(origin)
    pending.batch[.marker].add(Int64(marker.kind.rawValue))
    pending.batch[.marker].add(key.second)
    pending.batch[.marker].add(line.moment.microseconds)
    pending.batch[.marker].add(real: marker.seconds)
    pending.batch[.marker].add(line.position.source)
    pending.batch[.marker].add(line.position.offset)
  }
}

extension IngestWriter {
  /// About the bytes of an attempt's row.
  static let attemptWeight = 256
}

extension OpenRecipient {
  /// Takes up what became of an attempt; gives the moment of the one before.
  mutating func noteAttempt(_ outcome: DeliveryOutcome, at: Int64) -> Int64? {
    let last = lastAttemptAt
    isChanged = true
    if let last, at < last {
      // Of the past: what came later holds.
      if last - at > 1_000_000 { previousAttemptAt = max(previousAttemptAt ?? at, at) }
      return last
    }
    status = StoredStatus(outcome)
    if outcome == .expired { expiredAt = at }
    if let last, at - last > 1_000_000 { previousAttemptAt = last }
    lastAttemptAt = at
    return last
  }
}
