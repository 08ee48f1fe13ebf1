import Glibc

/// Tells when logs change: more lines, a rotation, a new file. Source: inotify(7).
///
/// A log is watched through its directory, so that its successor under the same name is noticed too.
/// Answers come once a second at most, however fast the log grows.
package final class FileWatch {
  /// Something that cannot be watched, in the system's words.
  package struct Failure: Error, Hashable, CustomStringConvertible {
    package var path: String
    package var description: String
  }

  /// Seconds between two answers at least.
  package static let pace = 1.0

  private static let events =
    UInt32(IN_MODIFY) | UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM)
    | UInt32(IN_DELETE) | UInt32(IN_ATTRIB) | UInt32(IN_DELETE_SELF)

  private let descriptor: Int32
  private var directories: [Int32: String] = [:]
  private var last = -FileWatch.pace

  /// Throws where the system has no watch left to give.
  package init() throws(Failure) {
    descriptor = inotify_init1(O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw Failure(path: "inotify", description: String(cString: strerror(errno)))
    }
  }

  deinit { close(descriptor) }

  /// Watches the files right in a directory.
  package func watch(directory: String) throws(Failure) {
    let watch = inotify_add_watch(descriptor, directory, FileWatch.events)
    guard watch >= 0 else {
      throw Failure(path: directory, description: String(cString: strerror(errno)))
    }
    directories[watch] = directory
  }

  /// Watches one file, whatever file bears its name.
  package func watch(file: String) throws(Failure) {
    guard let slash = file.lastIndex(of: "/") else { return try watch(directory: ".") }
    try watch(directory: slash == file.startIndex ? "/" : String(file[..<slash]))
  }

  /// Waits up to `seconds` for changes and gives the paths that changed, each once; empty where
  /// nothing did. A directory that was removed, of which events were lost, or in
  /// which a file without a proper name changed, is given itself; one that was made again must be
  /// watched again.
  package func changes(within seconds: Double) -> Set<String> {
    let end = FileWatch.clock() + max(0, seconds)
    var changed: Set<String> = []
    while changed.isEmpty {
      let left = end - FileWatch.clock()
      var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&wanted, 1, Int32(max(0, min(left, 3600)) * 1000))
      if ready < 0, errno == EINTR { return [] }
      if ready > 0 { drain(into: &changed) }
      if left <= 0 { break }
    }
    guard !changed.isEmpty else { return [] }
    // What comes until the pace allows an answer belongs to it.
    let early = last + FileWatch.pace - FileWatch.clock()
    if early > 0 {
      usleep(UInt32(early * 1_000_000))
      drain(into: &changed)
    }
    last = FileWatch.clock()
    return changed
  }

  private func drain(into changed: inout Set<String>) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let got = read(descriptor, buffer.baseAddress, buffer.count)
      guard got > 0 else { return }
      collect(UnsafeRawBufferPointer(rebasing: buffer[..<got]), into: &changed)
    }
  }

  /// Walks over the records that one `read` gave.
  private func collect(_ records: UnsafeRawBufferPointer, into changed: inout Set<String>) {
    let header = MemoryLayout<inotify_event>.size
    var at = 0
    while at + header <= records.count {
      let event = records.loadUnaligned(fromByteOffset: at, as: inotify_event.self)
      let name = records[(at + header)..<min(records.count, at + header + Int(event.len))]
      at += header + Int(event.len)
      if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
        changed.formUnion(directories.values)
        continue
      }
      guard let directory = directories[event.wd] else { continue }
      if event.mask & UInt32(IN_IGNORED) != 0 { directories[event.wd] = nil }
      // A name that is no UTF-8 cannot be said here: a walk of the directory tells of it.
      let text = String(validating: name.prefix { $0 != 0 }, as: UTF8.self) ?? ""
      changed.insert(text.isEmpty ? directory : directory + "/" + text)
    }
  }

  /// Seconds on a clock that is never set.
  private static func clock() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }
}
