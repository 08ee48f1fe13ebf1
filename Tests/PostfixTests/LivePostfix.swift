import Foundation
import MailModel
import TestSupport
import Testing

/// Debian's Postfix with directories of its own, on loopback, sending into smtp-sink(1) receivers.
/// Needs root: master(8) refuses anything else.
final class LivePostfix {
  let path: String
  let port: UInt16
  /// Takes mail.
  let goodPort: UInt16
  /// Answers every RCPT with 450.
  let deferringPort: UInt16
  private var sinks: [Process] = []
  private var isRunning = false

  static var canRun: Bool {
    getuid() == 0 && access("/usr/sbin/postfix", X_OK) == 0
      && access("/usr/sbin/smtp-sink", X_OK) == 0
  }

  var queue: String { path + "/spool" }
  var log: String { path + "/log/mail.log" }
  var configuration: String { path + "/etc" }

  init() throws {
    // Postfix's sockets lie in its queue directory, and their names are bounded.
    path = "/tmp/pf" + UUID().uuidString.prefix(8)
    port = try LivePostfix.freePort()
    goodPort = try LivePostfix.freePort()
    deferringPort = try LivePostfix.freePort()
    for name in ["etc", "spool", "data", "log"] {
      try FileManager.default.createDirectory(
        atPath: path + "/" + name,
        withIntermediateDirectories: true
      )
    }
    guard let owner = getpwnam("postfix") else { throw LiveFailure("no user postfix") }
    chown(path + "/data", owner.pointee.pw_uid, 0)
    try mainConfiguration.write(
      toFile: configuration + "/main.cf",
      atomically: true,
      encoding: .utf8
    )
    try masterConfiguration.write(
      toFile: configuration + "/master.cf",
      atomically: true,
      encoding: .utf8
    )
  }

  deinit {
    if isRunning { try? control("abort") }
    for sink in sinks { end(sink) }
    try? FileManager.default.removeItem(atPath: path)
  }

  private var mainConfiguration: String {
    PostfixFiles.main(
      root: path,
      """
      syslog_name = outbound
      mynetworks = 127.0.0.0/8
      smtpd_relay_restrictions = permit_mynetworks, reject
      smtpd_peername_lookup = no
      disable_dns_lookups = yes
      smtp_host_lookup = native
      transport_maps = inline:{
        {good.example = smtp:[127.0.0.1]:\(goodPort)}
        {later.example = smtp:[127.0.0.1]:\(deferringPort)}
        {gone.example = smtp:[127.0.0.1]:1} }
      queue_run_delay = 1s
      minimal_backoff_time = 1s
      maximal_backoff_time = 2s
      transport_retry_time = 1s
      default_process_limit = 20
      """
    )
  }

  private var masterConfiguration: String {
    PostfixFiles.master(
      """
      127.0.0.1:\(port) inet n - n - - smtpd
      smtp unix - - n - - smtp
      """
    )
  }

  /// Starts the receivers and Postfix.
  func start() throws {
    try sink(goodPort, ["-w", "1"])
    try sink(deferringPort, ["-r", "RCPT"])
    try control("start")
    isRunning = true
    try wait("the server to listen") { LivePostfix.listens(port) }
  }

  /// Stops Postfix; its queue stays as it is.
  func stop() throws {
    try control("stop")
    isRunning = false
  }

  /// From now on what was deferred is taken.
  func recover() throws {
    guard let deferring = sinks.popLast() else { throw LiveFailure("no receiver") }
    end(deferring)
    try sink(deferringPort, [])
  }

  /// `postqueue -f`: all of it is tried now.
  func flush() throws {
    try run("/usr/sbin/postqueue", ["-c", configuration, "-f"])
  }

  /// Hands `count` messages over.
  func submit(
    _ count: Int,
    to recipient: String,
    from sender: String = "ann@sender.example",
    bytes: Int = 3000
  ) throws {
    try run(
      "/usr/sbin/smtp-source",
      [
        "-m", String(count), "-s", "2", "-l", String(bytes), "-f", sender, "-t", recipient,
        "127.0.0.1:\(port)",
      ]
    )
  }

  /// `postqueue -j`, without the warning that a stopped server adds.
  func listing() throws -> [UInt8] {
    let told = try run("/usr/sbin/postqueue", ["-c", configuration, "-j"])
    return told.split(separator: 0x0a).filter { $0.first == UInt8(ascii: "{") }
      .flatMap { Array($0) + [0x0a] }
  }

  /// Queue ids in the directories now, as names alone tell.
  var listed: Set<String> {
    var ids: Set<String> = []
    for directory in ["incoming", "active", "deferred"] {
      guard let walker = FileManager.default.enumerator(atPath: queue + "/" + directory) else {
        continue
      }
      for case let name as String in walker {
        let id = (name as NSString).lastPathComponent
        if id.utf8.count > 10 { ids.insert(id) }
      }
    }
    return ids
  }

  /// Every file of the queue with its size, mode, owner and stamps.
  var tree: [String] {
    get throws {
      try FileManager.default.subpathsOfDirectory(atPath: queue).sorted().map { name in
        var status = stat()
        lstat(queue + "/" + name, &status)
        return "\(name) \(status.st_ino) \(status.st_mode) \(status.st_uid) \(status.st_size) "
          + "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) "
          + "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
      }
    }
  }

  /// Waits until something holds; where it never does, the failure tells how the log ends.
  func wait(_ what: String, seconds: Double = 60, until holds: () throws -> Bool) throws {
    try waitUntil(what, seconds: seconds, log: log, holds)
  }

  private func control(_ word: String) throws {
    try run("/usr/sbin/postfix", ["-c", configuration, word])
  }

  /// smtp-sink(1) does not heed SIGTERM.
  private func end(_ sink: Process) {
    guard sink.isRunning else { return }
    kill(sink.processIdentifier, SIGKILL)
    sink.waitUntilExit()
  }

  private func sink(_ port: UInt16, _ options: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/sbin/smtp-sink")
    process.arguments = ["-u", "nobody"] + options + ["127.0.0.1:\(port)", "100"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    sinks.append(process)
    try wait("a receiver") {
      guard process.isRunning else {
        throw LiveFailure("smtp-sink ended with status \(process.terminationStatus)")
      }
      return LivePostfix.listens(port)
    }
  }

  /// Runs a program to its end and gives its output.
  @discardableResult
  func run(_ program: String, _ arguments: [String]) throws -> Data {
    let told = try runToEnd(program, arguments)
    guard told.status == 0 else {
      throw LiveFailure(
        "\(program) \(arguments.joined(separator: " ")): status \(told.status): "
          + told.output.suffix(1000)
      )
    }
    return Data(told.output.utf8)
  }

  private static func listens(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    return withLoopback(port) { connect(descriptor, $0, $1) } == 0
  }

  private static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    guard withLoopback(0, { bind(descriptor, $0, $1) }) == 0 else { throw LiveFailure("no port") }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard status == 0 else { throw LiveFailure("no port") }
    return UInt16(bigEndian: address.sin_port)
  }

  private static func withLoopback(
    _ port: UInt16,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
