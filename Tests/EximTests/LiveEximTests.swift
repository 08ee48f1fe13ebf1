import Foundation
import MailModel
import MailServers
import TestSupport
import Testing

/// A running Exim whose spool is read while it delivers.
@Suite(
  .serialized,
  .enabled(if: LiveExim.canRun, "Exim is not unpacked, or this is not root")
) struct LiveEximTests {
  private static var now: Timestamp { Timestamp(seconds: Int64(Date().timeIntervalSince1970)) }

  @Test(.timeLimit(.minutes(30)), arguments: [false, true])
  func `the spool is read while mail arrives, is delivered and waits`(_ isSplit: Bool) throws {
    let server = try LiveExim(
      scenarios: ["ok-plain", "mailbox-full-plain"],
      main: "split_spool_directory = \(isSplit)\nqueue_run_max = 1\n",
      retry: "* * F,1h,1s\n"
    )
    let good = try server.machine.receiver("ok-plain").domain
    let full = try server.machine.receiver("mailbox-full-plain").domain
    // Keeps the queue busy: mail comes in all the time, and each run tries all of it.
    try server.startDaemon(every: "1s")
    try server.machine.shell([
      "(for n in $(seq 60); do to=$n@\(good); [ $((n % 3)) = 0 ] && to=$n@\(full); "
        + "echo hi | exim -odq -f ann@sender.example $to; sleep 0.05; done) > /dev/null 2>&1 &"
    ])
    var witness = QueueWitness(sender: "ann@sender.example")
    let end = Date().addingTimeInterval(5)
    while Date() < end {
      let before = server.listed
      let read = Exim().readQueue(directory: server.spool, now: LiveEximTests.now)
      #expect(witness.faults(before: before, read, after: server.listed) == [])
      usleep(20_000)
    }
    #expect(witness.checked > 100)
    #expect(witness.seen.count > 20)
    // Nothing of ours held it up: what can be delivered is, once each, and no message was found locked.
    try server.wait("the queue to drain, but for the full mailbox") {
      let waiting = Exim().readQueue(directory: server.spool, now: LiveEximTests.now).messages
      // The last line about a message is written when its files are gone.
      let completed = server.logText.split(separator: "\n").count { $0.hasSuffix(" Completed") }
      return completed == 40 && waiting.count == 20
        && waiting.allSatisfy {
          $0.recipients[0].address.hasSuffix(full) && $0.recipients[0].reason != nil
        }
    }
    let lines = server.logText.split(separator: "\n")
    #expect(lines.count { $0.contains(" => ") && $0.contains(good) } == 40)
    #expect(lines.count { $0.hasSuffix(" Completed") } == 40)
    #expect(!lines.contains { $0.contains("lock") || $0.contains("panic") })
    #expect(!FileManager.default.fileExists(atPath: server.machine.path + "/log/paniclog"))
    // What is read is what the server lists.
    try server.machine.shell(["kill $(cat /run/exim4/exim.pid)"])
    try server.wait("the last run to end") {
      let lines = server.logText.split(separator: "\n")
      return lines.count { $0.contains("Start queue run") }
        == lines.count { $0.contains("End queue run") }
    }
    let listing = Exim().readQueueListing(
      Array(try server.machine.shell(["exim -bp"]).utf8),
      path: "exim -bp",
      now: LiveEximTests.now
    )
    let read = Exim().readQueue(directory: server.spool, now: LiveEximTests.now)
    func told(_ queue: QueueSnapshot) -> Set<String> {
      Set(
        queue.messages.map {
          "\($0.queueID) <\($0.sender)> \($0.state) " + $0.recipients.map(\.address).joined()
        }
      )
    }
    #expect(told(read) == told(listing))
    #expect(read.retryRecords.contains { $0.text.contains("452") })
  }
}
