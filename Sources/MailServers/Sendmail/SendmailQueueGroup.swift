/// A queue group of sendmail.cf, whose messages lie in directories of their own and may be run at
/// times of their own.
///
///     Qslow, P=/var/spool/mqueue/slow*, F=f, I=2h, R=1
///
/// Source: Sendmail sendmail/queue.c (makequeue); the Installation and Operation Guide, 5.12.
struct SendmailQueueGroup: Hashable, Sendable {
  var name: String
  /// `P=`: one directory, or several with a star at the end; nil is the queue directory itself.
  var path: String?
  /// `I=`: how often it is run, in seconds; nil where it is run with the others.
  var interval: Double?

  /// Sendmail's own limit is 50.
  static let most = 200

  /// Nil where the line is no definition of a group.
  init?(_ line: some StringProtocol) {
    let parts = line.dropFirst().split(separator: ",").map(\.trimmed)
    guard line.first == "Q", let name = parts.first, !name.isEmpty, !name.contains("=") else {
      return nil
    }
    self.name = name
    for part in parts.dropFirst() {
      guard let equals = part.firstIndex(of: "=") else { return nil }
      let value = part[part.index(after: equals)...].trimmed
      switch part[..<equals].trimmed.first {
      case "P": path = value
      case "I":
        interval = SendmailConfiguration.seconds(value, unit: "m").flatMap { $0 > 0 ? $0 : nil }
      default: break
      }
    }
  }

  /// How many of the last names of `directory` are the group's own, below the queue directory; nil
  /// where the directory is not the group's. A copy of the queue may lie anywhere, so that what stands
  /// above does not count.
  func match(_ directory: String, below base: String) -> Int? {
    let own = names(below: base)
    var there = directory.split(separator: "/")
    if let last = there.last, last == "qf" { there.removeLast() }
    guard own.count <= there.count else { return nil }
    let isOwn = zip(own, there.suffix(own.count)).allSatisfy { pattern, name in
      pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : pattern == name
    }
    return isOwn ? own.count : nil
  }

  /// What of the group's path lies below the queue directory, name by name.
  private func names(below base: String) -> [Substring] {
    guard let path else { return [] }
    // `QueueDirectory=/var/spool/mqueue/q*` is several directories beside each other.
    var above = base.split(separator: "/")
    if above.last?.contains("*") ?? false { above.removeLast() }
    let whole = path.split(separator: "/")
    guard path.hasPrefix("/") else { return whole }
    return whole.starts(with: above) ? Array(whole.dropFirst(above.count)) : whole.suffix(1)
  }
}
