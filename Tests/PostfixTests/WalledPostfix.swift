import Foundation
import MailModel
import MailServers
import Testing

/// Debian's Postfix in a network and mount namespace of its own: its configuration lies at
/// /etc/postfix, so that commands run there as they are printed, and its mail goes by DNS to
/// receivers that each have one TLS fault.
final class WalledPostfix {
  let path: String
  private var holder = Process()

  /// Root, the namespaces, and the programs.
  static let canRun: Bool = {
    guard LivePostfix.canRun, access("/usr/bin/nsenter", X_OK) == 0,
      access("/usr/sbin/posttls-finger", X_OK) == 0, access("/usr/bin/openssl", X_OK) == 0
    else { return false }
    let trial = Process()
    trial.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    trial.arguments = ["-n", "-m", "/usr/bin/python3", "-c", "import ssl"]
    trial.standardError = FileHandle.nullDevice
    guard (try? trial.run()) != nil else { return false }
    trial.waitUntilExit()
    return trial.terminationStatus == 0
  }()

  init() throws {
    path = "/tmp/wp" + UUID().uuidString.prefix(8)
    let files = FileManager.default
    for name in ["etc", "spool", "data", "log"] {
      try files.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }
    guard let owner = getpwnam("postfix") else { throw LiveFailure("no user postfix") }
    chown(path + "/data", owner.pointee.pw_uid, 0)
    for name in ["postfix-files", "dynamicmaps.cf"]
    where files.fileExists(atPath: "/etc/postfix/" + name) {
      try files.copyItem(atPath: "/etc/postfix/" + name, toPath: "\(path)/etc/\(name)")
    }
    for (name, text) in [
      ("main.cf", main), ("master.cf", master), ("tls_policy", policies), ("transport", transports),
    ] {
      try text.write(toFile: "\(path)/etc/\(name)", atomically: true, encoding: .utf8)
    }
    let script = try #require(
      Bundle.module.url(forResource: "receivers", withExtension: "py", subdirectory: "Fixtures")
    )
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    holder.arguments = ["-n", "-m", "/usr/bin/python3", script.path, path]
    holder.standardInput = FileHandle.nullDevice
    holder.standardOutput = FileHandle.nullDevice
    try holder.run()
    try wait("the receivers") {
      guard holder.isRunning else { throw LiveFailure("the receivers ended at once") }
      return files.fileExists(atPath: path + "/ready")
    }
    try shell("postfix start")
  }

  deinit {
    if holder.isRunning {
      _ = try? shell("postfix abort")
      kill(holder.processIdentifier, SIGKILL)
      holder.waitUntilExit()
    }
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Nothing is tried again by itself: what moves was flushed.
  private var main: String {
    """
    compatibility_level = 3.6
    queue_directory = \(path)/spool
    data_directory = \(path)/data
    command_directory = /usr/sbin
    daemon_directory = /usr/lib/postfix/sbin
    meta_directory = /etc/postfix
    shlib_directory = /usr/lib/postfix
    mail_owner = postfix
    setgid_group = postdrop
    maillog_file = \(path)/log/mail.log
    maillog_file_prefixes = \(path)
    myhostname = mx1.sender.example
    mydestination =
    alias_maps =
    alias_database =
    local_recipient_maps =
    local_transport = error:none
    inet_interfaces = 127.0.0.1
    inet_protocols = ipv4
    smtp_host_lookup = dns
    enable_long_queue_ids = yes
    queue_run_delay = 1h
    minimal_backoff_time = 1h
    maximal_backoff_time = 2h
    notify_classes =
    smtp_tls_security_level = verify
    smtp_tls_CAfile = \(path)/pki/ca.crt
    smtp_tls_cert_file = \(path)/pki/client.crt
    smtp_tls_key_file = \(path)/pki/client.key
    smtp_tls_mandatory_protocols = >=TLSv1.2
    smtp_tls_mandatory_ciphers = high
    tls_high_cipherlist = HIGH:!aNULL:!AES128-SHA256
    smtp_tls_policy_maps = texthash:/etc/postfix/tls_policy
    transport_maps = texthash:/etc/postfix/transport

    """
  }

  private var master: String {
    """
    postlog unix-dgram n - n - 1 postlogd
    pickup unix n - n 60 1 pickup
    cleanup unix n - n - 0 cleanup
    qmgr unix n - n 300 1 qmgr
    tlsmgr unix - - n 1000? 1 tlsmgr
    rewrite unix - - n - - trivial-rewrite
    bounce unix - - n - 0 bounce
    defer unix - - n - 0 bounce
    trace unix - - n - 0 bounce
    flush unix n - n 1000? 0 flush
    proxymap unix - - n - - proxymap
    smtp unix - - n - - smtp -o smtp_helo_timeout=20s -o { smtp_mail_timeout = 30s }
    showq unix n - n - - showq
    error unix - - n - - error
    retry unix - - n - - error
    scache unix - - n - 1 scache

    """
  }

  /// What the operator had before.
  private var policies: String { "kept.example encrypt\ndemanding.example none\n" }
  private var transports: String { "routed.example smtp:[mx.smart.example]:25\n" }

  /// Runs commands as a shell would that an operator typed them into; what fails ends it.
  @discardableResult
  func shell(_ commands: String) throws -> String {
    let told = try runToEnd(
      "/usr/bin/nsenter",
      [
        "-t", "\(holder.processIdentifier)", "-n", "-m", "/bin/bash", "-e", "-o", "pipefail", "-c",
        commands,
      ],
      scratch: path
    )
    return String(decoding: told, as: UTF8.self)
  }

  /// Hands one message per recipient over.
  func submit(to recipients: [String]) throws {
    try shell(
      recipients.map { "echo hello | sendmail -f ann@sender.example \($0)" }.joined(separator: "\n")
    )
  }

  var log: String { (try? String(contentsOfFile: path + "/log/mail.log", encoding: .utf8)) ?? "" }

  /// Result lines per domain.
  func results(_ status: String) -> [String: Int] {
    var counts: [String: Int] = [:]
    for line in log.split(separator: "\n") where line.contains(" status=\(status) ") {
      guard let domain = line.firstMatch(of: /to=<[^@>]*@([^>]*)>/)?.1 else { continue }
      counts[String(domain), default: 0] += 1
    }
    return counts
  }

  /// What the receivers took, in their own words: the TLS version, or nil for mail in clear.
  var accepted: [(domain: String, tls: String?)] {
    struct Mail: Decodable {
      var domain: String
      var tls: String?
    }
    let text = (try? String(contentsOfFile: path + "/accepted.jsonl", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap {
      guard let mail = try? JSONDecoder().decode(Mail.self, from: Data($0.utf8)) else { return nil }
      return (mail.domain, mail.tls)
    }
  }

  var queue: [QueuedMessage] {
    Postfix().readQueue(directory: path + "/spool", now: Timestamp(seconds: 0)).messages
  }

  func wait(_ what: String, seconds: Double = 60, until holds: () throws -> Bool) throws {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if try holds() { return }
      usleep(200_000)
    }
    throw LiveFailure("waited in vain for \(what); the log ends: \(log.suffix(3000))")
  }
}
