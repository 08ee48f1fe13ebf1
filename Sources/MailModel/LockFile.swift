import Glibc

/// A file by whose lock runs of this program take turns. Who holds it has it until the value is gone or
/// the process ends, however it does: no lock is left behind.
package struct LockFile: ~Copyable, Sendable {
  /// Why the lock is not held.
  package enum Failure: Error, Hashable, Sendable {
    /// Somebody else kept it all the time.
    case kept
    /// The file cannot be opened or made: the `errno`.
    case cannotOpen(Int32)
  }

  /// The open file, for reading and writing.
  package let descriptor: Int32

  /// Between two tries: the system tells of a lock that comes free only to who waits without an end.
  private static let pauseMicroseconds: UInt32 = 20_000

  /// Takes the lock on the file at `path`, which is made where it is missing (mode 0600, no link is
  /// followed), and waits for it `waitSeconds` at most.
  package init(path: String, waitSeconds: Double) throws(Failure) {
    let opened = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
    guard opened >= 0 else { throw .cannotOpen(errno) }
    let end = ContinuousClock.now + .seconds(waitSeconds)
    while flock(opened, LOCK_EX | LOCK_NB) != 0 {
      guard ContinuousClock.now < end else {
        close(opened)
        throw .kept
      }
      usleep(LockFile.pauseMicroseconds)
    }
    descriptor = opened
  }

  deinit { close(descriptor) }
}
