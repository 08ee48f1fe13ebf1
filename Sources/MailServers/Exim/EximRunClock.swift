import MailModel

/// When queue runs begin: the interval that was set, and how runs wandered about it.
struct EximRunClock {
  let interval: Double
  /// The newest run that the log shows.
  let lastRun: Timestamp?
  /// Seconds by which the gaps seen differ from the interval.
  private let wander: [Double]

  init(_ runs: [Timestamp]) {
    lastRun = runs.last
    let all = zip(runs.suffix(100), runs.suffix(100).dropFirst()).map { $1.seconds(since: $0) }
      .filter { $0 > 1 }
    let gaps = all.sorted()
    // Debian's QUEUEINTERVAL, where the log shows none. A round interval near the usual one is what
    // was set.
    let usual = gaps.isEmpty ? 1800 : gaps[gaps.count / 2]
    let round = [15.0, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400].first {
      ($0 - usual).magnitude <= $0 * 0.05
    }
    let interval = round ?? usual
    self.interval = interval
    // A stop of the daemon is no wandering.
    let off = all.map { $0 - interval }.filter { $0.magnitude <= interval / 4 }
    // A few gaps that are short by chance are no drift; what is added up over days must not lean.
    let count = Double(max(off.count, 1))
    let mean = off.reduce(0, +) / count
    let variance = off.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let isChance = mean * mean <= 4 * variance / count
    wander = isChance ? off.map { $0 - mean } : off
  }

  /// Runs to come, in seconds of the epoch, wandering as the ones before did; without a source of
  /// chance as set.
  struct Runs {
    fileprivate let clock: EximRunClock
    fileprivate let now: Double
    fileprivate var moment: Double
    fileprivate var chance: SplitMix?

    /// A run that was due a moment ago, and that the log does not show, begins just now.
    mutating func next() -> Double {
      repeat { moment += clock.interval + step() } while moment <= now - EximRunClock.lateness
      moment = max(moment, now)
      return moment
    }

    private mutating func step() -> Double {
      guard !clock.wander.isEmpty, chance != nil else { return 0 }
      return clock.wander[chance?.below(clock.wander.count) ?? 0]
    }
  }

  /// `fraction` is where in a second the runs begin, for a log of whole seconds.
  func runs(after now: Timestamp, fraction: Double?, chance: SplitMix?) -> Runs {
    let start = lastRun ?? now
    // Where the log missed runs, the last one is too far to step from.
    let missed = max(0, (now.seconds(since: start) / interval).rounded(.down) - 1)
    var moment = EximRunClock.seconds(start) + missed * interval
    var chance = chance
    if start.microseconds % 1_000_000 == 0 {
      moment += fraction ?? 0.5
      // Not known better than to a tenth.
      if let off = chance?.unit() {
        let least = moment.rounded(.down)
        moment = min(max(moment + (off - 0.5) * (fraction == nil ? 1 : 0.2), least), least + 0.999)
      }
    }
    return Runs(clock: self, now: EximRunClock.seconds(now), moment: moment, chance: chance)
  }

  /// Seconds; a log of whole seconds tells no better.
  private static let lateness = 1.0

  private static func seconds(_ moment: Timestamp) -> Double {
    Double(moment.microseconds) / 1_000_000
  }
}

/// Chance that is the same at every run of the program: Steele, Lea and Flood's SplitMix64.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(count, 1))) }

  /// A whole number that is `mean` on average.
  mutating func count(averaging mean: Double) -> Int {
    Int(mean) + (unit() < mean - mean.rounded(.down) ? 1 : 0)
  }

  /// From 0 up to 1.
  mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
}
