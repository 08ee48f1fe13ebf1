import Diagnosis
import MailModel
import Store
package import Triage

/// Whose fault it looks like, in one sentence: the head of the first screen and of the report.
package struct Headline {
  private let waiting: [Analysis.Destination]
  private let returned: [Analysis.Destination]
  /// Why nothing can be said of any destination; nil where something can.
  package let ignorance: String?
  /// The answer is for a part of the time, in which nothing was tried.
  private let isQuietWindow: Bool

  package init(_ analysis: Analysis) {
    waiting = analysis.destinations.filter {
      $0.queued > 0 && $0.incident.map { $0.state != .recovered } ?? false
    }
    returned = analysis.destinations.filter {
      $0.queued == 0 && $0.incident?.state == .endedInBounces && $0.incident?.tlsIsCause == .yes
    }
    ignorance = Headline.ignorance(analysis)
    let totals = analysis.totals
    isQuietWindow =
      (analysis.window.from != nil || analysis.window.to != nil)
      && totals.delivered + totals.deferred + totals.bounced + totals.expired == 0
  }

  package var sentence: String {
    if let ignorance { return ignorance }
    let tls = waiting.filter { $0.incident?.tlsIsCause == .yes }
    if !tls.isEmpty {
      return "\(Headline.who(tls)): TLS holds up \(Headline.mail(tls)) to "
        + "\(Headline.destinations(tls.count))\(Headline.ours(tls))."
    }
    if !returned.isEmpty {
      let rest =
        waiting.isEmpty
        ? "nothing waits now" : "\(Headline.mail(waiting)) still wait, for other reasons"
      return "\(Headline.who(returned)): by TLS mail to \(Headline.destinations(returned.count)) "
        + "was returned\(Headline.ours(returned)); \(rest)."
    }
    if !waiting.isEmpty {
      let unclear = waiting.contains { $0.incident?.tlsIsCause == .unclear }
      return "\(unclear ? "It is not clear that TLS is the cause" : "Not TLS"): "
        + "\(Headline.mail(waiting)) to \(Headline.destinations(waiting.count)) "
        + "\(Headline.count(waiting) == 1 ? "waits" : "wait")"
        + "\(unclear ? "" : " for other reasons")\(Headline.ours(waiting))."
    }
    guard !isQuietWindow else {
      return "Nothing was tried in the time looked at: no destination can be judged."
    }
    return "No destination is in trouble: nothing waits for a repair."
  }

  private static func ignorance(_ analysis: Analysis) -> String? {
    guard !analysis.tellsOfMail else { return nil }
    let lines = analysis.sources.reduce(0) { $0 + $1.lines }
    guard lines > 0 else { return "Nothing is known yet: no line of mail and no queue was read." }
    return "Nothing was understood of the \(lines == 1 ? "line" : "\(lines) lines") read: "
      + "nothing can be said of any destination."
  }

  /// The side that must act at most of the destinations.
  private static func who(_ destinations: [Analysis.Destination]) -> String {
    let counts = sides(destinations)
    let half = destinations.count
    if (counts[.local] ?? 0) * 2 > half { return "It looks like us" }
    if (counts[.path] ?? 0) * 2 > half { return "It looks like the path" }
    if (counts[.unknown] ?? 0) * 2 > half { return "It is not clear whose fault it is" }
    return "It looks like them"
  }

  /// `, 1 of them by a fault of ours`, where most are not.
  private static func ours(_ destinations: [Analysis.Destination]) -> String {
    let count = sides(destinations)[.local] ?? 0
    guard count > 0, count * 2 <= destinations.count else { return "" }
    return ", \(count) of them by a fault of ours"
  }

  private static func sides(_ destinations: [Analysis.Destination]) -> [Responsible: Int] {
    Dictionary(grouping: destinations) { $0.incident?.responsible ?? .unknown }.mapValues(\.count)
  }

  private static func count(_ destinations: [Analysis.Destination]) -> Int {
    destinations.reduce(0) { $0 + $1.queued }
  }

  private static func mail(_ destinations: [Analysis.Destination]) -> String {
    messages(count(destinations))
  }

  package static func messages(_ count: Int) -> String {
    count == 1 ? "1 message" : "\(count) messages"
  }

  package static func destinations(_ count: Int) -> String {
    count == 1 ? "1 destination" : "\(count) destinations"
  }
}
