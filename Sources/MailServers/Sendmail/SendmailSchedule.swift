import MailModel

/// When sendmail tries, warns and returns: at every queue run; warning and return are noticed at the
/// first run behind their limit, counted from the message's own time.
/// Source: Sendmail sendmail/envelope.c (dropenvelope), sendmail/queue.c (gatherq).
struct SendmailSchedule: RetrySchedule {
  let basis: ScheduleBasis
  private let queueReturn: [String: Double]
  private let queueWarn: [String: Double]
  private let minimalAge: Double
  private let maximalAge: Double
  private let runs: SendmailQueueRuns
  private let configuration: SendmailConfiguration?
  private let observed: RetryObservations

  init(configuration: SendmailConfiguration?, observed: RetryObservations) {
    let stated = SendmailSchedule.usual(observed.statedLifetimes)
    let statedWarning = SendmailSchedule.usual(observed.statedWarnings)
    if let configuration, configuration.hasTimers {
      basis = .configuration
      queueReturn = configuration.queueReturn
      queueWarn = configuration.queueWarn
    } else {
      basis = stated == nil && statedWarning == nil ? .serverDefault : .observed
      var lifetimes: [String: Double] = [:]
      var warnings: [String: Double] = [:]
      for one in SendmailConfiguration.classes {
        lifetimes[one] = stated ?? SendmailSchedule.defaultLifetime
        // What configurations made by m4 state.
        warnings[one] = statedWarning ?? 14_400
      }
      queueReturn = lifetimes
      queueWarn = warnings
    }
    self.configuration = configuration
    self.observed = observed
    minimalAge = configuration?.minimalQueueAge ?? 0
    maximalAge = configuration?.maximalQueueAge ?? 0
    runs = SendmailQueueRuns(
      stated: observed.statedQueueIntervals.last ?? configuration?.queueInterval,
      starts: observed.starts,
      seen: observed.queueRuns
    )
  }

  /// Source: sendmail/conf.c.
  private static let defaultLifetime = 432_000.0

  /// Classes of mail may have limits of their own, and the log states that of each message: the one
  /// stated most is that of normal mail.
  private static func usual(_ stated: [Double]) -> Double? {
    var counts: [Double: Int] = [:]
    for one in stated.suffix(50) { counts[one, default: 0] += 1 }
    return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
  }

  var summary: String {
    let lifetime = queueReturn["normal"] ?? SendmailSchedule.defaultLifetime
    let groups = (configuration?.queueGroups ?? []).prefix(8).compactMap { group in
      group.interval.map { ", queue \(group.name) every \(words($0))" }
    }
    return "queue run every \(words(runs.interval))" + (runs.isAssumed ? " (assumed)" : "")
      + groups.joined() + ", lifetime \(words(lifetime))"
  }

  func scheduled(_ queue: QueueSnapshot, now: Timestamp) -> [ScheduledMessage] {
    var runsOfDirectory: [String: SendmailQueueRuns] = [:]
    for directory in Set(queue.messages.compactMap(\.directory)) {
      guard let interval = configuration?.queueInterval(directory: directory) else { continue }
      runsOfDirectory[directory] = SendmailQueueRuns(
        stated: interval,
        starts: observed.starts,
        seen: []
      )
    }
    return queue.messages.flatMap { message -> [ScheduledMessage] in
      let runs = message.directory.flatMap { runsOfDirectory[$0] } ?? runs
      let domains = Set(message.recipients.filter { !$0.isDone }.map { $0.address.mailDomain })
      return domains.sorted().map { scheduled(message, domain: $0, runs, now: now) }
    }
  }

  private func scheduled(
    _ message: QueuedMessage,
    domain: String,
    _ runs: SendmailQueueRuns,
    now: Timestamp
  ) -> ScheduledMessage {
    var result = ScheduledMessage(
      queueID: message.queueID,
      domain: domain,
      attempts: [],
      warningAt: nil,
      expiresAt: nil,
      basis: basis
    )
    guard message.state != .held else { return result }
    let urgency = message.urgency ?? (message.sender.isEmpty ? "dsn" : "normal")
    let lifetime = queueReturn[urgency] ?? SendmailSchedule.defaultLifetime
    let warning = queueWarn[urgency] ?? 0
    var lastTried = message.lastAttemptAt
    var run = runs.next(after: now)
    for _ in 0..<1_000_000 {
      if lastTried.map({ run.seconds(since: $0) >= wait(message, lastTried: $0) }) ?? true {
        if result.attempts.count < 1000 { result.attempts.append(run) }
        lastTried = run
        let age = run.seconds(since: message.arrivedAt)
        if age >= lifetime {
          result.expiresAt = run
          break
        }
        if result.warningAt == nil, warning > 0, age >= warning,
          (message.warningsSent ?? 0) == 0,
          message.wantsDelayWarning
        {
          result.warningAt = run
        }
      }
      run = run.advanced(bySeconds: runs.interval)
    }
    result.nextAttempt = result.attempts.first
    return result
  }

  /// How long after its last attempt a message is left alone. Source: sendmail/queue.c (gatherq).
  private func wait(_ message: QueuedMessage, lastTried: Timestamp) -> Double {
    maximalAge > 0
      ? min(lastTried.seconds(since: message.arrivedAt), maximalAge) : minimalAge
  }
}

/// When the queue is run: at the daemon's start and every interval from then on.
struct SendmailQueueRuns {
  /// Seconds.
  let interval: Double
  /// Nobody said the interval and the log does not show it: Debian's QUEUE_INTERVAL is taken.
  let isAssumed: Bool
  private let phase: Timestamp?

  private static let usualInterval = 600.0

  /// `stated` is the interval in seconds as the server or its start script says it; `starts` are the
  /// daemon's, `seen` attempts of queue runs, both oldest first.
  init(stated: Double?, starts: [Timestamp], seen: [Timestamp]) {
    let bursts = SendmailQueueRuns.bursts(seen)
    let gaps = zip(bursts, bursts.dropFirst()).map { $1.seconds(since: $0) }.sorted()
    let usual = gaps.isEmpty ? nil : SendmailQueueRuns.rounded(gaps[gaps.count / 2])
    // An interval of nothing runs the queue once.
    let said = stated.flatMap { $0 > 0 ? $0 : nil }
    isAssumed = said == nil && usual == nil
    interval = max(said ?? usual ?? SendmailQueueRuns.usualInterval, 1)
    guard let said, let start = starts.last else {
      phase = bursts.last
      return
    }
    // Runs come a little late, each a little later than the one before.
    let late = bursts.filter { $0 > start }.suffix(20).map {
      $0.seconds(since: start).truncatingRemainder(dividingBy: said)
    }.filter { $0 < min(10, said / 4) }.sorted()
    phase = start.advanced(bySeconds: late.isEmpty ? 0 : late[late.count / 2])
  }

  func next(after moment: Timestamp) -> Timestamp {
    guard let phase else { return moment.advanced(bySeconds: interval) }
    let runs = (moment.seconds(since: phase) / interval).rounded(.down) + 1
    return phase.advanced(bySeconds: max(runs, 1) * interval)
  }

  /// Bursts of retries mark the runs: their beginnings.
  private static func bursts(_ moments: [Timestamp]) -> [Timestamp] {
    var starts: [Timestamp] = []
    var previous: Timestamp?
    for moment in moments.suffix(400) {
      if previous.map({ moment.seconds(since: $0) > 5 }) ?? true { starts.append(moment) }
      previous = moment
    }
    return starts
  }

  private static func rounded(_ seconds: Double) -> Double {
    [15.0, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200].first {
      ($0 - seconds).magnitude <= $0 * 0.05
    } ?? seconds
  }
}
