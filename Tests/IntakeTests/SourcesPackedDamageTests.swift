import Foundation
import Testing

@testable import Intake

/// A small packed log, damaged at every place there is.
@Suite struct SourcesPackedDamageTests {
  private static let text: [UInt8] = Array(
    (0..<40).map { "Mar  2 09:14:0\($0 % 10) mx1 postfix/smtp[\($0 &* 7919)]: \($0)\n" }
      .joined().utf8
  )

  /// Packs the text with a program of the system; nil where it is not installed.
  private func pack(_ command: String) throws -> [UInt8]? {
    let path = NSTemporaryDirectory() + "damage-\(UUID().uuidString)"
    defer { for name in [path, path + ".packed"] { unlink(name) } }
    try Data(SourcesPackedDamageTests.text).write(to: URL(fileURLWithPath: path))
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", "\(command) -c < '\(path)' > '\(path).packed'"]
    try shell.run()
    shell.waitUntilExit()
    guard shell.terminationStatus == 0 else { return nil }
    return Array(try Data(contentsOf: URL(fileURLWithPath: path + ".packed")))
  }

  /// All that comes out of these bytes, and how it ends.
  private func unpack(_ bytes: [UInt8], at path: String) throws -> ([UInt8], ReadFailure?) {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let file = try OpenFile(path: path)
    var out: [UInt8] = []
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { room.deallocate() }
    do throws(ReadFailure) {
      let stream = try Compression(head: file.bytes(at: 0, count: 512))
        .stream(file, isSeekable: true)
      while true {
        let count = try stream.read(into: room)
        if count == 0 { return (out, nil) }
        out += room[..<count]
        // No damage makes more of it than this.
        guard out.count < 1 << 24 else { return (out, nil) }
      }
    } catch {
      return (out, error)
    }
  }

  @Test(arguments: ["gzip", "xz", "zstd -q", "bzip2", "lz4 -q"])
  func `cut anywhere it gives a beginning of the log, and says that it is one`(
    _ command: String
  ) throws {
    guard let packed = try pack(command) else { try Test.cancel("\(command) is not installed") }
    let path = NSTemporaryDirectory() + "damage-\(UUID().uuidString)"
    defer { unlink(path) }
    let whole = try unpack(packed, at: path)
    #expect(whole.0 == SourcesPackedDamageTests.text && whole.1 == nil)
    // Below that the packing cannot be told.
    for length in 14..<packed.count {
      let (out, failure) = try unpack(Array(packed[..<length]), at: path)
      #expect(SourcesPackedDamageTests.text.starts(with: out), "cut at \(length)")
      #expect(failure?.isDamage == true, "cut at \(length)")
      #expect((0...length).contains(Int(failure?.offset ?? -1)), "cut at \(length)")
    }
  }

  @Test(arguments: ["gzip", "xz", "zstd -q", "bzip2", "lz4 -q"])
  func `with any bit changed it is as it was, or is said not to be`(_ command: String) throws {
    guard let packed = try pack(command) else { try Test.cancel("\(command) is not installed") }
    let path = NSTemporaryDirectory() + "damage-\(UUID().uuidString)"
    defer { unlink(path) }
    // Behind what tells the packing.
    for bit in (10 * 8)..<(packed.count * 8) {
      var bytes = packed
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      let (out, failure) = try unpack(bytes, at: path)
      #expect(failure != nil || out == SourcesPackedDamageTests.text, "bit \(bit)")
    }
  }
}
