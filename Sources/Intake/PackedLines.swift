import MailModel

/// Lines of a packed log, read back as evidence: the file is unpacked up to the last of them.
package enum PackedLines {
  /// Longer lines are cut.
  private static let longest = 4096
  private static let blockSize = 1 << 18

  /// The lines that begin at these offsets of the unpacked content; those that do not are left out.
  /// Empty where the file cannot be read, is not packed, or holds several files.
  package static func lines(path: String, at offsets: [Int64]) -> [Int64: String] {
    guard let file = try? OpenFile(path: path) else { return [:] }
    let compression = Compression(head: file.bytes(at: 0, count: 512))
    guard ![.none, .zip, .tar].contains(compression),
      let stream = try? compression.stream(file, isSeekable: true)
    else { return [:] }
    var wanted = Set(offsets.filter { $0 >= 0 }).sorted()[...]
    var found: [Int64: String] = [:]
    var line: [UInt8] = []
    // Where the next byte stands, and whether it begins a line.
    var at: Int64 = 0
    var begins = true
    var isInside = false
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: 16)
    defer { block.deallocate() }
    while let next = wanted.first {
      guard let count = try? stream.read(into: block), count > 0 else { break }
      let end = at + Int64(count)
      if !isInside, next >= end {
        begins = block[count - 1] == 0x0a
        at = end
        continue
      }
      for index in 0..<count {
        if !isInside, at == wanted.first {
          isInside = begins
          if !begins { wanted.removeFirst() }
          line = []
        }
        let byte = block[index]
        begins = byte == 0x0a
        if isInside, begins, let offset = wanted.popFirst() {
          found[offset] = String(decoding: line, as: UTF8.self)
          isInside = false
        } else if isInside, line.count < longest {
          line.append(byte)
        }
        at += 1
      }
    }
    return found
  }
}
