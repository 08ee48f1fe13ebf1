import Foundation
import Testing

/// A run that somebody ends, or whose reader goes away.
@Suite struct InterruptedRunTests {
  private static let log = (0..<6000).map {
    PostfixLines.message(
      $0,
      at: Date(timeIntervalSince1970: 1_772_442_845 + Double($0)),
      "d\($0 % 40).example",
      $0 % 4 == 0 ? PostfixLines.expired : PostfixLines.sent
    )
  }.joined()
  private static let now = ["--now", "2026-03-03T00:00:00Z", "--quiet"]

  /// Starts the program, interrupts it when some of the log is taken in, and says with which status, as a
  /// shell would tell it, and where it was then.
  private static let interrupt = """
    number = int(sys.argv.pop())
    run = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    reached = 0
    while not reached and run.poll() is None:
        try:
            with sqlite3.connect("file:" + database + "?mode=ro", uri=True) as db:
                reached = db.execute("SELECT sum(cursor) FROM source").fetchone()[0] or 0
        except sqlite3.Error:
            pass
    run.send_signal(number)
    status = run.wait()
    print(128 - status if status < 0 else status, reached)
    """

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)])
  func `a run that is interrupted ends at once, and the next one makes up for it`(
    _ signal: Int32,
    _ status: Int
  ) throws {
    let whole = try Workplace()
    let log = try whole.write("mail.log", InterruptedRunTests.log)
    let arguments = ["analyze", log] + InterruptedRunTests.now
    let undisturbed = try Workplace.finish(whole.process(arguments))
    #expect(undisturbed.status == 0, "\(undisturbed.complaint)")
    let end: Int = try #require(try whole.value("SELECT sum(cursor) FROM source"))

    let place = try Workplace()
    let cut = try place.python(
      "sys.argv.append('\(signal)')\n" + InterruptedRunTests.interrupt,
      arguments
    )
    let told = cut.output.split(separator: " ").compactMap { Int($0.filter(\.isNumber)) }
    try #require(told.count == 2, "\(cut.complaint)")
    #expect(told[0] == status)
    // Or nothing was interrupted.
    #expect(told[1] > 0 && told[1] < end)
    #expect(cut.complaint.isEmpty)
    #expect(try place.value("PRAGMA integrity_check") == "ok")

    let next = try Workplace.finish(place.process(arguments))
    #expect(next.status == 0, "\(next.complaint)")
    #expect(next.output == undisturbed.output)
    let expected = try whole.dump()
    let own = try place.dump()
    for (table, rows) in expected { #expect(own[table] == rows, "\(table)") }
  }

  @Test(arguments: [["analyze", "--messages", "--format", "json"], ["trace", "a@a.example"]])
  func `a reader who goes away ends the answer without a word, and nothing is lost`(
    _ answer: [String]
  ) throws {
    let place = try Workplace()
    let log = try place.write("mail.log", InterruptedRunTests.log)
    let now = InterruptedRunTests.now
    let isTrace = answer[0] == "trace"
    if isTrace { #expect(try Workplace.finish(place.process(["analyze", log] + now)).status == 0) }
    // A byte is read of an answer that is longer than a pipe holds.
    let outcome = try place.python(
      """
      run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, bufsize=0)
      run.stdout.read(1)
      run.stdout.close()
      status = run.wait()
      print(128 - status if status < 0 else status)
      """,
      answer + (isTrace ? [] : [log]) + now
    )
    #expect(outcome.output == "141\n")
    #expect(outcome.complaint.isEmpty)
    #expect(try place.value("PRAGMA integrity_check") == "ok")
    #expect(try place.value("SELECT count(*) FROM message") == 6000)
  }
}
