import Glibc
import MailModel
import Store

/// `journalctl -o json --all`, running, with its output to read.
final class JournalPipe {
  let file: OpenFile
  private let process: pid_t

  /// What the path of a journal begins with.
  static let prefix = "journal:"

  /// The cursor as the store keeps it, beside what the dialects remember.
  static func carried(cursor: String, of path: String) -> CarriedDialect {
    CarriedDialect(server: MailServerID("journal"), host: path, state: Array(cursor.utf8))
  }

  /// Starts it on this machine's journal, or on the journal file or directory at `path`; nil where it
  /// cannot be started. With a cursor it begins behind that entry.
  init?(path: String? = nil, after cursor: String? = nil) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    var words = ["journalctl", "--output=json", "--all", "--no-pager", "--quiet"]
    if let path { words.append(JournalPipe.option(path)) }
    if let cursor { words.append("--after-cursor=" + cursor) }
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var child = pid_t()
    let status = posix_spawnp(&child, "journalctl", &actions, nil, &arguments, environ)
    close(ends[1])
    guard status == 0 else {
      close(ends[0])
      return nil
    }
    process = child
    file = OpenFile(descriptor: ends[0], path: "journal:")
  }

  /// The option that names a journal kept elsewhere.
  private static func option(_ path: String) -> String {
    var status = stat()
    let isDirectory = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    return (isDirectory ? "--directory=" : "--file=") + path
  }

  /// Waits for its end; a complaint where it failed. What was not read is read first, or a full pipe
  /// would keep it waiting for ever.
  func finish() -> String? {
    let rest = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { rest.deallocate() }
    while let count = try? file.read(into: rest), count > 0 {}
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    let code = (status >> 8) & 0xff
    return status == 0 ? nil : "journalctl ended with status \(code)"
  }
}
