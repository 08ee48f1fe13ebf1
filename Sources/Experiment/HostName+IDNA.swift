package import MailModel

/// Domain names in any script, as A-labels (RFC 5891): lower-cased, each label that is not ASCII
/// encoded with Punycode (RFC 3492).
extension HostName {
  /// Nil for anything that is no host name.
  package init?(anyScript text: String) {
    guard text.utf8.count <= 1000 else { return nil }
    let labels = text.lowercased().split(omittingEmptySubsequences: false) {
      // RFC 3490 section 3.1 knows these full stops.
      $0 == "." || $0 == "\u{3002}" || $0 == "\u{ff0e}" || $0 == "\u{ff61}"
    }
    let encoded = labels.map { label -> String in
      label.utf8.allSatisfy { $0 < 128 }
        ? String(label) : "xn--" + Punycode.encode(label.unicodeScalars.map(\.value))
    }
    self.init(encoded.joined(separator: "."))
  }
}

/// RFC 3492 section 6.3.
enum Punycode {
  private static let base: UInt32 = 36
  private static let shortest: UInt32 = 1
  private static let longest: UInt32 = 26

  static func encode(_ input: [UInt32]) -> String {
    let plain = input.filter { $0 < 128 }
    var output = String(String.UnicodeScalarView(plain.compactMap(UnicodeScalar.init)))
    if !plain.isEmpty { output += "-" }
    var handled = UInt32(plain.count)
    var next: UInt32 = 128
    var delta: UInt32 = 0
    var bias: UInt32 = 72
    while handled < UInt32(input.count) {
      guard let smallest = input.filter({ $0 >= next }).min() else { break }
      delta += (smallest - next) * (handled + 1)
      next = smallest
      for point in input {
        if point < next { delta += 1 }
        guard point == next else { continue }
        var rest = delta
        var step = base
        while true {
          let threshold =
            step <= bias ? shortest : step >= bias + longest ? longest : step - bias
          if rest < threshold { break }
          output += digit(threshold + (rest - threshold) % (base - threshold))
          rest = (rest - threshold) / (base - threshold)
          step += base
        }
        output += digit(rest)
        bias = adapted(delta, handled + 1, isFirst: handled == UInt32(plain.count))
        delta = 0
        handled += 1
      }
      delta += 1
      next += 1
    }
    return output
  }

  private static func digit(_ value: UInt32) -> String {
    UnicodeScalar(value < 26 ? value + 97 : value - 26 + 48).map { String($0) } ?? ""
  }

  private static func adapted(_ delta: UInt32, _ count: UInt32, isFirst: Bool) -> UInt32 {
    var delta = isFirst ? delta / 700 : delta / 2
    delta += delta / count
    var step: UInt32 = 0
    while delta > (base - shortest) * longest / 2 {
      delta /= base - shortest
      step += base
    }
    return step + (base - shortest + 1) * delta / (delta + 38)
  }
}
