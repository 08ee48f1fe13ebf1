import MailModel

/// A queue and its retry records as numbers, ready to be run forward: seconds of the epoch, and
/// indices in place of names.
struct EximWorld {
  /// The retry state of one host, address or domain. Source: Exim src/retry.c.
  struct Record {
    enum Kind {
      case host
      case address
      case domain
    }

    var kind: Kind
    var rules: [EximRetryRule]
    /// False until the first failure.
    var exists: Bool
    var firstFailed: Int
    var lastTry: Int
    var nextTry: Int
    var isExpired: Bool

    var cutoff: Int { rules.last.map { Int($0.cutoff) } ?? 0 }
  }

  /// One domain of one message.
  struct Errand {
    var domain: String
    /// `R:domain`: its routing fails.
    var route: Int?
    /// Per waiting recipient: `R:address` or `R:address:<sender>`, nil where there is none.
    var addresses: [Int?]
    /// `T:host:…` of all its hosts; made at the first failure where there is none.
    var hosts: [Int]
    /// `T:host:…:ID`.
    var own: [Int]
    /// A host of this domain has no record, so that it is always tried.
    var hasFreeHost: Bool
    /// All of the above.
    var all: [Int] = []
  }

  struct Message {
    var queueID: String
    var arrivedAt: Int
    var isHeld: Bool
    /// When a message that is held is tried again, where it ever is.
    var thawsAt: Int?
    /// When a message that is held is given up: without an attempt, or for a bounce with a last one.
    var givenUpAt: Int?
    var isBounce: Bool
    var warningsSent: Int
    var wantsWarning: Bool
    var errands: [Errand]

    /// Whether a message that is held leaves that state by itself.
    var isMoving: Bool { !isHeld || thawsAt != nil || givenUpAt != nil }
  }

  var records: [Record] = []
  var messages: [Message] = []

  /// `frozen` is nil where it is not known what becomes of frozen messages.
  init(
    _ queue: QueueSnapshot,
    frozen: EximFrozenRule? = nil,
    rules: (_ host: String?, _ domain: String) -> [EximRetryRule]
  ) {
    let known = KnownRecords(queue.retryRecords)
    var places: [String: Int] = [:]
    for message in queue.messages {
      let waiting = message.recipients.filter { !$0.isDone }
      var errands: [Errand] = []
      for domain in Set(waiting.map { $0.address.mailDomain }).sorted() {
        let addresses = waiting.map(\.address).filter { $0.mailDomain == domain }
        func place(_ record: RetryRecord, _ kind: Record.Kind) -> Int {
          if let place = places[record.key] { return place }
          places[record.key] = records.count
          let host = kind == .host ? KnownRecords.host(record.key) : nil
          records.append(Record(record, kind: kind, rules: rules(host, domain)))
          return records.count - 1
        }
        var errand = Errand(
          domain: domain,
          route: known.routes[domain].map { place($0, .domain) },
          addresses: addresses.map { address in
            known.address(address, sender: message.sender).map { place($0, .address) }
          },
          hosts: known.hosts(of: domain, hops: queue.nextHops[domain] ?? []).map {
            place($0, .host)
          },
          own: (known.own[message.queueID] ?? []).filter { record in
            known.isHost(record, of: domain, hops: queue.nextHops[domain] ?? [])
          }.map { place($0, .host) },
          hasFreeHost: false
        )
        errand.hasFreeHost = known.hasFreeHost(hops: queue.nextHops[domain] ?? [])
        if errand.route == nil, errand.hosts.isEmpty, errand.own.isEmpty,
          errand.addresses.contains(nil)
        {
          errand.hosts = [unknownHost(of: domain, &places, rules(nil, domain))]
        }
        errand.all = errand.hosts + errand.own + errand.addresses.compactMap(\.self)
        if let route = errand.route { errand.all.append(route) }
        errands.append(errand)
      }
      messages.append(
        Message(
          queueID: message.queueID,
          arrivedAt: Int(message.arrivedAt.seconds),
          isHeld: message.state == .held,
          thawsAt: frozen.flatMap { $0.thaw(message) },
          givenUpAt: frozen.flatMap { $0.end(message) },
          isBounce: message.sender.isEmpty,
          warningsSent: message.warningsSent ?? 0,
          wantsWarning: message.wantsDelayWarning && !message.sender.isEmpty,
          errands: errands
        )
      )
    }
  }

  /// A host that has not failed yet, or of which nothing is known; a domain's messages share it.
  private mutating func unknownHost(
    of domain: String,
    _ places: inout [String: Int],
    _ rules: [EximRetryRule]
  ) -> Int {
    let key = "unknown:\(domain)"
    if let place = places[key] { return place }
    places[key] = records.count
    records.append(
      Record(
        kind: .host,
        rules: rules,
        exists: false,
        firstFailed: 0,
        lastTry: 0,
        nextTry: 0,
        isExpired: false
      )
    )
    return records.count - 1
  }
}

extension EximFrozenRule {
  /// When a message is thawed, in seconds of the epoch.
  fileprivate func thaw(_ message: QueuedMessage) -> Int? {
    guard autoThaw > 0, !message.sender.isEmpty, let since = message.heldSince else { return nil }
    return Int(since.seconds) + Int(autoThaw) + 1
  }

  /// When a frozen message is given up, in seconds of the epoch.
  fileprivate func end(_ message: QueuedMessage) -> Int? {
    let age = [timeout > 0 ? timeout : nil, message.sender.isEmpty ? bounceAge : nil]
      .compactMap(\.self).min()
    return age.map { Int(message.arrivedAt.seconds) + Int($0) }
  }
}

extension EximWorld.Record {
  init(_ record: RetryRecord, kind: Kind, rules: [EximRetryRule]) {
    self.init(
      kind: kind,
      rules: rules,
      exists: true,
      firstFailed: Int(record.firstFailed.seconds),
      lastTry: Int(record.lastAttempt.seconds),
      nextTry: Int(record.nextAttempt.seconds),
      isExpired: record.isExpired
    )
  }

  /// Exim's retry_interval_max, shipped.
  private static let longestGap = 86_400

  /// One more failure. True where it makes the address time out: the host (or address) has been
  /// failing longer than the last cutoff, or the message is older than that. Source: Exim
  /// src/retry.c, retry_update().
  mutating func fail(at now: Int, messageArrivedAt arrived: Int) -> Bool {
    if !exists {
      exists = true
      firstFailed = now
      lastTry = now
      nextTry = now
      isExpired = false
    }
    guard let last = rules.last else {
      isExpired = true
      nextTry = now
      return true
    }
    var failing = now - firstFailed
    if kind != .host { failing = max(failing, now - arrived) }
    let active = rules.first { Double(failing) <= $0.cutoff }
    isExpired = active == nil
    if !isExpired, arrived <= firstFailed, now - arrived > cutoff {
      lastTry = now
      nextTry = now
      return true
    }
    let rule = active ?? last
    var gap = Int(rule.interval)
    if case .geometric(let factor) = rule.kind {
      let before = min(nextTry - lastTry, now - lastTry)
      if before >= gap { gap = before * Int(factor * 1000) / 1000 }
    }
    lastTry = now
    nextTry = now + min(gap, Self.longestGap)
    return isExpired
  }
}

/// Retry records, found by what they are about.
private struct KnownRecords {
  var routes: [String: RetryRecord] = [:]
  var own: [String: [RetryRecord]] = [:]
  private var addresses: [String: RetryRecord] = [:]
  private var byHost: [String: [RetryRecord]] = [:]
  private var hostsByDomain: [String: [String]] = [:]

  init(_ records: [RetryRecord]) {
    // The database and its dump may both be given: the newer word about a key counts.
    let newest = Dictionary(
      records.map { ($0.key, $0) },
      uniquingKeysWith: { $0.lastAttempt < $1.lastAttempt ? $1 : $0 }
    )
    for record in newest.values.sorted(by: { $0.key < $1.key }) {
      let body = String(record.key.dropFirst(2))
      switch record.subject {
      case .domain: routes[body.lowercased()] = record
      case .address: addresses[body] = record
      case .hostAndMessage:
        own[body.split(separator: ":").last.map(String.init) ?? "", default: []].append(record)
      case .host:
        let host = KnownRecords.host(record.key)
        byHost[host, default: []].append(record)
        // A host named under the domain that it serves.
        var name = Substring(host)
        while name.contains(".") {
          hostsByDomain[String(name), default: []].append(host)
          name = name.drop { $0 != "." }.dropFirst()
        }
      }
    }
  }

  static func host(_ key: String) -> String {
    key.dropFirst(2).prefix { $0 != ":" }.lowercased()
  }

  func address(_ address: String, sender: String) -> RetryRecord? {
    addresses[address] ?? addresses["\(address):<\(sender)>"]
  }

  /// The records of a domain's hosts: of those that the log showed (which names one host even where
  /// several were tried), and of those named under it.
  func hosts(of domain: String, hops: [String]) -> [RetryRecord] {
    Set(hops + (hostsByDomain[domain] ?? [])).sorted().flatMap { byHost[$0] ?? [] }
  }

  func isHost(_ record: RetryRecord, of domain: String, hops: [String]) -> Bool {
    let host = KnownRecords.host(record.key)
    return hops.isEmpty || hops.contains(host) || host == domain || host.hasSuffix("." + domain)
  }

  func hasFreeHost(hops: [String]) -> Bool { hops.contains { byHost[$0] == nil } }
}
