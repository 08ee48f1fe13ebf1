import CArchive
import Glibc

/// bzip2, xz, zstd, lz4, and tar or zip archives of logs, through libarchive. Each filter and format
/// is enabled by name: `archive_read_support_filter_all` would run programs chosen by content.
final class ArchiveStream: ByteStream {
  private let archive: OpaquePointer?
  private let file: OpenFile
  private let isSingle: Bool
  private var isFinished = false
  private var produced: Int64 = 0

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

  var storedBytesRead: Int64 { archive_filter_bytes(archive, -1) }

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
      return archive_entry_pathname(entry).map { String(cString: $0) } ?? "member"
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    guard !isFinished else { return 0 }
    let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
    guard count >= 0 else {
      isFinished = true
      throw failure()
    }
    produced += Int64(count)
    if produced > 1 << 20, produced / GzipStream.largestRatio > max(storedBytesRead, 1) {
      isFinished = true
      throw ReadFailure(
        offset: storedBytesRead,
        reason: "it grows more than a thousandfold when unpacked",
        isDamage: true
      )
    }
    return count
  }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: produced, to: offset)
  }

  private func failure() -> ReadFailure {
    let text = archive_error_string(archive).map { String(cString: $0) } ?? "damaged archive"
    return ReadFailure(offset: storedBytesRead, reason: text, isDamage: true)
  }
}
