import Foundation

/// Why a server could not be used.
package struct LiveFailure: Error, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}

/// Waits until something holds, or it is over; generous, since machines are slow at times. Where it
/// does not come to hold, the failure tells what was complained of and how the log ends.
package func waitUntil(
  _ what: String,
  seconds: Double = 60,
  log: String = "",
  complaints: String = "",
  isOver: () -> Bool = { false },
  _ holds: () throws -> Bool
) throws {
  let end = Date().addingTimeInterval(seconds)
  while Date() < end {
    if try holds() { return }
    guard !isOver() else { break }
    usleep(100_000)
  }
  func text(_ file: String) -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
  throw LiveFailure("waited in vain for \(what): \(text(complaints)) \(text(log).suffix(2000))")
}
