import Glibc
import MailModel
import Store

/// `journalctl -o json --all`, running, with its output to read.
final class JournalPipe {
  let file: OpenFile
  private let process: pid_t
  /// What it says of what it cannot read.
  private let complaints: OpenFile

  /// What the path of a journal begins with.
  static let prefix = "journal:"

  /// The cursor as the store keeps it, beside what the dialects remember.
  static func carried(cursor: String, of path: String) -> CarriedDialect {
    CarriedDialect(server: MailServerID("journal"), host: path, state: Array(cursor.utf8))
  }

  /// Starts it on this machine's journal, or on the journal file or directory at `path`; nil where it
  /// cannot be started. With a cursor it begins behind that entry.
  init?(path: String? = nil, after cursor: String? = nil) {
    guard let ends = JournalPipe.pipe() else { return nil }
    guard let errors = JournalPipe.pipe() else {
      for end in ends { close(end) }
      return nil
    }
    // Nobody reads it before the end: what it does not hold is lost, and never waited for.
    _ = fcntl(errors[1], F_SETFL, O_NONBLOCK)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, errors[1], 2)
    var words = ["journalctl", "--output=json", "--all", "--no-pager", "--quiet"]
    if let path { words.append(JournalPipe.option(path)) }
    if let cursor { words.append("--after-cursor=" + cursor) }
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var child = pid_t()
    let status = posix_spawnp(&child, "journalctl", &actions, nil, &arguments, environ)
    close(ends[1])
    close(errors[1])
    guard status == 0 else {
      close(ends[0])
      close(errors[0])
      return nil
    }
    process = child
    file = OpenFile(descriptor: ends[0], path: "journal:")
    complaints = OpenFile(descriptor: errors[0], path: "journal:")
  }

  private static func pipe() -> [Int32]? {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return ends
  }

  /// The option that names a journal kept elsewhere.
  private static func option(_ path: String) -> String {
    var status = stat()
    let isDirectory = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    return (isDirectory ? "--directory=" : "--file=") + path
  }

  /// Waits for its end, and gives what it could not read. What was not read from it is read first, or a
  /// full pipe would keep it waiting for ever.
  func finish(path: String) -> [InputTrouble] {
    let rest = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { rest.deallocate() }
    while let count = try? file.read(into: rest), count > 0 {}
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    let count = (try? complaints.read(into: rest)) ?? 0
    let said = String(decoding: rest[..<count], as: UTF8.self).split(separator: "\n")
    var troubles = said.prefix(JournalPipe.mostComplaints).map { line in
      InputTrouble(
        JournalPipe.kind(of: line),
        path: path,
        "journalctl: " + OutsideText(String(line)).terminal(limit: 300)
      )
    }
    let code = (status >> 8) & 0xff
    if status != 0, troubles.isEmpty {
      let reason = "journalctl ended with status \(code)"
      troubles.append(InputTrouble(.inputOutput, path: path, reason))
    }
    return troubles
  }

  private static let mostComplaints = 20

  /// `Journal file FILE corrupted, ignoring file.`, `Failed to open files: Bad message`
  private static func kind(of complaint: Substring) -> InputTrouble.Kind {
    for word in ["Permission denied", "Operation not permitted"] where complaint.contains(word) {
      return .permission
    }
    for word in ["orrupted", "truncated", "unsupported", "Bad message"]
    where complaint.contains(word) {
      return .content
    }
    return .inputOutput
  }
}
