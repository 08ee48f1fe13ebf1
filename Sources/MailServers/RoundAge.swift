import MailModel

extension [RetryObservations.AgeBracket] {
  /// The round age that lies in all (or nearly all) brackets; nil without brackets.
  var roundAge: Double? {
    guard !isEmpty else { return nil }
    // One message that was held or requeued must not spoil the rest: the best-supported value wins.
    var candidates: Set<Double> = []
    for bracket in suffix(200) {
      for step in RoundAge.steps {
        let value = (bracket.age / step).rounded(.down) * step
        if value > bracket.previousAge, value > 0 { candidates.insert(value) }
      }
      candidates.insert(bracket.age)
    }
    func support(_ value: Double) -> Int {
      count { value > $0.previousAge && value <= $0.age + 1 }
    }
    func roundness(_ value: Double) -> Int {
      RoundAge.steps.count { value.truncatingRemainder(dividingBy: $0) == 0 }
    }
    return candidates.max { (support($0), roundness($0), -$0) < (support($1), roundness($1), -$1) }
  }
}

/// Lengths of time that people set, in seconds.
private enum RoundAge {
  static let steps: [Double] = [86_400, 43_200, 21_600, 3600, 1800, 900, 600, 300, 60, 30, 10]
}
