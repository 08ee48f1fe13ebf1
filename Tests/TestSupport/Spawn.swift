import Foundation

/// Runs a program to its end, with no input; its exit status and what it wrote, errors included. Not by
/// `Process`, which waits until every daemon that the program leaves behind has ended.
///
/// Throws ``SpawnFailure`` where it cannot be started.
package func runToEnd(_ program: String, _ arguments: [String]) throws -> (
  status: Int32, output: String
) {
  let output = NSTemporaryDirectory() + "output-" + UUID().uuidString
  defer { unlink(output) }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
  posix_spawn_file_actions_adddup2(&actions, 1, 2)
  // The threads that run tests block signals, and a child would go on blocking them.
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var none = sigset_t()
  sigemptyset(&none)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
  var words = ([program] + arguments).map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var child: pid_t = 0
  guard posix_spawn(&child, program, &actions, &attributes, &words, environ) == 0 else {
    throw SpawnFailure(program: program)
  }
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 && errno == EINTR {}
  let told = (try? Data(contentsOf: URL(fileURLWithPath: output))) ?? Data()
  // Ended by a signal: no status below 256 says that.
  let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 256 + (status & 0x7f)
  return (code, String(decoding: told, as: UTF8.self))
}

/// A program that cannot be started.
package struct SpawnFailure: Error, CustomStringConvertible {
  package var program: String
  package var description: String { "\(program) cannot be started" }
}
