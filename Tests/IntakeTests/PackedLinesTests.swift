import Foundation
import Intake
import Testing

/// Evidence in packed logs is read back.
struct PackedLinesTests {
  private let path = NSTemporaryDirectory() + "packed-\(UUID().uuidString)"

  /// Writes text to ``path`` and, packed, beside it.
  private func pack(_ text: String, by program: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", "\(program) -c < '\(path)' > '\(path).packed'"]
    try shell.run()
    shell.waitUntilExit()
    try #require(shell.terminationStatus == 0)
  }

  /// Where one block ends and the next begins, a line may begin too.
  @Test(arguments: ["gzip", "bzip2", "xz", "zstd"])
  func `a line at the beginning of any block is found, and no middle of one`(
    _ program: String
  ) throws {
    defer { for name in [path, path + ".packed"] { unlink(name) } }
    // 64 bytes each, so that blocks of any power of two begin with one.
    let lines = (0..<20_000).map {
      String($0) + String(repeating: "x", count: 63 - "\($0)".utf8.count)
    }
    try pack(lines.joined(separator: "\n") + "\n", by: program)
    let wanted = (1..<5).map { $0 << 12 }
    let found = PackedLines.lines(path: path + ".packed", at: wanted.map { Int64($0 << 6) })
    #expect(
      found == Dictionary(uniqueKeysWithValues: wanted.map { (Int64($0 << 6), lines[$0]) })
    )
    // One byte further on there they are the middle of a line.
    try pack("\n" + lines.joined(separator: "\n") + "\n", by: program)
    #expect(
      PackedLines.lines(path: path + ".packed", at: wanted.map { Int64($0 << 6) }).isEmpty
    )
  }

  @Test(arguments: ["gzip", "bzip2", "xz", "zstd"])
  func `lines come back by their offset in the unpacked content`(_ program: String) throws {
    defer { for name in [path, path + ".packed"] { unlink(name) } }
    let lines = (0..<40_000).map { "line \($0) " + String(repeating: "x", count: $0 % 97) }
    var offsets: [Int64] = [0]
    for line in lines { offsets.append((offsets.last ?? 0) + Int64(line.utf8.count) + 1) }
    try pack(lines.joined(separator: "\n") + "\n", by: program)
    let wanted = [0, 1, 7, 12_345, 12_346, 39_999]
    let found = PackedLines.lines(
      path: path + ".packed",
      at: wanted.map { offsets[$0] }.reversed() + [offsets[500] + 3, offsets[40_000] + 9, -4]
    )
    #expect(found == Dictionary(uniqueKeysWithValues: wanted.map { (offsets[$0], lines[$0]) }))
    // A plain file is read by its offset, not here.
    #expect(PackedLines.lines(path: path, at: [0]).isEmpty)
    #expect(PackedLines.lines(path: path + ".gone", at: [0]).isEmpty)
  }
}
