import MailModel

/// The order in which a queue run takes messages.
///
/// Exim puts the names that it finds in `input/`, in the directory's own order, before or behind those
/// that it has, as the bits of the clock say: the low 16 bits of the second at which the run began,
/// lowest first, over and over. So one run's order and second give the directory's order, and that
/// gives any other run's. Source: Exim src/queue.c, queue_get_spool_list().
enum EximRunOrder {
  /// The names of a directory as the run takes them that began in this second of the epoch.
  static func taken<Name>(_ directory: [Name], startedAt second: Int64) -> [Name] {
    guard let first = directory.first else { return [] }
    var before: [Name] = []
    var behind: [Name] = []
    var bits = Bits(second)
    for name in directory.dropFirst() {
      if bits.next() { behind.append(name) } else { before.append(name) }
    }
    return before.reversed() + [first] + behind
  }

  /// The directory's order, from the order in which a run took all its names.
  static func directory<Name>(from taken: [Name], startedAt second: Int64) -> [Name] {
    guard taken.count > 1 else { return taken }
    var bits = Bits(second)
    let isBehind = (1..<taken.count).map { _ in bits.next() }
    var low = 0
    var high = taken.count - 1
    var reversed: [Name] = []
    for behind in isBehind.reversed() {
      reversed.append(taken[behind ? high : low])
      if behind { high -= 1 } else { low += 1 }
    }
    return [taken[low]] + reversed.reversed()
  }

  private struct Bits {
    private let all: Int64
    private var left: Int64 = 0

    init(_ second: Int64) { all = second & 0xffff }

    mutating func next() -> Bool {
      if left == 0 { left = all }
      defer { left >>= 1 }
      return left & 1 == 1
    }
  }
}

/// What the log's last queue runs tell about the next ones: the order of `input/`, and how long a
/// message takes.
struct EximTurns {
  /// Where a `-H` file that is written anew (a warning was sent) comes to stand: in the same place
  /// where the file system goes by names, else before or behind all others.
  enum Movement: CaseIterable {
    case stays
    case toFront
    case toBack

    func move<Name: Equatable>(_ name: Name, in directory: inout [Name]) {
      guard self != .stays, let at = directory.firstIndex(of: name) else { return }
      directory.remove(at: at)
      directory.insert(name, at: self == .toFront ? 0 : directory.endIndex)
    }
  }

  /// Message ids in the directory's order; nil where the log does not tell it, or where what it told
  /// before did not foretell what came.
  private(set) var directory: [String]?
  private(set) var movement = Movement.stays
  /// Seconds that a queue run spends on a message that is not due, and on a real attempt.
  private(set) var skipSeconds = 0.01
  private(set) var trySeconds = 0.1
  /// What a delay warning takes on top.
  private(set) var warningSeconds = 0.1
  /// Where in a second the runs begin; nil where the log tells the fraction itself, or nothing.
  private(set) var startFraction: Double?
  /// How many messages come and stay, and how many leave (delivered, or removed), from one run to the
  /// next: those that the directory lists behind them take other turns.
  private(set) var comings = 0.0
  private(set) var goings = 0.0
  /// Domains whose attempts take much longer (time-outs), with their seconds.
  private(set) var slowDomains: [String: Double] = [:]

  /// `waiting` holds the ids of messages that wait, with their arrival; `listed` is the spool
  /// directory's own order, empty where it is not known.
  init(
    _ passes: [RetryObservations.QueueRun],
    waiting: [String: Timestamp],
    listed: [String] = []
  ) {
    learnDurations(passes)
    learnChanges(passes.suffix(12))
    let whole = passes.filter { pass in
      let taken = Set(pass.turns.map(\.queueID))
      return !pass.turns.isEmpty
        && waiting.allSatisfy { taken.contains($0.key) || $0.value >= pass.startedAt }
    }
    guard let last = whole.last else { return }
    learnOrder(from: last, after: whole.dropLast().last)
    learnOrder(listed, after: last)
  }

  /// What the last two whole passes tell: the order that the last one shows, if the one before
  /// foretells it.
  private mutating func learnOrder(
    from last: RetryObservations.QueueRun,
    after pass: RetryObservations.QueueRun?
  ) {
    let now = EximTurns.directory(of: last)
    if let pass {
      guard let movement = EximTurns.movement(from: pass, to: now) else { return }
      self.movement = movement
    }
    directory = EximTurns.after(last, now, movement)
  }

  /// What the spool's directory tells, messages that came after the last pass included, if that pass
  /// foretells it: a copy may have been made in another order.
  private mutating func learnOrder(
    _ listed: [String],
    after last: RetryObservations.QueueRun
  ) {
    guard !listed.isEmpty, let movement = EximTurns.movement(from: last, to: listed) else { return }
    if directory == nil { self.movement = movement }
    directory = listed
  }

  /// Where warned messages went, so that a pass leads to the order seen after it; nil where it does
  /// not lead to it in any way.
  private static func movement(
    from pass: RetryObservations.QueueRun,
    to seen: [String]
  ) -> Movement? {
    let order = directory(of: pass)
    let best = Movement.allCases.map { movement in
      (movement, agreement(after(pass, order, movement), seen))
    }.max { $0.1 < $1.1 }
    return best.flatMap { $0.1 >= enough ? $0.0 : nil }
  }

  /// Of messages a quarter of the queue apart, how many stand in the same order in both.
  private static let enough = 0.9

  private static func directory(of pass: RetryObservations.QueueRun) -> [String] {
    EximRunOrder.directory(from: pass.turns.map(\.queueID), startedAt: pass.startedAt.seconds)
  }

  private static func after(
    _ pass: RetryObservations.QueueRun,
    _ order: [String],
    _ movement: Movement
  ) -> [String] {
    var order = order
    for turn in pass.turns where turn.wasWarned { movement.move(turn.queueID, in: &order) }
    return order
  }

  private static func agreement(_ foretold: [String], _ seen: [String]) -> Double {
    let places = Dictionary(
      foretold.enumerated().map { ($1, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let common = seen.compactMap { places[$0] }
    guard common.count > 1 else { return 1 }
    // A message that was there for a moment and left no trace shifts its neighbours by a place or two.
    let apart = zip(common, common.dropFirst(max(1, common.count / 4)))
    return Double(apart.count { $0 < $1 }) / Double(common.count - max(1, common.count / 4))
  }

  /// Whether all runs that took up more than a few messages went by their ids, as `queue_run_in_order`
  /// has it.
  static func areInOrder(_ passes: [RetryObservations.QueueRun]) -> Bool {
    let long = passes.filter { $0.turns.count >= 8 }
    return long.count >= 3
      && long.allSatisfy { pass in
        zip(pass.turns, pass.turns.dropFirst()).allSatisfy { $0.queueID < $1.queueID }
      }
  }

  private mutating func learnChanges(_ passes: ArraySlice<RetryObservations.QueueRun>) {
    let taken = passes.map { Set($0.turns.map(\.queueID)) }
    let steps = Array(zip(taken, taken.dropFirst()))
    let count = Double(max(steps.count, 1))
    comings = Double(steps.reduce(0) { $0 + $1.1.subtracting($1.0).count }) / count
    goings = Double(steps.reduce(0) { $0 + $1.0.subtracting($1.1).count }) / count
  }

  private mutating func learnDurations(_ passes: [RetryObservations.QueueRun]) {
    var slow: [String: Mean] = [:]
    var skip = Mean()
    var attempt = Mean()
    var afterWarning = Mean()
    var extra = 0.0
    for pass in passes {
      var before = pass.startedAt
      // The warning is made behind a message's own line: the next line comes later by it.
      var followsWarning = false
      for turn in pass.turns {
        let spent = max(0, turn.at.seconds(since: before))
        before = max(before, turn.at)
        defer { followsWarning = turn.wasWarned }
        if let domain = turn.triedDomains.first, spent >= EximTurns.slowSeconds {
          slow[domain, default: Mean()].add(spent)
        } else if followsWarning {
          afterWarning.add(spent)
          extra += turn.triedDomains.isEmpty ? 0 : 1
        } else if turn.triedDomains.isEmpty {
          skip.add(spent)
        } else {
          attempt.add(spent)
        }
      }
    }
    if skip.count > 0 { skipSeconds = max(0.001, skip.value) }
    if attempt.count > 0 { trySeconds = max(skipSeconds, attempt.value) }
    if afterWarning.count > 0 {
      let share = extra / afterWarning.count
      let usual = skipSeconds * (1 - share) + trySeconds * share
      warningSeconds = max(0, afterWarning.value - usual)
    }
    slowDomains = slow.mapValues(\.value)
    startFraction = likelyFraction(passes)
  }

  /// Where in a second the runs begin, if the log keeps whole seconds: the fraction with which most
  /// lines fall into the second that they state.
  private func likelyFraction(_ passes: [RetryObservations.QueueRun]) -> Double? {
    guard passes.contains(where: { !$0.turns.isEmpty }),
      passes.allSatisfy({ $0.startedAt.microseconds % 1_000_000 == 0 })
    else { return nil }
    let fractions = (0..<20).map { Double($0) / 20 }
    let fits = fractions.map { fraction in
      passes.reduce(0) { $0 + fit($1, startFraction: fraction) }
    }
    let best = fits.max() ?? 0
    let ties = fractions.indices.filter { fits[$0] == best }
    return ties.isEmpty ? nil : fractions[ties[ties.count / 2]]
  }

  private func fit(_ pass: RetryObservations.QueueRun, startFraction: Double) -> Int {
    var passed = startFraction
    var hits = 0
    for turn in pass.turns {
      let domain = turn.triedDomains.first
      passed += domain.map { slowDomains[$0] ?? trySeconds } ?? skipSeconds
      if Int(passed) == Int(turn.at.seconds - pass.startedAt.seconds) { hits += 1 }
      if turn.wasWarned { passed += warningSeconds }
    }
    return hits
  }

  private struct Mean {
    var sum = 0.0
    var count = 0.0
    var value: Double { sum / max(count, 1) }

    mutating func add(_ one: Double) {
      sum += one
      count += 1
    }
  }

  /// An attempt that takes longer waits for a time-out.
  private static let slowSeconds = 3.0
}
