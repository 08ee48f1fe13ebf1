import Foundation
import Testing

/// How long Exim tries, where its configuration is not given: what its log shows, and else what its
/// configuration ships with.
@Suite struct EximCutoffTests {
  private static let start = Date(timeIntervalSince1970: 1_772_323_200)

  private func line(_ hours: Double, _ text: String) -> String {
    let moment = EximCutoffTests.start.addingTimeInterval((hours * 3600).rounded())
    let stamp = moment.formatted(.iso8601).dropLast().replacing("T", with: " ")
    return "\(stamp) \(text)\n"
  }

  private func arrival(_ hours: Double, _ id: String, _ domain: String) -> String {
    line(hours, "\(id) <= a@a.example H=app.a.example [192.0.2.5] P=esmtp S=900 for u@\(domain)")
  }

  private func refusal(_ hours: Double, _ id: String, _ domain: String) -> String {
    line(
      hours,
      "\(id) == u@\(domain) R=dnslookup T=remote_smtp defer (111): Connection refused "
        + "H=mx.\(domain) [198.51.100.7]"
    )
  }

  /// A message that arrives at `hours` and fails each six hours until it is given up at that age.
  private func givenUp(_ hours: Double, _ id: String, _ domain: String, age: Double) -> String {
    var lines = arrival(hours, id, domain)
    for gap in stride(from: 0.01, to: age - 1, by: 6) {
      lines += refusal(hours + gap, id, domain)
    }
    return lines
      + line(hours + age, "\(id) ** u@\(domain) R=dnslookup T=remote_smtp: retry timeout exceeded")
      + line(hours + age, "\(id) Completed")
  }

  /// One that was let through.
  private func delivered(_ hours: Double, _ id: String, _ domain: String) -> String {
    arrival(hours, id, domain)
      + line(
        hours,
        "\(id) => u@\(domain) R=dnslookup T=remote_smtp H=mx.\(domain) [198.51.100.7] C=\"250 ok\""
      ) + line(hours, "\(id) Completed")
  }

  private func waiting(_ hours: Double) -> String {
    arrival(hours, "1xVT0W-0000LD-0H", "c.example")
      + refusal(hours, "1xVT0W-0000LD-0H", "c.example")
  }

  private func said(_ log: String) throws -> (rule: String, basis: String?, expiry: String?) {
    let place = try Workplace()
    let lines = log.split(separator: "\n").sorted().joined(separator: "\n") + "\n"
    let path = try place.write("mainlog", lines)
    let now = ["--now", "2026-03-11T06:00:00Z"]
    let text = try Workplace.finish(place.process(["analyze", path] + now))
    let json = try Workplace.finish(place.process(["forecast", path, "--format", "json"] + now))
    let answer = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
    let messages = (answer as? [String: Any])?["messages"] as? [[String: Any]]
    return (
      // The last sentence, which may be broken over lines.
      text.output.split(whereSeparator: \.isWhitespace).joined(separator: " "),
      messages?.first?["basis"] as? String, messages?.first?["expires_at"] as? String
    )
  }

  @Test(arguments: [(72.4, 3), (96.3, 4), (121.0, 5)])
  func `a message that was first to fail and was given up shows how long Exim tries`(
    _ age: Double,
    _ days: Int
  ) throws {
    let log =
      delivered(0, "1xVT0A-0000EY-2R", "b.example")
      + givenUp(20, "1xVT0B-0000EY-2R", "b.example", age: age) + waiting(240)
    let told = try said(log)
    #expect(
      told.rule.hasSuffix("given up \(days) d after its first failure (as the log shows it).")
    )
    #expect(told.basis == "log")
    // That long behind its arrival at midnight, at the first attempt from then on.
    let expiry = try Date(#require(told.expiry), strategy: .iso8601)
    let waited = expiry.timeIntervalSince(EximCutoffTests.start) / 3600 - 240
    #expect(waited >= Double(days) * 24 && waited < Double(days) * 24 + 7)
  }

  @Test(arguments: [true, false])
  func `one whose host had failed before shows nothing`(_ isBeforeTheLog: Bool) throws {
    // A young message that is given up with its host's record, long as that has been failing.
    let log =
      isBeforeTheLog
      ? givenUp(1, "1xVT0B-0000EY-2R", "b.example", age: 30.2)
      : refusal(1, "1xVT0A-0000EY-2R", "b.example")
        + givenUp(70, "1xVT0B-0000EY-2R", "b.example", age: 26.2)
    let told = try said(log + waiting(240))
    #expect(
      told.rule.hasSuffix(
        "given up 4 d after its first failure (the server's defaults, assumed)."
      )
    )
    #expect(told.basis == "default")
  }

  @Test func `a host that took mail in between began a record of its own`() throws {
    let log =
      delivered(0, "1xVT0A-0000EY-2R", "b.example")
      + givenUp(20, "1xVT0B-0000EY-2R", "b.example", age: 96.3)
      + delivered(50, "1xVT0C-0000EY-2R", "b.example") + waiting(240)
    #expect(try said(log).basis == "default")
  }
}
