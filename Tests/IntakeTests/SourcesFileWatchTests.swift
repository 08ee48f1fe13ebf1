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

  @Test func `a directory of which events were lost is given itself`() throws {
    let place = try directory()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let watch = try FileWatch()
    try watch.watch(directory: place)
    let queue = try #require(
      Int(
        try String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
          .filter(\.isNumber)
      )
    )
    guard queue <= 100_000 else { try Test.cancel("the queue holds too many events to fill it") }
    // Each makes an event of its own: equal ones in a row would be one.
    for number in 0...(queue / 2 + 10) {
      let descriptor = open(place + "/\(number % 500)", O_WRONLY | O_CREAT, 0o600)
      _ = write(descriptor, "x", 1)
      close(descriptor)
      if number % 500 == 499 { for name in 0..<500 { unlink(place + "/\(name)") } }
    }
    #expect(watch.changes(within: 5).contains(place))
    // Nothing is lost from then on.
    try append("one\n", to: place + "/mail.log")
    #expect(watch.changes(within: 5).contains(place + "/mail.log"))
  }

  @Test func `a directory that is removed is given itself, and once made again can be watched`()
    throws
  {
    let place = try directory()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let log = place + "/log/mail.log"
    let files = FileManager.default
    try files.createDirectory(atPath: place + "/log", withIntermediateDirectories: false)
    try append("one\n", to: log)
    let watch = try FileWatch()
    try watch.watch(file: log)
    try files.removeItem(atPath: place + "/log")
    #expect(watch.changes(within: 5).isSuperset(of: [place + "/log", log]))
    #expect(throws: FileWatch.Failure.self) { try watch.watch(file: log) }
    try files.createDirectory(atPath: place + "/log", withIntermediateDirectories: false)
    try append("two\n", to: log)
    // The new directory is another one, of which nobody knows yet.
    #expect(watch.changes(within: 0).isEmpty)
    try watch.watch(file: log)
    try append("three\n", to: log)
    #expect(watch.changes(within: 5) == [log])
  }

  @Test func `a change of a file whose name is no UTF-8 is one of its directory`() throws {
    let place = try directory()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let watch = try FileWatch()
    try watch.watch(directory: place)
    let name = Array(place.utf8) + Array("/mail".utf8) + [0xFF, 0]
    let descriptor = name.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { bytes in
      bytes.baseAddress.map { open($0, O_WRONLY | O_CREAT, 0o600) } ?? -1
    }
    #expect(descriptor >= 0)
    close(descriptor)
    #expect(watch.changes(within: 5) == [place])
  }

  @Test func `says what cannot be watched`() throws {
    let watch = try FileWatch()
    #expect(throws: FileWatch.Failure(path: "/none", description: "No such file or directory")) {
      try watch.watch(file: "/none/mail.log")
    }
  }
}
