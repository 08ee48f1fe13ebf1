import MailModel

/// The order in which the file system lists a spool's `-H` files: a queue run starts from it.
///
/// A copy (unpacked from an archive, or made by `cp -a`) lies in a directory of its own with another
/// order, but its files were written in the order in which the original was listed.
struct EximDirectoryOrder {
  private struct File {
    var queueID: String
    var modified: Timestamp
    var changed: Timestamp
    var inode: UInt64
  }

  private var files: [File] = []

  /// Adds the file that the directory lists next.
  mutating func append(_ queueID: String, _ file: BoundedFile) {
    files.append(
      File(
        queueID: queueID,
        modified: file.modified,
        changed: file.changed,
        inode: file.inode
      )
    )
  }

  /// Each message's place.
  var places: [String: Int] {
    let ordered = isCopy ? files.sorted { ($0.changed, $0.inode) < ($1.changed, $1.inode) } : files
    return Dictionary(
      ordered.enumerated().map { ($1.queueID, $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// Exim never touches a file's times: where all were made after the last of them was written, they
  /// were made in one go.
  private var isCopy: Bool {
    guard files.count > 1, let made = files.map(\.changed).min(),
      let written = files.map(\.modified).max()
    else { return false }
    return made > written
  }
}
