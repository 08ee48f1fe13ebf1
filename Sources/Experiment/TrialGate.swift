import Glibc
import MailModel

/// Lets one run at a time make trials of a next hop, whichever process it is in, and keeps some time
/// between two of its connections. One lock file per peer; its modification stamp is the time of the
/// last connection.
package struct TrialGate: Sendable {
  /// Where the lock files lie.
  package var directory: String
  /// Seconds from one connection to the next, at least.
  package var gap: Double

  package init(directory: String, gap: Double = 0.5) {
    self.directory = directory
    self.gap = gap
  }

  /// Waits at most so many seconds for other runs to be done with the peer; nil where they are not,
  /// or where no lock can be made.
  package func enter(peer: String, wait: Double) -> TrialTurn? {
    mkdir(directory, 0o700)
    var status = stat()
    // A directory of somebody else's could hold links into files of ours.
    guard lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
      status.st_uid == geteuid()
    else { return nil }
    let name = peer.utf8.map { byte in
      let isPlain =
        (48...57).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: ".")
      return isPlain ? String(UnicodeScalar(byte)) : "_"
    }.joined()
    let path = "\(directory)/\(name.prefix(100)).lock"
    guard let lock = try? LockFile(path: path, waitSeconds: wait) else { return nil }
    return TrialTurn(lock, gap: gap)
  }
}

/// The right to make trials of one peer, until it is let go.
package final class TrialTurn {
  private let lock: LockFile
  private let gap: Double

  fileprivate init(_ lock: consuming LockFile, gap: Double) {
    self.lock = lock
    self.gap = gap
  }

  /// Waits until the next connection may be made, and counts it.
  package func next() {
    var status = stat()
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    if fstat(lock.descriptor, &status) == 0, status.st_size > 0 {
      let last = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
      let past = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 - last
      if past >= 0, past < gap { usleep(UInt32((gap - past) * 1e6)) }
    }
    // A file that was never written to has seen no connection.
    pwrite(lock.descriptor, "\n", 1, 0)
    futimens(lock.descriptor, nil)
  }
}
