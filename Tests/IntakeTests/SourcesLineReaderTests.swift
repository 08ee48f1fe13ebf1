import MailModel
import Testing

@testable import Intake

/// A stream of bytes at hand, given in pieces of `piece` bytes, then a fault where there is one.
private final class PiecewiseStream: ByteStream {
  private let bytes: [UInt8]
  private let piece: Int
  private var fault: ReadFailure?
  private var at = 0

  init(_ bytes: [UInt8], piece: Int, fault: ReadFailure? = nil) {
    self.bytes = bytes
    self.piece = piece
    self.fault = fault
  }

  var storedBytesRead: Int64 { Int64(at) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    let count = min(piece, bytes.count - at, buffer.count)
    if count == 0, let fault { throw fault }
    buffer.copyBytes(from: bytes[at..<(at + count)])
    at += count
    return count
  }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: Int64(at), to: offset)
  }
}

@Suite struct SourcesLineReaderTests {
  private func lines(_ reader: inout LineReader) -> [String] {
    var lines: [String] = []
    while let (line, _) = reader.next() { lines.append(line.span.text(0..<line.count)) }
    return lines
  }

  @Test(arguments: [1, 2, 3, 5, 64])
  func `cuts lines wherever the pieces end`(_ piece: Int) {
    let text = Array("one\r\ntwo\n\n\u{0}\u{0}fo\u{0}ur\nlast".utf8)
    let stream = PiecewiseStream(text, piece: piece)
    var reader = LineReader(stream, offset: 0, givesUnfinishedLine: true)
    #expect(lines(&reader) == ["one", "two", "", "fo\u{0}ur", "last"])
    #expect(reader.offset == Int64(text.count))
    #expect(reader.consumedTail(256) == text)
  }

  @Test(arguments: [1, 7, 64])
  func `leaves an unfinished line for the next run`(_ piece: Int) {
    let stream = PiecewiseStream(Array("one\ntw".utf8), piece: piece)
    var reader = LineReader(stream, offset: 0, givesUnfinishedLine: false)
    #expect(lines(&reader) == ["one"])
    #expect(reader.unfinishedBytes == 2)
    #expect(reader.consumedTail(256) == Array("one\n".utf8))
  }

  @Test(arguments: [100, 256, 300, 3_000_000])
  func `knows the bytes before the cursor at the end of any length`(_ length: Int) {
    let text = [UInt8](repeating: UInt8(ascii: "x"), count: 79) + [0x0A]
    let all = Array(repeatElement(text, count: length / 80 + 1).joined())
    var reader = LineReader(
      PiecewiseStream(all, piece: 1 << 18),
      offset: 0,
      givesUnfinishedLine: true
    )
    _ = lines(&reader)
    #expect(reader.consumedTail(256) == all.suffix(256))
  }

  @Test func `keeps the start of an endless line and goes on behind it`() {
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000_000)
    let stream = PiecewiseStream(long + Array("\nnext\n".utf8), piece: 1 << 20)
    var reader = LineReader(stream, offset: 0, givesUnfinishedLine: true)
    #expect(lines(&reader).map { $0.utf8.count } == [LineReader.longestLine, 4])
    #expect(reader.offset == 100_000_006)
  }

  @Test func `gives what came before a fault and then tells of it`() {
    let fault = ReadFailure(offset: 8, reason: "gone", isDamage: false)
    let stream = PiecewiseStream(Array("one\ntwo\nth".utf8), piece: 4, fault: fault)
    var reader = LineReader(stream, offset: 0, givesUnfinishedLine: true)
    #expect(lines(&reader) == ["one", "two"])
    #expect(reader.failure?.reason == "gone")
  }
}
