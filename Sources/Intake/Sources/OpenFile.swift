import Glibc
import MailModel

/// A file as it is on disk at one moment.
struct FileIdentity: Hashable, Sendable {
  var device: Int64
  var inode: Int64
  var size: Int64
  /// Nanoseconds since the epoch.
  var modified: Int64
}

/// Why a file could not be opened, with what the exit status needs to know.
struct OpenFailure: Error {
  enum Kind {
    case missing
    case permission
    case notRegular
    case inputOutput
  }

  var kind: Kind
  var reason: String
}

/// An open input: never blocks on a FIFO, never follows a link that the caller has not resolved,
/// never inherited by a child.
final class OpenFile {
  let descriptor: Int32
  let path: String
  /// What was read for a look, and is read once more.
  private var returned: ArraySlice<UInt8> = []

  /// Opens the regular file at `path`.
  init(path: String) throws(OpenFailure) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw OpenFile.failure(errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw OpenFile.failure(code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw OpenFailure(kind: .notRegular, reason: "not a regular file")
    }
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  /// Takes over a descriptor that is open already (standard input, a FIFO named by the operator).
  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Copies what `stream` gives into a file without a name, under `TMPDIR` or `/var/tmp`, and opens it at
  /// its start.
  init(copying stream: some ByteStream, path: String) throws(ReadFailure) {
    self.path = path
    let place = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
    var name = Array("\(place)/mailtriage-XXXXXX".utf8CString)
    descriptor = mkstemp(&name)
    guard descriptor >= 0 else { throw OpenFile.copyFailure(place) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unlink(name)
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
    defer { chunk.deallocate() }
    while true {
      let count = try stream.read(into: chunk)
      if count == 0 { break }
      var at = 0
      while at < count, let base = chunk.baseAddress {
        let written = write(descriptor, base + at, count - at)
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { throw OpenFile.copyFailure(place) }
        at += written
      }
    }
    seek(to: 0)
  }

  private static func copyFailure(_ place: String) -> ReadFailure {
    ReadFailure(
      offset: nil,
      reason: "packed data cannot be held in \(place): \(String(cString: strerror(errno)))",
      isDamage: false
    )
  }

  deinit { if descriptor > 2 { close(descriptor) } }

  /// The file as it is now.
  var identity: FileIdentity {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      return FileIdentity(device: 0, inode: 0, size: 0, modified: 0)
    }
    return FileIdentity(
      device: Int64(truncatingIfNeeded: status.st_dev),
      inode: Int64(truncatingIfNeeded: status.st_ino),
      size: Int64(status.st_size),
      modified: Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
    )
  }

  /// Puts the bytes that a pipe gave first back in front of the rest.
  func putBack(_ bytes: [UInt8]) { returned = bytes[...] }

  /// Reads at the file's position; 0 is the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    if !returned.isEmpty {
      let count = min(buffer.count, returned.count)
      buffer.copyBytes(from: returned.prefix(count))
      returned = returned.dropFirst(count)
      return count
    }
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      let code = errno
      if code == EINTR { continue }
      if code == EAGAIN {
        // A FIFO or a terminal opened without blocking: wait for the writer.
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = Glibc.poll(&poll, 1, 1000)
        continue
      }
      throw ReadFailure(offset: nil, reason: String(cString: strerror(code)), isDamage: false)
    }
  }

  /// Reads up to `count` bytes at `offset`, for looks at the head and before a cursor.
  func bytes(at offset: Int64, count: Int) -> [UInt8] {
    guard count > 0, offset >= 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = 0
      while filled < count {
        guard let base = buffer.baseAddress else { return }
        let got = pread(descriptor, base + filled, count - filled, off_t(offset) + off_t(filled))
        if got <= 0 { return }
        filled += got
      }
    }
  }

  /// Moves the position. Only for regular files.
  func seek(to offset: Int64) { lseek(descriptor, off_t(offset), SEEK_SET) }

  private static func failure(_ code: Int32) -> OpenFailure {
    let reason = String(cString: strerror(code))
    switch code {
    case ENOENT, ENOTDIR: return OpenFailure(kind: .missing, reason: reason)
    case EACCES, EPERM: return OpenFailure(kind: .permission, reason: reason)
    case ELOOP: return OpenFailure(kind: .notRegular, reason: "a symbolic link")
    case ENXIO: return OpenFailure(kind: .notRegular, reason: "a socket or FIFO")
    default: return OpenFailure(kind: .inputOutput, reason: reason)
    }
  }
}

/// Reading stopped before the end.
struct ReadFailure: Error {
  /// Where, in bytes of the file as stored; nil where not known.
  var offset: Int64?
  var reason: String
  /// The content is damaged or cut short, as against the device failing.
  var isDamage: Bool
}
