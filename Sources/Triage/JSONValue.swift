import FoundationEssentials
package import MailModel

/// A JSON document as a value; keys are written in a fixed order, absent facts as null.
package enum JSONValue: Hashable, Sendable, Encodable {
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

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }

  /// The document on one line.
  package func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
