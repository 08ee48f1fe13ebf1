/// Writes what a dialect remembers as bytes: length-prefixed fields, the same bytes for the same
/// values.
package struct CarriedStateWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Appends a number.
  package mutating func write(_ number: Int64) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Appends a field of any length.
  package mutating func write(_ field: [UInt8]) {
    write(Int64(field.count))
    bytes.append(contentsOf: field)
  }

  /// Appends a position, or its absence.
  package mutating func write(_ position: LinePosition?) {
    write(position?.source ?? -1)
    write(position?.offset ?? -1)
  }
}

/// Reads what ``CarriedStateWriter`` wrote; every read is nil once the bytes do not fit.
package struct CarriedStateReader: Sendable {
  private var bytes: ArraySlice<UInt8>

  package init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

  /// Whether all has been read.
  package var isAtEnd: Bool { bytes.isEmpty }

  /// The next number.
  package mutating func number() -> Int64? {
    guard bytes.count >= 8 else { return nil }
    var value: UInt64 = 0
    for (shift, byte) in bytes.prefix(8).enumerated() { value |= UInt64(byte) << (8 * shift) }
    bytes = bytes.dropFirst(8)
    return Int64(bitPattern: value)
  }

  /// The next field.
  package mutating func field() -> [UInt8]? {
    guard let count = number(), count >= 0, count <= bytes.count else { return nil }
    defer { bytes = bytes.dropFirst(Int(count)) }
    return Array(bytes.prefix(Int(count)))
  }

  /// The next position; the outer nil means that the bytes do not fit.
  package mutating func position() -> LinePosition?? {
    guard let source = number(), let offset = number() else { return nil }
    return .some(source < 0 ? nil : LinePosition(source: source, offset: offset))
  }
}
