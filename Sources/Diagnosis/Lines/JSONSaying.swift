import MailModel

/// What a line that is one JSON object says: the string that holds the message, as the systemd
/// journal, KumoMTA and structured loggers name it.
struct JSONSaying {
  var tag: [UInt8]
  var text: [UInt8]

  /// Nil where `line` is no object or holds no such string.
  init?(_ line: [UInt8]) {
    guard line.first == UInt8(ascii: "{") else { return nil }
    let fields = ["MESSAGE", "content", "message", "msg", "text", "reason", "error"]
    guard let text = fields.lazy.compactMap({ JSONSaying.string($0, in: line) }).first else {
      return nil
    }
    self.text = text
    tag = JSONSaying.string("SYSLOG_IDENTIFIER", in: line) ?? []
    if tag.isEmpty, line.span.firstIndex(of: "\"egress_", from: 0, to: line.count) != nil {
      tag = Array("kumod".utf8)
    }
  }

  /// The string value of a member, unescaped; nil where there is none.
  private static func string(_ name: String, in line: [UInt8]) -> [UInt8]? {
    let wanted = Array("\"\(name)\"".utf8)
    guard var at = find(wanted, in: line) else { return nil }
    at += wanted.count
    while at < line.count, line[at] == UInt8(ascii: " ") || line[at] == UInt8(ascii: ":") {
      at += 1
    }
    guard at < line.count, line[at] == UInt8(ascii: "\"") else { return nil }
    var value: [UInt8] = []
    at += 1
    while at < line.count, line[at] != UInt8(ascii: "\"") {
      if line[at] == UInt8(ascii: "\\"), at + 1 < line.count {
        at += 1
        value.append(line[at] == UInt8(ascii: "n") ? UInt8(ascii: " ") : line[at])
      } else {
        value.append(line[at])
      }
      at += 1
    }
    return value
  }

  private static func find(_ wanted: [UInt8], in line: [UInt8]) -> Int? {
    guard wanted.count <= line.count else { return nil }
    var at = 0
    while let hit = line.span.firstIndex(of: wanted[0], from: at, to: line.count - wanted.count + 1)
    {
      if line[hit..<(hit + wanted.count)].elementsEqual(wanted) { return hit }
      at = hit + 1
    }
    return nil
  }
}
