import Foundation
import MailServers
import TestSupport
import Testing

/// Debian's Exim on a machine of its own.
final class LiveExim: LiveServer {
  private static let programs = "exim/usr/sbin"

  static var canRun: Bool { WalledMachine.canRun([programs + "/exim4"]) }

  let machine: WalledMachine

  /// What `spool_directory` names.
  var spool: String { machine.path + "/spool" }
  var log: String { machine.path + "/log/mainlog" }

  /// Lines for the main section, for the transport to remote hosts, and for the retry rules; without
  /// them it is Debian's.
  init(
    scenarios: [String],
    main: String = "",
    transport: (_ receivers: [String: WalledMachine.Receiver]) -> String = { _ in "" },
    retry: String = ""
  ) throws {
    machine = try WalledMachine(
      programs: LiveExim.programs,
      setup: try #require(Bundle.module.resourcePath) + "/Fixtures/world.sh",
      scenarios: scenarios
    ) { ["local": main, "transport": transport($0), "retry": retry] }
  }

  deinit { _ = try? machine.shell(["kill $(cat /run/exim4/exim.pid)", "true"]) }

  /// With queue runs, where an interval is given.
  func startDaemon(every interval: String? = nil) throws {
    try machine.shell(["exim -bd \(interval.map { "-q" + $0 } ?? "")"])
    try wait("the daemon") { try machine.shell(["cat /run/exim4/exim.pid", "true"]).first != nil }
  }

  /// Hands a message over and waits until it was tried.
  @discardableResult
  func send(to recipient: String) throws -> String {
    let before = listed
    try machine.shell([
      "printf 'Subject: x\\n\\nhi\\n' | exim -odf -f ann@sender.example \(recipient)"
    ])
    return listed.subtracting(before).first ?? ""
  }

  /// Takes every message away, and what is known of hosts that failed.
  func forget() throws {
    try machine.shell(["exim -bpr | awk 'NF == 4 {print $3}' | xargs -r exim -Mrm"])
    try machine.shell(["rm -f /var/spool/exim4/db/*"])
  }

  /// Message ids, as the names of files tell.
  var listed: Set<String> {
    var ids: Set<String> = []
    let walker = FileManager.default.enumerator(atPath: spool + "/input")
    while let name = walker?.nextObject() as? String {
      if name.hasSuffix("-H") {
        ids.insert(String((name as NSString).lastPathComponent.dropLast(2)))
      }
    }
    return ids
  }
}
