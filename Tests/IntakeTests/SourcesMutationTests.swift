import Foundation
import Testing

@testable import Fuzz

/// A short stretch of what `scripts/fuzz` does for long: samples with bytes changed at random, from a
/// fixed seed. A trap ends the process, which is the finding.
@Suite struct SourcesMutationTests {
  /// Bytes that parsers care about.
  private static let telling = Array(" :[]<>()={}\",;\\\n\u{0}09azAZ-+.".utf8) + [0x80, 0xFF]

  @Test(.timeLimit(.minutes(30)), arguments: FuzzedParser.allCases)
  func `takes any bytes`(_ parser: FuzzedParser) throws {
    var random = SplitMix(state: 20_260_302)
    let samples = try SourcesMutationTests.samples(of: parser)
    try #require(!samples.isEmpty)
    let rounds = parser == .queue || parser == .packed ? 60 : 400
    for round in 0..<rounds {
      var bytes = samples[round % samples.count]
      for _ in 0..<Int.random(in: 1...12, using: &random) { mutate(&bytes, &random) }
      parser.parse(bytes)
    }
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
    guard !bytes.isEmpty else { return }
    let at = Int.random(in: bytes.indices, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[at] = SourcesMutationTests.telling.randomElement(using: &random) ?? 0
    case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + at % 40))
    case 3: bytes.insert(contentsOf: bytes[(at / 2)..<min(bytes.count, at / 2 + 60)], at: at)
    default: bytes.removeSubrange(at...)
    }
  }

  private static func samples(of parser: FuzzedParser) throws -> [[UInt8]] {
    let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Fuzz/Corpus/\(parser.rawValue)")
    return try FileManager.default
      .contentsOfDirectory(at: corpus, includingPropertiesForKeys: nil)
      .sorted { $0.path < $1.path }
      .map { Array(try Data(contentsOf: $0).prefix(8192)) }
  }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
