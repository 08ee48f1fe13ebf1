import MailModel

/// When sendmail tries, warns and returns: at every queue run; warning and return are noticed at the
/// first run behind their limit, counted from the message's own time.
/// Source: Sendmail sendmail/envelope.c (dropenvelope), sendmail/queue.c.
struct SendmailSchedule: RetrySchedule {
  let basis: ScheduleBasis
  private let queueReturn: [String: Double]
  private let queueWarn: [String: Double]
  private let minimalAge: Double
  private let maximalAge: Double
  private let interval: Double
  private let lastRun: Timestamp?

  init(configuration: SendmailConfiguration?, observed: RetryObservations) {
    let stated = observed.statedLifetimes.last
    if let configuration {
      basis = .configuration
      queueReturn = configuration.queueReturn
      queueWarn = configuration.queueWarn
    } else {
      basis = stated == nil && observed.statedWarnings.isEmpty ? .serverDefault : .observed
      var lifetimes: [String: Double] = [:]
      var warnings: [String: Double] = [:]
      for one in SendmailConfiguration.classes {
        lifetimes[one] = stated ?? 432_000
        // What Debian's generated configuration states.
        warnings[one] = observed.statedWarnings.last ?? 14_400
      }
      queueReturn = lifetimes
      queueWarn = warnings
    }
    minimalAge = configuration?.minimalQueueAge ?? 0
    maximalAge = configuration?.maximalQueueAge ?? 0
    (interval, lastRun) = SendmailSchedule.grid(observed.queueRuns)
  }

  /// Bursts of retries mark the runs; the distance between their beginnings is the interval.
  private static func grid(_ moments: [Timestamp]) -> (Double, Timestamp?) {
    var starts: [Timestamp] = []
    var previous: Timestamp?
    for moment in moments.suffix(400) {
      if previous.map({ moment.seconds(since: $0) > 5 }) ?? true { starts.append(moment) }
      previous = moment
    }
    let gaps = zip(starts, starts.dropFirst()).map { $1.seconds(since: $0) }.sorted()
    // Debian's QUEUE_INTERVAL.
    guard let usual = gaps.isEmpty ? nil : gaps[gaps.count / 2] else { return (600, starts.last) }
    let round = [15.0, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200].first {
      ($0 - usual).magnitude <= $0 * 0.05
    }
    return (round ?? usual, starts.last)
  }

  var summary: String {
    let days = queueReturn["normal"] ?? 432_000
    let words = days >= 86_400 ? "\(Int(days / 86_400)) d" : "\(Int(days / 60)) min"
    return "queue run every \(Int(interval)) s, lifetime \(words)"
  }

  func scheduled(_ queue: QueueSnapshot, now: Timestamp) -> [ScheduledMessage] {
    queue.messages.flatMap { message -> [ScheduledMessage] in
      let domains = Set(message.recipients.filter { !$0.isDone }.map { $0.address.mailDomain })
      return domains.sorted().map { scheduled(message, domain: $0, now: now) }
    }
  }

  private func scheduled(
    _ message: QueuedMessage,
    domain: String,
    now: Timestamp
  ) -> ScheduledMessage {
    var result = ScheduledMessage(
      queueID: message.queueID,
      domain: domain,
      attempts: [],
      warningAt: nil,
      expiresAt: nil,
      basis: basis,
      uncertainty: lastRun == nil ? interval : 5
    )
    guard message.state != .held else { return result }
    let urgency = message.urgency ?? (message.sender.isEmpty ? "dsn" : "normal")
    let lifetime = queueReturn[urgency] ?? 432_000
    let warning = queueWarn[urgency] ?? 0
    var lastTried = message.lastAttemptAt ?? message.arrivedAt
    var run = nextRun(after: now)
    for _ in 0..<1_000_000 {
      let wait =
        maximalAge > 0
        ? min(lastTried.seconds(since: message.arrivedAt), maximalAge) : minimalAge
      if run.seconds(since: lastTried) >= wait {
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
      run = run.advanced(bySeconds: interval)
    }
    result.nextAttempt = result.attempts.first
    return result
  }

  private func nextRun(after moment: Timestamp) -> Timestamp {
    guard let lastRun else { return moment.advanced(bySeconds: interval) }
    let runs = (moment.seconds(since: lastRun) / interval).rounded(.down) + 1
    return lastRun.advanced(bySeconds: max(runs, 1) * interval)
  }
}
