import MailModel

/// Postfix's timers, in seconds. Source: postconf(5); src/qmgr/qmgr_active.c.
struct PostfixTimers: Hashable, Sendable {
  var queueRunDelay = 300.0
  var minimalBackoff = 300.0
  var maximalBackoff = 4000.0
  var maximalLifetime = 432_000.0
  var bounceLifetime = 432_000.0
  var delayWarning = 0.0
}

/// When Postfix tries, warns and returns: `next = attempt + clamp(age, minimal, maximal backoff)`,
/// taken up at the first queue run behind that; expiry is noticed at the end of an attempt.
struct PostfixSchedule: RetrySchedule {
  let timers: PostfixTimers
  let basis: ScheduleBasis
  /// A moment at which a queue run began; nil where none was seen.
  let phase: Timestamp?
  private let statusFilter: PostfixStatusFilter
  /// Queue runs and back-off are as the log shows them.
  private let showsRuns: Bool

  init(configuration: PostfixConfiguration?, observed: RetryObservations) {
    var timers = PostfixTimers()
    var basis = ScheduleBasis.serverDefault
    var showsRuns = false
    if let parameters = configuration?.parameters, !parameters.values.isEmpty {
      basis = .configuration
      timers.queueRunDelay = max(parameters.seconds("queue_run_delay", unit: "s") ?? 300, 1)
      timers.minimalBackoff = max(parameters.seconds("minimal_backoff_time", unit: "s") ?? 300, 1)
      timers.maximalBackoff = max(parameters.seconds("maximal_backoff_time", unit: "s") ?? 4000, 1)
      timers.maximalLifetime = parameters.seconds("maximal_queue_lifetime", unit: "d") ?? 432_000
      timers.bounceLifetime = parameters.seconds("bounce_queue_lifetime", unit: "d") ?? 432_000
      timers.delayWarning = parameters.seconds("delay_warning_time", unit: "h") ?? 0
    } else if let seen = PostfixInference(observed).timers {
      timers = seen
      // Deadlines rest on the lifetime: where that is not to be seen, they rest on the default.
      basis = PostfixInference(observed).showsLifetime ? .observed : .serverDefault
      showsRuns = true
    }
    self.showsRuns = showsRuns
    timers.bounceLifetime = min(timers.bounceLifetime, timers.maximalLifetime)
    self.timers = timers
    self.basis = basis
    statusFilter = configuration?.statusFilter ?? PostfixStatusFilter()
    phase = PostfixSchedule.phase(observed, period: timers.queueRunDelay)
  }

  var summary: String {
    let isMixed = showsRuns && basis == .serverDefault
    return
      "queue run every \(words(timers.queueRunDelay)), back-off \(words(timers.minimalBackoff))"
      + " to \(words(timers.maximalBackoff))\(isMixed ? " as the log shows them" : "")"
      + ", lifetime \(words(timers.maximalLifetime))"
  }

  /// The grid of queue runs: where most of the newest runs lie within the period.
  private static func phase(_ observed: RetryObservations, period: Double) -> Timestamp? {
    let start = observed.starts.last
    let runs = observed.queueRuns.filter { start == nil || $0 >= start ?? $0 }.suffix(24)
    guard let newest = runs.last else { return start }
    func distance(_ a: Timestamp, _ b: Timestamp) -> Double {
      let rest = a.seconds(since: b).truncatingRemainder(dividingBy: period)
      let positive = rest < 0 ? rest + period : rest
      return min(positive, period - positive)
    }
    // A run that an operator forced lies off the grid; the newest one that others confirm is on it.
    let tolerance = max(1.5, period * 0.01)
    let confirmed = runs.reversed().first { run in
      runs.count { distance($0, run) <= tolerance } * 2 > runs.count
    }
    return confirmed ?? newest
  }

  /// The first queue run that takes a file with this modification time.
  func run(for notBefore: Timestamp) -> Timestamp {
    let earliest = notBefore.advanced(bySeconds: -1)
    guard let phase else { return notBefore }
    let runs = (earliest.seconds(since: phase) / timers.queueRunDelay).rounded(.up)
    return phase.advanced(bySeconds: runs * timers.queueRunDelay)
  }

  func scheduled(_ queue: QueueSnapshot, now: Timestamp) -> [ScheduledMessage] {
    queue.messages.flatMap { scheduled($0, now: now) }
  }

  private func scheduled(_ message: QueuedMessage, now: Timestamp) -> [ScheduledMessage] {
    let waiting = message.recipients.filter { !$0.isDone }
    let domains = Set(waiting.map { $0.address.mailDomain }).sorted()
    guard message.state != .corrupt, !domains.isEmpty else { return [] }
    guard message.state != .held else {
      return domains.map {
        ScheduledMessage(
          queueID: message.queueID,
          domain: $0,
          attempts: [],
          warningAt: nil,
          expiresAt: nil,
          basis: basis
        )
      }
    }
    let life = life(of: message, now: now)
    return domains.map { domain in
      // The filter makes the same failure permanent when it comes again.
      let isReturned =
        !statusFilter.isEmpty
        && waiting.contains {
          $0.address.mailDomain == domain && statusFilter.returns($0.enhancedStatus, $0.reason)
        }
      let first = life.attempts.first
      return ScheduledMessage(
        queueID: message.queueID,
        domain: domain,
        attempts: isReturned ? Array(life.attempts.prefix(1)) : life.attempts,
        warningAt: isReturned ? nil : life.warningAt,
        expiresAt: isReturned
          ? first?.advanced(bySeconds: attemptDuration(of: message)) : life.expiresAt,
        basis: basis
      )
    }
  }

  private func life(
    of message: QueuedMessage,
    now: Timestamp
  ) -> (attempts: [Timestamp], warningAt: Timestamp?, expiresAt: Timestamp?) {
    let base = message.lifetimeBase
    let lifetime = message.sender.isEmpty ? timers.bounceLifetime : timers.maximalLifetime
    var warningDue = message.warningDueAt
    if warningDue == nil, timers.delayWarning > 0, !message.sender.isEmpty,
      (message.warningsSent ?? 0) == 0
    {
      warningDue = message.arrivedAt.advanced(bySeconds: timers.delayWarning)
    }
    if !message.wantsDelayWarning { warningDue = nil }
    let duration = attemptDuration(of: message)
    var attempts: [Timestamp] = []
    var warningAt: Timestamp?
    var at = firstAttempt(of: message, now: now)
    // A lifetime of 100 days at the shortest back-off still ends.
    for _ in 0..<1_000_000 {
      if attempts.count < 1000 { attempts.append(max(at, now)) }
      let end = at.advanced(bySeconds: duration)
      let age = end.seconds(since: base)
      if message.isForcedToExpire || age >= lifetime { return (attempts, warningAt, end) }
      if let due = warningDue, end.seconds(since: due) >= -1 {
        warningAt = end
        warningDue = nil
      }
      at = run(for: end.advanced(bySeconds: backoff(age: age)))
    }
    return (attempts, warningAt, nil)
  }

  private func backoff(age: Double) -> Double {
    max(min(age, timers.maximalBackoff), timers.minimalBackoff)
  }

  /// How long an attempt at this message takes: back-off and expiry count from its end, and a peer
  /// that lets us wait pushes both by a queue run or more. The file's stamp tells when the last
  /// attempt ended, the grid when it began.
  private func attemptDuration(of message: QueuedMessage) -> Double {
    guard message.state == .deferred || message.state == .active, let stamp = message.notBefore
    else { return 0 }
    let age = stamp.seconds(since: message.lifetimeBase)
    // stamp = end + clamp(end - base): one of three regions fits.
    let doubled = age / 2
    var endAge = doubled
    if doubled < timers.minimalBackoff { endAge = age - timers.minimalBackoff }
    if doubled > timers.maximalBackoff { endAge = age - timers.maximalBackoff }
    guard endAge > 0 else { return 0 }
    if endAge < timers.minimalBackoff { return min(endAge, timers.queueRunDelay) }
    guard let phase else { return 0 }
    let end = message.lifetimeBase.advanced(bySeconds: endAge)
    var late = end.seconds(since: phase).truncatingRemainder(dividingBy: timers.queueRunDelay)
    if late < 0 { late += timers.queueRunDelay }
    // Whole seconds are kept in the file: a little before the grid is on it.
    return late > timers.queueRunDelay - 1.5 ? 0 : late
  }

  private func firstAttempt(of message: QueuedMessage, now: Timestamp) -> Timestamp {
    if message.state == .incoming { return max(now, message.notBefore ?? now) }
    if message.state == .active {
      // The stamp of its last deferral is left on it: it was taken up at the run behind that.
      guard let stamp = message.notBefore,
        stamp.seconds(since: message.lifetimeBase) >= timers.minimalBackoff
      else { return now }
      return min(run(for: stamp), now)
    }
    var notBefore = message.notBefore
    if notBefore == nil, let last = message.lastAttemptAt {
      let age = last.seconds(since: message.lifetimeBase)
      notBefore = last.advanced(
        bySeconds: max(min(age, timers.maximalBackoff), timers.minimalBackoff)
      )
    }
    // What is overdue is taken at the next run.
    return run(for: max(notBefore ?? now, now.advanced(bySeconds: 1)))
  }
}
