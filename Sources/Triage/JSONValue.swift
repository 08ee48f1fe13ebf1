package import MailModel

/// A JSON document as a value; keys are written in a fixed order, absent facts as null.
///
/// Written by hand: a listing of a million messages goes through here, and the general encoder takes
/// ten times as long. RFC 8259 section 7 says what must be escaped.
package enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case int(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  package init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }
  package init(_ moment: Timestamp?) { self = moment.map { .string($0.rfc3339) } ?? .null }
  package init(_ texts: [String]) { self = .array(texts.map(JSONValue.string)) }

  /// The document on one line, object keys sorted.
  package func text() -> String {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func write(to out: inout [UInt8]) {
    switch self {
    case .null: out.append(contentsOf: "null".utf8)
    case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
    case .int(let value): out.append(contentsOf: String(value).utf8)
    case .number(let value):
      out.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
    case .string(let value): JSONValue.write(value, to: &out)
    case .array(let values):
      out.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        value.write(to: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let values):
      out.append(UInt8(ascii: "{"))
      for (index, key) in values.keys.sorted().enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        JSONValue.write(key, to: &out)
        out.append(UInt8(ascii: ":"))
        values[key]?.write(to: &out)
      }
      out.append(UInt8(ascii: "}"))
    }
  }

  private static func write(_ text: String, to out: inout [UInt8]) {
    guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
      var escaped: [UInt8] = []
      writeBytes(of: text, to: &escaped)
      out.append(contentsOf: OutsideText(String(decoding: escaped, as: UTF8.self)).json().utf8)
      return
    }
    writeBytes(of: text, to: &out)
  }

  private static func writeBytes(of text: String, to out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        out.append(UInt8(ascii: "\\"))
        out.append(byte)
      case 0..<0x20, 0x7f:
        let hex = Array("0123456789abcdef".utf8)
        out.append(contentsOf: "\\u00".utf8)
        out.append(hex[Int(byte >> 4)])
        out.append(hex[Int(byte & 15)])
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
