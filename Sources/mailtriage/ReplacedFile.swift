import Glibc

/// A file that readers see whole or not at all: written beside its place and renamed into it. A link is
/// followed, and what is no file, such as a FIFO or a terminal, is written to as it stands.
struct ReplacedFile {
  var path: String

  init(_ path: String) { self.path = path }

  /// Throws ``Refusal``.
  func write(_ text: String) throws {
    let place = resolved
    var status = stat()
    let exists = lstat(place, &status) == 0
    if exists, status.st_mode & S_IFMT != S_IFREG {
      // Without a reader a FIFO would be waited for.
      let descriptor = open(place, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure(.cannotCreate) }
      _ = fcntl(descriptor, F_SETFL, 0)
      defer { close(descriptor) }
      guard writeAll(text.utf8, to: descriptor) else { throw failure(.inputOutput) }
      return
    }
    let draft = "\(place).\(getpid()).new"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure(.cannotCreate) }
    let isWritten = writeAll(text.utf8, to: descriptor)
    let refusal = failure(.inputOutput)
    close(descriptor)
    guard isWritten else {
      unlink(draft)
      throw refusal
    }
    guard rename(draft, place) == 0 else {
      let refusal = failure(.inputOutput)
      unlink(draft)
      throw refusal
    }
  }

  /// Where the path leads; itself where nothing is there yet.
  private var resolved: String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private func failure(_ status: ExitStatus) -> Refusal {
    Refusal(status, "\(path): \(String(cString: strerror(errno)))")
  }
}
