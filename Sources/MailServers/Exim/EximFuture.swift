import MailModel

/// One possible future of a queue: queue run after queue run, as long as all destinations keep
/// failing. Source: Exim src/queue.c, src/deliver.c, src/transports/smtp.c.
struct EximFuture {
  /// What becomes of one errand; seconds of the epoch.
  struct Fate {
    /// The first real attempt of this very message.
    var nextAttempt: Int?
    var expiry: Int?
    /// It is given up frozen, without an attempt.
    var isUntried = false
    /// Runs in which its host or address is tried, whoever's message it is. At most 1000.
    var attempts: [Int] = []
  }

  private var world: EximWorld
  private let turns: EximTurns
  private let delayWarnings: [Int]
  /// Message indices in the order of `input/`; nil where a message stands of which nothing is known.
  private var directory: [Int?]
  /// Runs take messages as `directory` lists them: `queue_run_in_order`.
  private let isInOrder: Bool
  /// What comes and goes between runs; nil in the future in which nothing does.
  private var chance: SplitMix?
  /// Records that were tried in the run under way.
  private var triedInRun: Set<Int> = []

  private(set) var fates: [[Fate]]
  private(set) var warnings: [Int?]
  /// Messages looked at.
  private(set) var steps = 0

  /// `directory` holds message indices in the order of `input/`, or of the runs where `isInOrder`.
  init(
    _ world: EximWorld,
    turns: EximTurns,
    delayWarnings: [Int],
    directory: [Int],
    isInOrder: Bool,
    chance: SplitMix?
  ) {
    self.world = world
    self.turns = turns
    self.delayWarnings = delayWarnings
    self.directory = directory
    self.isInOrder = isInOrder
    self.chance = chance
    fates = world.messages.map { Array(repeating: Fate(), count: $0.errands.count) }
    warnings = Array(repeating: nil, count: world.messages.count)
  }

  /// A run a minute for a year, or a second for four days, is the most that any setting gives.
  private static let runLimit = 400_000

  /// Runs on until every message has been given up; `stepLimit` bounds the work.
  mutating func run(_ runs: EximRunClock.Runs, stepLimit: Int) {
    var runs = runs
    for _ in 0..<EximFuture.runLimit where steps < stepLimit {
      directory = directory.filter { $0.map { !hasLeft($0) } ?? true }
      guard directory.contains(where: { $0.map { world.messages[$0].isMoving } ?? false }) else {
        return
      }
      let start = runs.next()
      disturb()
      guard mayDoSomething(by: start + Double(directory.count) * turns.skipSeconds + 60) else {
        continue
      }
      queueRun(at: start)
    }
  }

  /// A frozen message stays, and takes its turn like the others, until it is thawed or given up.
  private func hasLeft(_ message: Int) -> Bool {
    !world.messages[message].isHeld && fates[message].allSatisfy { $0.expiry != nil }
  }

  /// Whether anything is due: a long queue of which nothing is need not be gone through.
  private func mayDoSomething(by end: Double) -> Bool {
    let end = Int(end)
    for message in directory.compactMap(\.self) {
      let one = world.messages[message]
      guard !one.isHeld else {
        if one.thawsAt ?? .max <= end || one.givenUpAt ?? .max <= end { return true }
        continue
      }
      let age = end - one.arrivedAt
      let warningIsDue =
        one.wantsWarning && threshold(one.warningsSent).map { age >= $0 } ?? false
      for errand in one.errands {
        for place in errand.all {
          let record = world.records[place]
          if !record.exists || record.isExpired || record.nextTry <= end || age > record.cutoff
            || (warningIsDue && record.kind != .host)
          {
            return true
          }
        }
      }
    }
    return false
  }

  private mutating func queueRun(at start: Double) {
    triedInRun = []
    var now = start
    let pace = self.pace()
    for message in taken(at: start) {
      steps += 1
      now += deliver(message, at: now) * pace
    }
    guard !triedInRun.isEmpty else { return }
    for message in directory.compactMap(\.self) where !world.messages[message].isHeld {
      for index in fates[message].indices where fates[message][index].attempts.count < 1000 {
        let errand = world.messages[message].errands[index]
        let expiry = fates[message][index].expiry
        if expiry == nil || expiry ?? 0 >= Int(start), isTried(errand) {
          fates[message][index].attempts.append(Int(start))
        }
      }
    }
  }

  /// New mail, and mail that gets through, of which a future of failures knows nothing: what the
  /// directory lists behind it moves by a place, and so takes another turn in all runs to come.
  private mutating func disturb() {
    guard var chance else { return }
    defer { self.chance = chance }
    let limit = world.messages.count * 2
    for _ in 0..<chance.count(averaging: turns.comings) where directory.count < limit {
      switch turns.movement {
      case .stays: directory.insert(nil, at: chance.below(directory.count + 1))
      case .toFront: directory.insert(nil, at: 0)
      case .toBack: directory.append(nil)
      }
    }
    // A place too many shifts the others as one too few does.
    for _ in 0..<chance.count(averaging: turns.goings) {
      let place = chance.below(directory.count + 1)
      if directory.count < limit {
        directory.insert(nil, at: place)
      } else if let stranger = directory[place...].firstIndex(of: nil) {
        directory.remove(at: stranger)
      }
    }
  }

  /// How long this run's turns take against the mean: a machine is now quicker, now slower.
  private mutating func pace() -> Double { (chance?.unit() ?? 0.5) + 0.5 }

  private func taken(at start: Double) -> [Int] {
    guard !isInOrder else { return directory.compactMap(\.self) }
    return EximRunOrder.taken(directory, startedAt: Int64(start.rounded(.down))).compactMap(\.self)
  }

  private func isTried(_ errand: EximWorld.Errand) -> Bool {
    errand.all.contains { triedInRun.contains($0) }
  }

  /// What one message's turn came to for one domain.
  private struct Outcome {
    var isTried = false
    var isDeferred = false
    /// A deferral that a warning may tell about: a real one, or a wait whose reason is on record.
    var isTellable = false
    var hasExpired = false
  }

  /// One message's turn; returns the seconds it takes.
  private mutating func deliver(_ message: Int, at moment: Double) -> Double {
    if world.messages[message].isHeld, let took = rest(message, at: moment) { return took }
    var seconds = turns.skipSeconds
    var mayWarn = false
    for index in world.messages[message].errands.indices
    where fates[message][index].expiry == nil {
      let errand = world.messages[message].errands[index]
      let spent = turns.slowDomains[errand.domain] ?? turns.trySeconds
      let outcome = attempt(errand, message, from: moment, to: moment + spent)
      if outcome.isTried { seconds = max(seconds, spent) }
      mayWarn = mayWarn || outcome.isTellable
      let end = Int(moment + (outcome.isTried ? spent : 0))
      if outcome.isTried || outcome.hasExpired, fates[message][index].nextAttempt == nil {
        fates[message][index].nextAttempt = end
      }
      if outcome.hasExpired { fates[message][index].expiry = end }
    }
    if mayWarn, warn(message, at: Int(moment + seconds)) { seconds += turns.warningSeconds }
    return seconds
  }

  /// The turn of a frozen message, in seconds; nil where it is thawed, and goes on like others.
  private mutating func rest(_ message: Int, at moment: Double) -> Double? {
    let one = world.messages[message]
    if let end = one.givenUpAt, Int(moment) >= end {
      world.messages[message].isHeld = false
      for index in fates[message].indices {
        fates[message][index].expiry = Int(moment)
        if one.isBounce {
          fates[message][index].nextAttempt = Int(moment)
          fates[message][index].attempts.append(Int(moment))
        } else {
          fates[message][index].isUntried = true
        }
      }
      return turns.trySeconds
    }
    guard let thaw = one.thawsAt, Int(moment) >= thaw else { return turns.skipSeconds }
    world.messages[message].isHeld = false
    return nil
  }

  private mutating func attempt(
    _ errand: EximWorld.Errand,
    _ message: Int,
    from moment: Double,
    to end: Double
  ) -> Outcome {
    let now = Int(moment)
    let arrived = world.messages[message].arrivedAt
    var outcome = Outcome()
    let due = errand.addresses.filter { address in
      isDue(address, route: errand.route, at: now, arrived: arrived)
    }
    if due.count < errand.addresses.count {
      outcome.isDeferred = true
      outcome.isTellable = true
    }
    guard !due.isEmpty else { return outcome }
    if let route = errand.route {
      // Each recipient notes the failure, so that with several of them the gap starts over.
      for _ in due { fail(&outcome, [route], at: Int(end), arrived, hasSkipped: false) }
      return outcome
    }
    let refused = due.compactMap(\.self)
    if refused.isEmpty || !errand.hosts.isEmpty && !errand.hasFreeHost {
      hosts(&outcome, errand, arrived, from: now, to: Int(end))
    } else {
      for address in Set(refused) {
        fail(&outcome, [address], at: Int(end), arrived, hasSkipped: false)
      }
    }
    return outcome
  }

  /// Whether an address gets as far as its hosts. Source: Exim src/deliver.c, deliver_message().
  private func isDue(_ address: Int?, route: Int?, at now: Int, arrived: Int) -> Bool {
    if let route {
      let record = world.records[route]
      return now >= record.nextTry || record.isExpired
    }
    guard let address else { return true }
    let record = world.records[address]
    return now >= record.nextTry || now - arrived > record.cutoff
  }

  private mutating func hosts(
    _ outcome: inout Outcome,
    _ errand: EximWorld.Errand,
    _ arrived: Int,
    from now: Int,
    to end: Int
  ) {
    let usable = errand.hosts.filter { isUsable(world.records[$0], at: now, arrived: arrived) }
    if usable.isEmpty, !errand.hosts.isEmpty {
      // All hosts have been failing for a long time: no attempt, and no mercy.
      if errand.hosts.allSatisfy({ world.records[$0].isExpired }) {
        outcome.hasExpired = true
      } else {
        outcome.isDeferred = true
      }
      return
    }
    let own = errand.own.filter { isUsable(world.records[$0], at: now, arrived: arrived) }
    if usable.isEmpty, own.isEmpty, !errand.own.isEmpty {
      outcome.isDeferred = true
      return
    }
    fail(
      &outcome,
      usable + own,
      at: end,
      arrived,
      hasSkipped: usable.count < errand.hosts.count
    )
  }

  private func isUsable(_ record: EximWorld.Record, at now: Int, arrived: Int) -> Bool {
    !record.exists || now >= record.nextTry
      || (!record.isExpired && now - arrived > record.cutoff)
  }

  /// The address is given up when all that was tried has timed out and nothing was left out.
  private mutating func fail(
    _ outcome: inout Outcome,
    _ records: [Int],
    at end: Int,
    _ arrived: Int,
    hasSkipped: Bool
  ) {
    var hasTimedOut = !records.isEmpty
    for place in records {
      triedInRun.insert(place)
      if !world.records[place].fail(at: end, messageArrivedAt: arrived) { hasTimedOut = false }
    }
    outcome.isTried = true
    if hasTimedOut, !hasSkipped {
      outcome.hasExpired = true
    } else {
      outcome.isDeferred = true
      outcome.isTellable = true
    }
  }

  /// A warning about a message that was deferred just now, where one is due; true where it is made.
  private mutating func warn(_ message: Int, at now: Int) -> Bool {
    let one = world.messages[message]
    guard one.wantsWarning, let threshold = threshold(one.warningsSent),
      now - one.arrivedAt >= threshold
    else { return false }
    while let next = self.threshold(world.messages[message].warningsSent),
      now - one.arrivedAt >= next
    {
      world.messages[message].warningsSent += 1
    }
    if warnings[message] == nil { warnings[message] = now }
    turns.movement.move(message, in: &directory)
    return true
  }

  /// The age of the n-th warning: the list, then its last gap again and again; nil without warnings.
  private func threshold(_ number: Int) -> Int? {
    if number < delayWarnings.count { return delayWarnings[number] }
    guard let last = delayWarnings.last else { return nil }
    let before = delayWarnings.count > 1 ? delayWarnings[delayWarnings.count - 2] : 0
    let gap = last - before
    // `delay_warning = 0s` turns them off; equal values would never end.
    return last > 0 && gap > 0 ? last + (number - delayWarnings.count + 1) * gap : nil
  }
}
