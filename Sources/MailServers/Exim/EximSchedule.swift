import MailModel

/// When Exim tries, warns and gives up: hosts and addresses have records of their own, shared by all
/// messages, and a message fails with its host's record, however young it is itself.
/// Source: Exim src/retry.c; the specification, chapter 32.
struct EximSchedule: RetrySchedule {
  let basis: ScheduleBasis
  private let configuration: EximConfiguration?
  let delayWarnings: [Double]
  private let lastRun: Timestamp?
  private let interval: Double
  private let runs: [Timestamp]

  /// What the shipped configuration states.
  static let shippedRules = EximConfiguration.rules("F,2h,15m; G,16h,1h,1.5; F,4d,6h")
  /// Exim's retry_interval_max.
  private static let longestInterval = 86_400.0

  init(configuration: EximConfiguration?, observed: RetryObservations) {
    self.configuration = configuration
    basis = configuration == nil ? .serverDefault : .configuration
    delayWarnings = configuration?.delayWarnings ?? [86_400]
    let runs = Array(observed.queueRuns.suffix(200))
    self.runs = runs
    lastRun = runs.last
    let gaps = zip(runs.suffix(40), runs.suffix(40).dropFirst()).map { $1.seconds(since: $0) }
      .filter { $0 > 1 }.sorted()
    // Debian's QUEUEINTERVAL, where the log shows none. Runs wander by seconds: a round interval near
    // the usual one is what was set.
    let usual = gaps.isEmpty ? 1800 : gaps[gaps.count / 2]
    let round = [15.0, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200].first {
      ($0 - usual).magnitude <= $0 * 0.05
    }
    interval = round ?? usual
  }

  /// The rules that hold for a destination.
  func rules(for domain: String) -> [EximRetryRule] {
    configuration?.rules(for: domain) ?? EximSchedule.shippedRules
  }

  var summary: String {
    let rules = rules(for: "*")
    let cutoff = rules.map(\.cutoff).max() ?? 0
    let words = cutoff >= 86_400 ? "\(Int(cutoff / 86_400)) d" : "\(Int(cutoff / 60)) min"
    return "queue run every \(Int((interval / 60).rounded())) min, a host or address is given up "
      + "\(words) after its first failure"
  }

  /// The retry state of one host, address or domain.
  private struct Record {
    var firstFailed: Timestamp
    var lastAttempt: Timestamp
    var nextAttempt: Timestamp
    var isExpired: Bool
    var isHost: Bool
  }

  func scheduled(_ queue: QueueSnapshot, now: Timestamp) -> [ScheduledMessage] {
    var groups: [String: (record: Record?, members: [(message: QueuedMessage, domain: String)])] =
      [:]
    for message in queue.messages {
      let waiting = message.recipients.filter { !$0.isDone }
      for domain in Set(waiting.map { $0.address.mailDomain }).sorted() {
        let addresses = waiting.filter { $0.address.mailDomain == domain }.map(\.address)
        let (key, record) = record(
          for: addresses,
          domain: domain,
          message: message,
          queue: queue
        )
        groups[key, default: (record, [])].members.append((message, domain))
      }
    }
    let lag = lag(of: queue.retryRecords)
    return groups.values.flatMap { simulate($0.record, $0.members, lag: lag, now: now) }
  }

  /// Seconds from the start of a queue run to the attempts that it makes, as the retry records show
  /// it: half of them lie further behind. A gap counts from the attempt, so that a gap of so many
  /// whole intervals ends a little after a run has begun, and the next one takes the mail.
  private func lag(of records: [RetryRecord]) -> Double {
    let lags = records.compactMap { record -> Double? in
      runs.last { $0 <= record.lastAttempt }.map { record.lastAttempt.seconds(since: $0) }
    }.filter { $0 < interval / 2 }.sorted()
    return lags.isEmpty ? 0 : lags[lags.count / 2].rounded(.up)
  }

  /// The record that holds a message back; its key names the group of messages that share it.
  private func record(
    for addresses: [String],
    domain: String,
    message: QueuedMessage,
    queue: QueueSnapshot
  ) -> (key: String, record: Record?) {
    let hops = Set(queue.nextHops[domain] ?? [])
    var best: (key: String, record: RetryRecord)?
    for one in queue.retryRecords {
      let matches: Bool
      switch one.subject {
      case .address:
        matches = addresses.contains {
          one.key.hasPrefix("R:\($0):<\(message.sender)>") || one.key == "R:\($0)"
        }
      case .domain: matches = one.key == "R:\(domain)"
      case .host:
        let host = one.key.dropFirst(2).prefix { $0 != ":" }.lowercased()
        matches = hops.contains(host) || host == domain || host.hasSuffix("." + domain)
      case .hostAndMessage: matches = one.key.hasSuffix(message.queueID)
      }
      // Several hosts: mail fails when the last of them has.
      if matches, best.map({ $0.record.firstFailed < one.firstFailed }) ?? true {
        best = (one.key, one)
      }
    }
    guard let best else { return ("message:\(message.queueID):\(domain)", nil) }
    let record = Record(
      firstFailed: best.record.firstFailed,
      lastAttempt: best.record.lastAttempt,
      nextAttempt: best.record.nextAttempt,
      isExpired: best.record.isExpired,
      isHost: best.record.subject == .host || best.record.subject == .hostAndMessage
    )
    return (best.key, record)
  }

  private func nextRun(after moment: Timestamp) -> Timestamp {
    guard let lastRun else { return moment.advanced(bySeconds: interval) }
    let runs = (moment.seconds(since: lastRun) / interval).rounded(.down) + 1
    return lastRun.advanced(bySeconds: runs * interval)
  }

  /// Runs one record forward with the messages that wait for it.
  private func simulate(
    _ start: Record?,
    _ members: [(message: QueuedMessage, domain: String)],
    lag: Double,
    now: Timestamp
  ) -> [ScheduledMessage] {
    let rules = rules(for: members.first?.domain ?? "")
    let cutoff = rules.map(\.cutoff).max() ?? 0
    var record =
      start
      ?? Record(
        firstFailed: members[0].message.arrivedAt,
        lastAttempt: members[0].message.arrivedAt,
        nextAttempt: now,
        isExpired: false,
        isHost: false
      )
    var results = members.map { member in
      ScheduledMessage(
        queueID: member.message.queueID,
        domain: member.domain,
        attempts: [],
        warningAt: nil,
        expiresAt: nil,
        basis: basis,
        uncertainty: lastRun == nil ? interval : 5
      )
    }
    var run = nextRun(after: now)
    // A run a second for four days is the most that any setting gives.
    for _ in 0..<400_000 where results.contains(where: { $0.expiresAt == nil }) {
      let isDue = run >= record.nextAttempt
      let isOverage =
        !record.isExpired
        && members.contains {
          $0.message.state != .held && EximSchedule.age($0.message, at: run) > cutoff
        }
      if isDue || isOverage || record.isExpired {
        let oldest = members.map(\.message.arrivedAt).min() ?? run
        if isDue || isOverage {
          attempt(&record, rules, at: run.advanced(bySeconds: lag), oldest: oldest)
        }
        for index in members.indices where members[index].message.state != .held {
          if results[index].expiresAt == nil, results[index].attempts.count < 1000 {
            results[index].attempts.append(run)
          }
          if record.isExpired, results[index].expiresAt == nil { results[index].expiresAt = run }
        }
      }
      warn(&results, members, at: run, wasTried: isDue || isOverage, isHost: record.isHost)
      if members.allSatisfy({ $0.message.state == .held }) { break }
      run = run.advanced(bySeconds: interval)
    }
    for index in results.indices {
      results[index].nextAttempt = likelyTurn(results[index].attempts, among: members.count)
    }
    return results
  }

  /// When this very message is most likely tried. A queue run takes messages in random order and
  /// tries only the first of those that share a record; the last run tries or fails them all.
  private func likelyTurn(_ attempts: [Timestamp], among messages: Int) -> Timestamp? {
    guard messages > 1, attempts.count > 1 else { return attempts.first }
    let each = 1 / Double(messages)
    var untried = 1.0
    for _ in 1..<attempts.count { untried *= 1 - each }
    return untried > each ? attempts.last : attempts.first
  }

  /// One failed attempt: which rule holds now, and when the next attempt is.
  private func attempt(
    _ record: inout Record,
    _ rules: [EximRetryRule],
    at run: Timestamp,
    oldest: Timestamp
  ) {
    var failing = run.seconds(since: record.firstFailed)
    if !record.isHost { failing = max(failing, run.seconds(since: oldest)) }
    guard let last = rules.last else {
      record.isExpired = true
      return
    }
    let rule = rules.first { failing <= $0.cutoff }
    if rule == nil { record.isExpired = true }
    let active = rule ?? last
    var gap = active.interval
    if case .geometric(let factor) = active.kind {
      let before = min(
        record.nextAttempt.seconds(since: record.lastAttempt),
        run.seconds(since: record.lastAttempt)
      )
      gap = before < active.interval ? active.interval : before * factor
    }
    record.lastAttempt = run
    record.nextAttempt = run.advanced(bySeconds: min(gap, EximSchedule.longestInterval))
  }

  private func warn(
    _ results: inout [ScheduledMessage],
    _ members: [(message: QueuedMessage, domain: String)],
    at run: Timestamp,
    wasTried: Bool,
    isHost: Bool
  ) {
    guard wasTried || !isHost, !delayWarnings.isEmpty else { return }
    for index in members.indices where results[index].warningAt == nil {
      let message = members[index].message
      guard message.wantsDelayWarning, !message.sender.isEmpty, message.state != .held,
        results[index].expiresAt == nil || results[index].expiresAt == run
      else { continue }
      if results[index].expiresAt == run { continue }
      let threshold = threshold(number: message.warningsSent ?? 0)
      if EximSchedule.age(message, at: run) >= threshold { results[index].warningAt = run }
    }
  }

  /// Seconds since arrival as Exim counts them: the difference of two whole seconds.
  private static func age(_ message: QueuedMessage, at moment: Timestamp) -> Double {
    Double(moment.seconds - message.arrivedAt.seconds)
  }

  /// The age of the n-th warning: the list, then its last gap again and again.
  private func threshold(number: Int) -> Double {
    if number < delayWarnings.count { return delayWarnings[number] }
    let last = delayWarnings[delayWarnings.count - 1]
    let before = delayWarnings.count > 1 ? delayWarnings[delayWarnings.count - 2] : 0
    return last + Double(number - delayWarnings.count + 1) * (last - before)
  }
}
