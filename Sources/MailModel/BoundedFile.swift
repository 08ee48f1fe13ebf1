import Glibc

/// A small file read whole: without blocking, without following a link, bounded, and only if it is a
/// regular file. What queue readers and configuration readers open.
package struct BoundedFile: Sendable {
  package let bytes: [UInt8]
  /// Permission bits and type.
  package let mode: UInt32
  package let modified: Timestamp
  package let changed: Timestamp
  package let inode: UInt64
  /// Bytes of the file, which may be more than were read.
  package let size: Int

  /// Why a file was not read.
  package enum Failure: Error, Hashable, Sendable {
    /// Gone, which is normal in a live queue.
    case vanished
    case permission
    case notRegular
    case failed(String)

    /// For a person.
    package var reason: String {
      switch self {
      case .vanished: "no such file or directory"
      case .permission: "no permission to read it"
      case .notRegular: "not a regular file"
      case .failed(let text): text
      }
    }
  }

  /// Reads at most `limit` bytes of the file at `path`.
  package init(path: String, limit: Int) throws(Failure) {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw BoundedFile.failure(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw BoundedFile.failure(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    mode = UInt32(status.st_mode)
    size = Int(status.st_size)
    inode = UInt64(status.st_ino)
    modified = Timestamp(
      microseconds: Int64(status.st_mtim.tv_sec) &* 1_000_000
        &+ Int64(status.st_mtim.tv_nsec) / 1000
    )
    changed = Timestamp(
      microseconds: Int64(status.st_ctim.tv_sec) &* 1_000_000
        &+ Int64(status.st_ctim.tv_nsec) / 1000
    )
    let wanted = min(max(size, 0), limit)
    var code: Int32 = 0
    bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
      filled = 0
      while filled < wanted, let base = buffer.baseAddress {
        let got = read(descriptor, base + filled, wanted - filled)
        if got < 0, errno == EINTR { continue }
        if got < 0 { code = errno }
        if got <= 0 { break }
        filled += got
      }
    }
    if code != 0 { throw .failed(String(cString: strerror(code))) }
  }

  /// Reads `count` bytes at an offset of a regular file; fewer where it ends.
  package static func bytes(path: String, from offset: Int64, count: Int) throws(Failure) -> [UInt8]
  {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
    }
  }

  private static func failure(_ code: Int32) -> Failure {
    switch code {
    case ENOENT, ENOTDIR: .vanished
    case EACCES, EPERM: .permission
    case ELOOP, ENXIO: .notRegular
    default: .failed(String(cString: strerror(code)))
    }
  }

  /// The names in a directory, sorted.
  package static func entries(of directory: String) throws(Failure) -> [String] {
    try entriesAsListed(directory).sorted()
  }

  /// The names in a directory in the order in which the file system lists them.
  package static func entriesAsListed(_ directory: String) throws(Failure) -> [String] {
    guard let handle = opendir(directory) else { throw failure(errno) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle), names.count < 1_000_000 {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Bytes of a regular file, unread; nil where there is none, links not followed.
  package static func size(of path: String) -> Int? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// Whether a path is a directory, links not followed.
  package static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The file of that name in a directory or at most two levels below it, links not followed.
  package static func find(_ name: String, below directory: String, depth: Int = 2) -> String? {
    guard !name.contains("/"), let entries = try? entries(of: directory) else { return nil }
    if entries.contains(name) { return directory + "/" + name }
    guard depth > 0 else { return nil }
    for entry in entries where isDirectory(directory + "/" + entry) {
      if let path = find(name, below: directory + "/" + entry, depth: depth - 1) { return path }
    }
    return nil
  }
}
