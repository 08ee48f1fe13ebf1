package import Foundation

/// The part of JSON Schema (draft 2020-12) that the project's schemas use. Properties that a schema
/// does not name are faults here, so that no key goes undocumented.
package struct JSONSchema {
  private let root: [String: Any]
  /// Whether a document may say more than its schema.
  private let allowsMore: Bool

  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  /// The schema in `file`. Throws where it is none.
  package init(contentsOf file: URL, allowsMore: Bool = false) throws {
    let value = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
    guard let root = value as? [String: Any] else {
      throw Failure(description: "\(file.path): no object")
    }
    self.root = root
    self.allowsMore = allowsMore
  }

  /// What is wrong with `document`, with the place of each fault; at most fifty.
  package func faults(in document: Data) throws -> [String] {
    var faults: [String] = []
    check(
      try JSONSerialization.jsonObject(with: document, options: .fragmentsAllowed),
      root,
      at: "$",
      &faults
    )
    return faults
  }

  private func check(
    _ value: Any,
    _ schema: [String: Any],
    at place: String,
    _ faults: inout [String]
  ) {
    guard faults.count < 50 else { return }
    var schema = schema
    if let reference = schema["$ref"] as? String {
      let name = reference.replacingOccurrences(of: "#/$defs/", with: "")
      guard let found = (root["$defs"] as? [String: Any])?[name] as? [String: Any] else {
        faults.append("\(place): no definition \(reference)")
        return
      }
      schema = found
    }
    if let choices = schema["anyOf"] as? [[String: Any]] {
      let results = choices.map { choice in
        var found: [String] = []
        check(value, choice, at: place, &found)
        return found
      }
      if !results.contains(where: \.isEmpty) { faults += results.first { !$0.isEmpty } ?? [] }
      return
    }
    if let types = schema["type"] as? [String] ?? (schema["type"] as? String).map({ [$0] }),
      !types.contains(where: { JSONSchema.isA(value, $0) })
    {
      faults.append("\(place): \(value) is no \(types.joined(separator: " or "))")
      return
    }
    if let constant = schema["const"] as? String, value as? String != constant {
      faults.append("\(place): \(value) is not \(constant)")
    }
    if let wanted = schema["enum"] as? [Any],
      !wanted.contains(where: { "\($0)" == "\(value)" })
    {
      faults.append("\(place): \(value) is none of \(wanted)")
    }
    if let pattern = schema["pattern"] as? String, let text = value as? String,
      text.range(of: pattern, options: .regularExpression) == nil
    {
      faults.append("\(place): \(text) does not look like \(pattern)")
    }
    if let number = (value as? NSNumber)?.doubleValue, !JSONSchema.isA(value, "boolean") {
      if let least = schema["minimum"] as? Double, number < least {
        faults.append("\(place): \(number) is below \(least)")
      }
      if let most = schema["maximum"] as? Double, number > most {
        faults.append("\(place): \(number) is above \(most)")
      }
    }
    if let items = value as? [Any] { checkItems(items, schema, at: place, &faults) }
    if let fields = value as? [String: Any] { checkFields(fields, schema, at: place, &faults) }
  }

  private func checkItems(
    _ items: [Any],
    _ schema: [String: Any],
    at place: String,
    _ faults: inout [String]
  ) {
    if let least = schema["minItems"] as? Int, items.count < least {
      faults.append("\(place): \(items.count) items")
    }
    if let most = schema["maxItems"] as? Int, items.count > most {
      faults.append("\(place): \(items.count) items")
    }
    guard let item = schema["items"] as? [String: Any] else { return }
    for (index, one) in items.enumerated() { check(one, item, at: "\(place)[\(index)]", &faults) }
  }

  private func checkFields(
    _ fields: [String: Any],
    _ schema: [String: Any],
    at place: String,
    _ faults: inout [String]
  ) {
    for name in schema["required"] as? [String] ?? [] where fields[name] == nil {
      faults.append("\(place): \(name) is missing")
    }
    guard let properties = schema["properties"] as? [String: Any] else { return }
    for (name, value) in fields {
      guard let property = properties[name] as? [String: Any] else {
        if !allowsMore { faults.append("\(place): \(name) is in no schema") }
        continue
      }
      check(value, property, at: "\(place).\(name)", &faults)
    }
  }

  private static func isA(_ value: Any, _ type: String) -> Bool {
    let number = value as? NSNumber
    let isBoolean = number.map { CFBooleanCheck.isBoolean($0) } ?? false
    return switch type {
    case "null": value is NSNull
    case "boolean": isBoolean
    case "string": value is String
    case "array": value is [Any]
    case "object": value is [String: Any]
    case "number": number != nil && !isBoolean
    case "integer": number.map { !isBoolean && $0.doubleValue == $0.doubleValue.rounded() } ?? false
    default: false
    }
  }
}

/// JSON's `true` is a number for Foundation; its type tells them apart.
private enum CFBooleanCheck {
  static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
