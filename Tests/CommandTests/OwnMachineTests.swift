import Foundation
import Testing

/// Called without a path, the program reads this machine's own mail server.
@Suite struct OwnMachineTests {
  @Test func `its log, its queue and its configuration are found`() throws {
    guard getuid() == 0 else { try Test.cancel("only root can mount over /var and /etc") }
    let place = try Workplace()
    let log = PostfixLines.message(
      1,
      at: Date(timeIntervalSince1970: 1_772_442_845),
      "b.example",
      PostfixLines.expired
    )
    try place.write("machine/log/mail.log", log)
    try place.write("machine/etc/main.cf", "maximal_queue_lifetime = 2d\n")
    try place.write("machine/etc/master.cf", "smtp unix - - y - - smtp\n")
    let shell = place.process([])
    shell.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    shell.currentDirectoryURL = URL(fileURLWithPath: place.path)
    shell.arguments = [
      "-m", "sh", "-c",
      """
      mkdir -p /etc/postfix /var/spool/postfix
      for queue in maildrop incoming active deferred hold; do mkdir -p machine/spool/$queue; done
      mount --bind machine/log /var/log && mount --bind machine/etc /etc/postfix \
        && mount --bind machine/spool /var/spool/postfix || { echo none; exit; }
      exec "$@"
      """, "sh", Workplace.program.path, "analyze", "--format", "json", "--timezone", "UTC",
      "--now", "2026-03-02T10:00:00Z", "--database", place.database,
    ]
    let outcome = try Workplace.finish(shell)
    // Nor in a container or a changed root that lets nobody have mounts of their own.
    guard outcome.output != "none\n", !outcome.complaint.hasPrefix("unshare: ") else {
      try Test.cancel("nothing can be mounted here")
    }
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(
      outcome.complaint == """
        mailtriage: using /etc/postfix/main.cf, /etc/postfix/master.cf
        mailtriage: reading /var/log/mail.log, /var/spool/postfix

        """
    )
    let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let destinations = (answer as? [String: Any])?["destinations"] as? [[String: Any]]
    #expect(destinations?.map { $0["domain"] as? String } == ["b.example"])
  }
}
