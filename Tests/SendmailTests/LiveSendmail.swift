import Foundation
import TestSupport
import Testing

/// Debian's Sendmail on a machine of its own.
final class LiveSendmail: LiveServer {
  private static let programs = "sendmail/usr/libexec/sendmail"

  static var canRun: Bool {
    WalledMachine.canRun([programs + "/sendmail", programs + "/makemap"])
  }

  let machine: WalledMachine

  var queue: String { machine.path + "/mqueue" }
  var log: String { machine.path + "/mail.log" }
  /// The access map's source, as its `/etc/mail/access`.
  var accessFile: String { machine.path + "/etc/mail/access" }
  var configuration: String { machine.path + "/etc/mail/sendmail.cf" }

  /// `access` is the access map's source at the start.
  init(
    scenarios: [String],
    access: (_ receivers: [String: WalledMachine.Receiver]) -> String
  ) throws {
    machine = try WalledMachine(
      programs: LiveSendmail.programs,
      setup: try #require(Bundle.module.resourcePath) + "/Fixtures/world.sh",
      scenarios: scenarios
    ) { ["access": access($0)] }
  }

  deinit {
    let pid = try? String(contentsOfFile: machine.path + "/state/pid", encoding: .utf8)
      .split(separator: "\n").first.flatMap { pid_t($0) }
    if let pid { kill(pid, SIGKILL) }
  }

  /// Starts the daemon with a queue run every `seconds`.
  func startDaemon(every seconds: Int) throws {
    try machine.shell(["sendmail -bd -q\(seconds)s -L sm-mta"])
  }

  /// Puts a message into the queue without trying to deliver it; its queue id.
  @discardableResult
  func submit(to recipients: [String], from sender: String = "ann@sender.example") throws -> String
  {
    let before = listed
    try machine.shell([
      "printf 'Subject: x\\n\\nhi\\n' | sendmail -Am -odq -f '\(sender)' "
        + recipients.map { "'\($0)'" }.joined(separator: " ")
    ])
    return listed.subtracting(before).first ?? ""
  }

  /// Queue ids, as the names of files tell.
  var listed: Set<String> {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: queue)) ?? []
    return Set(
      names.filter { $0.hasPrefix("qf") || $0.hasPrefix("hf") }.map { String($0.dropFirst(2)) }
    )
  }

  /// Queue ids whose control file is whole. One that is written for the first time is no message yet.
  var whole: Set<String> {
    listed.filter { id in
      ["qf", "hf"].contains { kind in
        (try? Data(contentsOf: URL(fileURLWithPath: "\(queue)/\(kind)\(id)")))?.suffix(2)
          == Data(".\n".utf8)
      }
    }
  }
}
