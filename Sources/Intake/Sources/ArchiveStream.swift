import CArchive
import Glibc

/// bzip2 and lz4, and tar (packed or not) or zip archives of logs, through libarchive. Each filter and format
/// is enabled by name: `archive_read_support_filter_all` would run programs chosen by content.
final class ArchiveStream: ByteStream {
  private let archive: OpaquePointer?
  private let file: OpenFile
  private let isSingle: Bool
  private var isFinished = false
  /// What is left of the block that libarchive lent; good until its next call.
  private var block = UnsafeRawBufferPointer(start: nil, count: 0)
  private var pending: ReadFailure?
  private var produced: Int64 = 0
  /// When the present member was last written to, in nanoseconds; nil where the archive does not say.
  private(set) var memberModified: Int64?

  /// An archive (`isSingle` false: tar, zip) or one compressed file.
  init(_ file: OpenFile, isSingle: Bool) throws(ReadFailure) {
    self.file = file
    self.isSingle = isSingle
    archive = archive_read_new()
    guard let archive else {
      throw ReadFailure(offset: nil, reason: "no memory for the archive", isDamage: false)
    }
    for enable in [
      archive_read_support_filter_bzip2, archive_read_support_filter_xz,
      archive_read_support_filter_zstd, archive_read_support_filter_lz4,
      archive_read_support_filter_gzip,
    ] { _ = enable(archive) }
    if isSingle {
      archive_read_support_format_raw(archive)
      archive_read_support_format_empty(archive)
    } else {
      archive_read_support_format_tar(archive)
      archive_read_support_format_gnutar(archive)
      archive_read_support_format_zip_streamable(archive)
    }
    guard archive_read_open_fd(archive, file.descriptor, 1 << 17) == ARCHIVE_OK else {
      throw failure()
    }
    if isSingle {
      var entry: OpaquePointer?
      let code = archive_read_next_header(archive, &entry)
      if code == ARCHIVE_EOF { isFinished = true } else if code < ARCHIVE_WARN { throw failure() }
    }
  }

  deinit { archive_read_free(archive) }

  /// By the file's position: libarchive's own count lags behind by a block with some filters (lz4).
  var storedBytesRead: Int64 {
    let position = lseek(file.descriptor, 0, SEEK_CUR)
    return position >= 0 ? Int64(position) : archive_filter_bytes(archive, -1)
  }

  func nextMember() throws(ReadFailure) -> String? {
    guard !isSingle else { return nil }
    while true {
      var entry: OpaquePointer?
      let code = archive_read_next_header(archive, &entry)
      if code == ARCHIVE_EOF { return nil }
      guard code >= ARCHIVE_WARN else { throw failure() }
      guard archive_entry_filetype(entry) & S_IFMT == S_IFREG else { continue }
      produced = 0
      isFinished = false
      block = UnsafeRawBufferPointer(start: nil, count: 0)
      let seconds = archive_entry_mtime(entry)
      memberModified =
        (1..<(1 << 33)).contains(seconds) ? Int64(seconds) * 1_000_000_000 : nil
      return archive_entry_pathname(entry).map { String(cString: $0) } ?? "member"
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    if let pending {
      self.pending = nil
      throw pending
    }
    guard !isFinished, buffer.count > 0 else { return 0 }
    // Block by block: `archive_read_data` drops what it gathered before a fault.
    while block.isEmpty {
      var start: UnsafeRawPointer?
      var count = 0
      var offset: la_int64_t = 0
      let code = archive_read_data_block(archive, &start, &count, &offset)
      if code == ARCHIVE_EOF {
        isFinished = true
        if let left = behindTheEnd() { throw left }
        return 0
      }
      guard code >= ARCHIVE_WARN else {
        isFinished = true
        throw failure()
      }
      block = UnsafeRawBufferPointer(start: start, count: count)
    }
    let given = min(block.count, buffer.count)
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[..<given]))
    block = UnsafeRawBufferPointer(rebasing: block[given...])
    produced += Int64(given)
    if produced > 1 << 20, produced / UnpackedStream.largestRatio > max(storedBytesRead, 1) {
      isFinished = true
      pending = ReadFailure(
        offset: storedBytesRead,
        reason: "it grows more than a thousandfold when unpacked",
        isDamage: true
      )
    }
    return given
  }

  /// What stands behind the packed data of a single file and is none: libarchive passes over it.
  private func behindTheEnd() -> ReadFailure? {
    guard isSingle else { return nil }
    let end = Int64(archive_filter_bytes(archive, -1))
    let rest = file.bytes(at: end, count: Int(min(max(file.identity.size - end, 0), 1 << 16)))
    // Zeros are padding.
    guard rest.contains(where: { $0 != 0 }) else { return nil }
    return ReadFailure(
      offset: end,
      reason: "what stands behind the end of the packed data is none",
      isDamage: true
    )
  }

  var isPacked: Bool { true }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: produced, to: offset)
  }

  private func failure() -> ReadFailure {
    var text = archive_error_string(archive).map { String(cString: $0) } ?? "damaged archive"
    if text.contains("assphrase") { text = "it is encrypted: unpack it first" }
    return ReadFailure(offset: storedBytesRead, reason: text, isDamage: true)
  }
}
