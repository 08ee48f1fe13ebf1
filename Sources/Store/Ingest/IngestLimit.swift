/// A limit that what a source says can reach; then what is beyond it is told apart no more.
package enum IngestLimit: Int, CaseIterable, CustomStringConvertible, Sendable {
  case recipients
  case names
  case hosts
  case comparison

  /// What a person should know.
  package var description: String {
    switch self {
    case .recipients:
      "a message has more recipients than are told apart (\(OpenMessage.mostRecipients)); the others share one entry"
    case .names:
      "more domains, relays or replies are named than are told apart; the others share one entry"
    case .hosts:
      "more hosts are named than are told apart (\(IngestWriter.originLimit)); the others share one entry"
    case .comparison:
      "it tells of the same time as another input, and of too much at once to be compared: events may count twice"
    }
  }
}

extension IngestWriter {
  /// The limits that were reached since the last call.
  package mutating func takeReachedLimits() -> [IngestLimit] {
    if names.takeOverflow() { reached.insert(.names) }
    if channels.takeOverflow() { reached.insert(.comparison) }
    defer { reached.removeAll() }
    return IngestLimit.allCases.filter(reached.contains)
  }
}
