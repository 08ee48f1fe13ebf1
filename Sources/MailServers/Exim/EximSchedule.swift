import MailModel

/// When Exim tries, warns and gives up: hosts and addresses have records of their own, shared by all
/// messages, and a message fails with its host's record, however young it is itself.
///
/// Which message makes the attempt when a record comes due depends on the order in which the queue run
/// takes them, and that on the second at which the run begins and on every message that came or left
/// before: it is chance soon. So the queue is run forward many times, with runs wandering as they did in
/// the log, and each moment told is the one that most of these futures agree on within one queue
/// interval; how many do is told with the next attempt.
/// Source: Exim src/retry.c, src/queue.c; the specification, chapter 32.
struct EximSchedule: RetrySchedule {
  let basis: ScheduleBasis
  private let configuration: EximConfiguration?
  private let observed: RetryObservations
  private let clock: EximRunClock
  /// What holds where no configuration is given.
  private let assumedRules: [EximRetryRule]
  private let showsCutoff: Bool
  let delayWarnings: [Double]

  /// What the shipped configuration states.
  static let shippedRules = EximConfiguration.rules("F,2h,15m; G,16h,1h,1.5; F,4d,6h")

  init(configuration: EximConfiguration?, observed: RetryObservations) {
    self.configuration = configuration
    self.observed = observed
    let cutoff = configuration == nil ? observed.firstExpiries.roundAge : nil
    showsCutoff = cutoff != nil
    assumedRules = cutoff.map(EximSchedule.rules(cutoff:)) ?? EximSchedule.shippedRules
    let seen = configuration == nil ? EximSchedule.warningTime(observed.delayWarnings) : nil
    let isSeen = seen != nil || showsCutoff
    basis = configuration != nil ? .configuration : isSeen ? .observed : .serverDefault
    delayWarnings = configuration?.delayWarnings ?? [seen ?? 86_400]
    clock = EximRunClock(Array(observed.queueRuns.suffix(200)))
  }

  /// The shipped rules, up to another end.
  static func rules(cutoff: Double) -> [EximRetryRule] {
    var rules = shippedRules.filter { $0.cutoff < cutoff }
    // Behind the last one its gaps go on; a rule that ends before the first of them has the first's.
    var last = rules.count < shippedRules.count ? shippedRules[rules.count] : rules.removeLast()
    last.cutoff = cutoff
    return rules + [last]
  }

  /// The warning time that the youngest warned messages show: the longest round time that they all
  /// have passed; nil where too few were warned.
  private static func warningTime(_ warned: [RetryObservations.AgeBracket]) -> Double? {
    guard warned.count >= 3, let youngest = warned.map(\.age).min() else { return nil }
    return [
      60.0, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200,
      86_400, 172_800,
    ].last { $0 <= youngest + 1 }
  }

  /// The rules that hold for a host or, where no pattern names it first, a domain.
  func rules(for domain: String) -> [EximRetryRule] {
    configuration?.rules(for: domain) ?? assumedRules
  }

  var summary: String {
    let rules = rules(for: "*")
    let cutoff = rules.map(\.cutoff).max() ?? 0
    return "queue run every \(words(clock.interval)), a host or address is given up "
      + "\(words(cutoff)) after its first failure" + (isCutoffAssumed ? " (assumed)" : "")
  }

  /// The log shows some of the timers, but not this one.
  private var isCutoffAssumed: Bool { basis == .observed && !showsCutoff }

  /// Messages looked at in all futures together, at most: what a big queue costs is one future.
  private static let stepLimit = 2_000_000
  private static let futureLimit = 100

  func scheduled(_ queue: QueueSnapshot, now: Timestamp) -> [ScheduledMessage] {
    let world = EximWorld(queue, frozen: configuration?.frozen) { host, domain in
      rules(host: host, domain: domain)
    }
    let waiting = Dictionary(
      queue.messages.filter { $0.state != .held }.map { ($0.queueID, $0.arrivedAt) },
      uniquingKeysWith: { first, _ in first }
    )
    let turns = EximTurns(observed.passes, waiting: waiting, listed: listed(queue))
    let order = EximDirectory(world, turns)
    let isInOrder = configuration?.runsInOrder ?? EximTurns.areInOrder(observed.passes)
    let byArrival =
      isInOrder
      ? world.messages.indices.sorted { world.messages[$0].queueID < world.messages[$1].queueID }
      : nil
    let warnings = delayWarnings.map { Int($0) }
    func future(_ number: Int, stepLimit: Int) -> EximFuture {
      var chance = SplitMix(seed: UInt64(number))
      var future = EximFuture(
        world,
        turns: turns,
        delayWarnings: warnings,
        directory: byArrival ?? order.sample(&chance),
        isInOrder: isInOrder,
        chance: number == 0 ? nil : chance
      )
      future.run(
        clock.runs(
          after: now,
          fraction: turns.startFraction,
          chance: number == 0 ? nil : chance
        ),
        stepLimit: stepLimit
      )
      return future
    }
    let first = future(0, stepLimit: .max)
    let more = min(EximSchedule.futureLimit, EximSchedule.stepLimit / max(first.steps, 1))
    let futures = [first] + (0..<more).map { future($0 + 1, stepLimit: first.steps * 4) }
    return world.messages.indices.flatMap { index in
      world.messages[index].errands.indices.map { errand in
        scheduled(world.messages[index], index, errand, futures)
      }
    }
  }

  /// Message ids in the order in which the spool's directory lists them.
  private func listed(_ queue: QueueSnapshot) -> [String] {
    queue.messages.compactMap { message in
      message.placeInQueue.map { ($0, message.queueID) }
    }.sorted { $0.0 < $1.0 }.map(\.1)
  }

  private func rules(host: String?, domain: String) -> [EximRetryRule] {
    configuration?.rules(host: host, domain: domain) ?? assumedRules
  }

  private func scheduled(
    _ message: EximWorld.Message,
    _ index: Int,
    _ errand: Int,
    _ futures: [EximFuture]
  ) -> ScheduledMessage {
    let fates = futures.map { $0.fates[index][errand] }
    let expiry = likely(fates.map(\.expiry))
    var result = ScheduledMessage(
      queueID: message.queueID,
      domain: message.errands[errand].domain,
      attempts: fates[0].attempts.map { Timestamp(seconds: Int64($0)) },
      warningAt: likely(
        futures.map { $0.warnings[index] },
        least: EximSchedule.likelyEnoughWarning
      ),
      expiresAt: expiry,
      basis: basis
    )
    let next = fates.map(\.nextAttempt)
    result.nextAttempt = likely(next)
    result.nextAttemptCertainty = certainty(of: result.nextAttempt, next)
    result.isReturnedUntried = fates[0].isUntried
    return result
  }

  /// A warning goes out only where a queue run really defers the address, which the order of the run
  /// decides: one that may well go out is told of.
  private static let likelyEnoughWarning = 0.2

  /// The moment that most futures come near to, a near one counting more; nil where no more than the
  /// share `least` of them has any.
  private func likely(_ moments: [Int?], least: Double = 0.5) -> Timestamp? {
    let known = moments.compactMap(\.self)
    guard Double(known.count) > Double(moments.count) * least else { return nil }
    let reach = 1.5 * clock.interval
    func weight(_ moment: Int) -> Double {
      known.reduce(0) { $0 + max(0, 1 - Double(($1 - moment).magnitude) / reach) }
    }
    let best = Set(known).sorted().map { ($0, weight($0)) }.max { $0.1 < $1.1 }
    return best.map { Timestamp(seconds: Int64($0.0)) }
  }

  /// The share of all futures that have it within one queue interval of what is told.
  private func certainty(of told: Timestamp?, _ moments: [Int?]) -> Double {
    guard let told else { return 0 }
    let near = moments.count { moment in
      moment.map { Double(($0 - Int(told.seconds)).magnitude) <= clock.interval } ?? false
    }
    return Double(near) / Double(max(moments.count, 1))
  }
}

/// The order of `input/` as far as it is known: the log's, messages that came since put where the
/// file system may have put them.
struct EximDirectory {
  private let known: [Int]
  private let new: [Int]
  private let movement: EximTurns.Movement
  private let isKnown: Bool

  init(_ world: EximWorld, _ turns: EximTurns) {
    let places = Dictionary(
      (turns.directory ?? []).enumerated().map { ($1, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let messages = world.messages.indices
    known = messages.filter { places[world.messages[$0].queueID] != nil }.sorted {
      places[world.messages[$0].queueID] ?? 0 < places[world.messages[$1].queueID] ?? 0
    }
    new = messages.filter { places[world.messages[$0].queueID] == nil }.sorted {
      world.messages[$0].arrivedAt < world.messages[$1].arrivedAt
    }
    movement = turns.movement
    isKnown = turns.directory != nil
  }

  /// Message indices in one order that may be the directory's.
  func sample(_ chance: inout SplitMix) -> [Int] {
    guard isKnown else { return (known + new).shuffled(using: &chance) }
    switch movement {
    case .toFront: return new.reversed() + known
    case .toBack: return known + new
    case .stays:
      var order = known
      for message in new { order.insert(message, at: chance.below(order.count + 1)) }
      return order
    }
  }
}
