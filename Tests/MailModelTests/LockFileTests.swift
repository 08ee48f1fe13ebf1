import Foundation
import MailModel
import Testing

/// One holder at a time, and nothing left behind.
struct LockFileTests {
  private let path = NSTemporaryDirectory() + "lock-" + UUID().uuidString

  /// Whether the lock can be had within `waitSeconds`; lets go of it at once.
  private func failure(waitSeconds: Double = 0) -> LockFile.Failure? {
    do throws(LockFile.Failure) {
      _ = try LockFile(path: path, waitSeconds: waitSeconds)
      return nil
    } catch {
      return error
    }
  }

  @Test func `one holds it at a time, and the next one when it is let go`() throws {
    defer { unlink(path) }
    do {
      let held = try LockFile(path: path, waitSeconds: 0)
      #expect(failure() == .kept)
      #expect(failure(waitSeconds: 0.1) == .kept)
      _ = consume held
    }
    #expect(failure() == nil)
  }

  @Test func `who waits gets it as soon as it comes free`() {
    defer { unlink(path) }
    let holder = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    #expect(flock(holder, LOCK_EX) == 0)
    // A thread of its own: tests may keep all of the pool's.
    Thread.detachNewThread {
      usleep(100_000)
      close(holder)
    }
    #expect(failure(waitSeconds: 60) == nil)
  }

  @Test func `the file is its owner's alone`() throws {
    defer { unlink(path) }
    #expect(failure() == nil)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
  }

  @Test func `a link is not followed, whatever it leads to`() throws {
    defer { unlink(path) }
    #expect(symlink(path + "-elsewhere", path) == 0)
    #expect(failure() == .cannotOpen(ELOOP))
    #expect(access(path + "-elsewhere", F_OK) != 0)
  }

  @Test func `where no file can be made the reason is told`() {
    do throws(LockFile.Failure) {
      _ = try LockFile(path: path + "/missing/lock", waitSeconds: 0)
      Issue.record("a lock was held below a directory that is not there")
    } catch {
      #expect(error == .cannotOpen(ENOENT))
    }
  }
}
