import Foundation
import Testing

@testable import Intake

@Suite struct SourcesFileWatchTests {
  private func directory() throws -> String {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    return place.path
  }

  private func append(_ text: String, to path: String) throws {
    if !FileManager.default.fileExists(atPath: path) {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
    }
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8))
    try handle.close()
  }

  @Test func `notices growth, rotation and the new file, once a second at most`() throws {
    let place = try directory()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let log = place + "/mail.log"
    try append("one\n", to: log)
    let watch = try FileWatch()
    try watch.watch(file: log)
    #expect(watch.changes(within: 0).isEmpty)
    try append("two\n", to: log)
    #expect(watch.changes(within: 5) == [log])
    let start = ContinuousClock.now
    try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
    try append("three\n", to: log)
    #expect(watch.changes(within: 5).isSuperset(of: [log, log + ".1"]))
    #expect(ContinuousClock.now - start > .milliseconds(900))
  }

  @Test func `says what cannot be watched`() throws {
    let watch = try FileWatch()
    #expect(throws: FileWatch.Failure(path: "/none", description: "No such file or directory")) {
      try watch.watch(file: "/none/mail.log")
    }
  }
}
