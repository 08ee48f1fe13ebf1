import MailModel
import MailServers
import TestSupport
import Testing

/// Exim's lines through syslog: in pieces where they are long, twice where two logs get them.
struct EximSyslogTests {
  private static let stamp = "2026-03-02 09:14:05 "
  private static let long =
    "1xVT0L-0000EY-2R == chen@b.example R=dnslookup T=remote_smtp defer (-44) H=mx.b.example "
    + "[198.51.100.7]: SMTP error from remote mail server after RCPT TO:<chen@b.example>: 450 4.7.1 "
    + "\(String(repeating: "wait a little, ", count: 90))see https://b.example/greylisted"
  private static let said =
    "deferred 1xVT0L-0000EY-2R <chen@b.example> via mx.b.example [198.51.100.7] 4.7.1 (SMTP error "
    + "from remote mail server after RCPT TO:<chen@b.example>: 450 4.7.1 "
    + "\(String(repeating: "wait a little, ", count: 90))see https://b.example/greylisted)"

  /// A line as Exim cuts it, each piece behind its mark.
  private static func pieces(_ line: String, of length: Int, mark: String = "/") -> [String] {
    var rest = Array((stamp + line).utf8)[...]
    var parts: [String] = []
    while !rest.isEmpty {
      parts.append(String(decoding: rest.prefix(length), as: UTF8.self))
      rest = rest.dropFirst(length)
    }
    return parts.enumerated().map { "[\($0 + 1)\(mark)\(parts.count)] \($1)" }
  }

  private func log(_ lines: [String], pid: Int = 7) -> [String] {
    lines.map { "1 exim[\(pid)]: \($0)" }
  }

  @Test(arguments: [50, 100, 333, 870])
  func `a line that came in pieces is understood whole`(_ length: Int) {
    var log = EventLog { EximDialect() }
    let pieces = EximSyslogTests.pieces(EximSyslogTests.long, of: length)
    #expect(pieces.count > 1)
    #expect(log.read(self.log(pieces)) == [EximSyslogTests.said])
    #expect(log.outcomes.allSatisfy { $0 == .understood })
  }

  @Test func `what follows a line end within a line is no part of it`() {
    var log = EventLog { EximDialect() }
    let said = log.read(
      self.log([
        "[1/3] 2026-03-02 09:14:05 1xVT0L-0000EY-2R ** chen@b.exam",
        "[2\\3] ple: Unrouteable address",
        "[3/3] Recipients: chen@b.example",
      ])
    )
    #expect(
      said == [
        "bounced 1xVT0L-0000EY-2R <chen@b.example> untried (Unrouteable address)"
      ]
    )
  }

  @Test func `pieces of several processes are told apart, lines in between are read`() {
    var log = EventLog { EximDialect() }
    let first = EximSyslogTests.pieces(EximSyslogTests.long, of: 700)
    let second = EximSyslogTests.pieces(
      EximSyslogTests.long.replacing("1xVT0L-0000EY-2R", with: "1xVT0M-0000EY-2R"),
      of: 700
    )
    var lines: [String] = []
    for (one, other) in zip(first, second) {
      lines += self.log([one], pid: 7) + self.log([other], pid: 8)
      lines += self.log(["2026-03-02 09:14:05 Start queue run: pid=9"], pid: 9)
    }
    let said = log.read(lines).filter { $0 != "marker queueRun" }
    #expect(
      said == [
        EximSyslogTests.said,
        EximSyslogTests.said.replacing("1xVT0L-0000EY-2R", with: "1xVT0M-0000EY-2R"),
      ]
    )
  }

  @Test(arguments: 1..<3)
  func `a line whose pieces lie on both sides of a restart is understood`(_ cut: Int) {
    var log = EventLog { EximDialect() }
    let pieces = self.log(EximSyslogTests.pieces(EximSyslogTests.long, of: 600))
    #expect(pieces.count == 3)
    #expect(log.read(Array(pieces.prefix(cut))).isEmpty)
    log.restart()
    #expect(log.read(Array(pieces.dropFirst(cut))) == [EximSyslogTests.said])
  }

  @Test func `pieces that lack some are counted as not understood`() {
    let pieces = log(EximSyslogTests.pieces(EximSyslogTests.long, of: 400))
    #expect(pieces.count == 4)
    for lost in 0..<3 {
      var log = EventLog { EximDialect() }
      var lines = pieces
      lines.remove(at: lost)
      #expect(log.read(lines).isEmpty)
      #expect(log.outcomes.contains(.notUnderstood))
    }
  }

  @Test(arguments: [
    "[1/2]", "[1/2] ", "[0/2] x", "[3/2] x", "[1/1] x", "[1/99999999999999999999] x", "[/] x",
    "[1/2/3] x", "[127.0.0.1] x", "[1\\2", "[-1/2] x", "[2/2] x",
  ])
  func `what only looks like a piece is taken as it stands`(_ text: String) {
    var log = EventLog { EximDialect() }
    #expect(log.read("1 exim[7]: \(text)").isEmpty)
    log.restart()
    #expect(log.read("1 exim[7]: 1xVT0L-0000EY-2R Completed") == ["ended 1xVT0L-0000EY-2R"])
  }

  @Test func `pieces without end neither grow what is remembered nor stop the rest`() {
    var dialect = EximDialect()
    let filler = String(repeating: "x", count: 4000)
    for pid in 0..<300 {
      for number in 1...20 {
        let text = Array("exim[\(number)/999] \(filler)".utf8)
        var events = LineEvents()
        _ = dialect.read(
          LogLine(
            moment: Timestamp(seconds: 1_772_442_845),
            pid: Int32(pid),
            tag: 0..<4,
            text: 4..<text.count,
            position: LinePosition(source: 1, offset: 0)
          ),
          in: text.span,
          into: &events
        )
        let isSilent = events.isEmpty
        #expect(isSilent)
      }
    }
    #expect(dialect.carriedState.count < 400_000)
    var log = EventLog { EximDialect() }
    #expect(log.read(self.log(EximSyslogTests.pieces(EximSyslogTests.long, of: 870))).count == 1)
  }

  /// `syslog_duplication` is on where nothing is set.
  @Test func `a line that went to two logs counts once`() {
    var log = EventLog { EximDialect() }
    let line =
      "2026-03-02 09:14:05 1xVT0L-0000EY-2R == chen@b.example R=dnslookup T=remote_smtp defer (-1): "
      + "failed to expand"
    let twice = self.log([line, line])
    #expect(log.read(twice).count == 1)
    log.restart()
    #expect(log.read(self.log([line.replacing("chen", with: "dora")])).count == 1)
    log.restart()
    #expect(log.read(self.log([line.replacing("chen", with: "dora")])).isEmpty)
    // The same words of another process, or at another time, are another attempt.
    #expect(log.read(self.log([line], pid: 8)).count == 1)
    #expect(log.read([self.log([line])[0].replacing("1 exim", with: "9 exim")]).count == 1)
  }

  @Test func `a line of a main log that stands there twice was written twice`() {
    var log = EventLog { EximDialect() }
    let line = "1 -: 1xVT0L-0000EY-2R == chen@b.example defer (-1): failed to expand"
    #expect(log.read([line, line]).count == 2)
  }

  @Test(arguments: [
    "exim[4]: 2026-03-02 09:14:05 1xVT0L-0000EY-2R => c@b.example R=r T=t H=mx.b.example [192.0.2.1]",
    "exim[4]: [1/2] 2026-03-02 09:14:05 1xVT0L-0000EY-2R => c@b.example R=r T=t H=mx.b.example",
  ])
  func `alone, a delivery through syslog is told for one`(_ line: String) {
    let bytes = Array(line.utf8)
    let lone = Exim().readLone(bytes.span, tag: 0..<4, text: 9..<bytes.count)
    #expect(lone?.isSuccess == true)
    #expect(lone?.side == .sending)
  }
}
