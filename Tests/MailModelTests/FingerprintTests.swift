import MailModel
import Testing

struct FingerprintTests {
  /// The test vectors of draft-eastlake-fnv.
  @Test(arguments: [
    ("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8"),
  ])
  func `it is FNV-1a`(_ text: String, _ hex: String) {
    #expect(Fingerprint(text.utf8).hex() == hex)
    #expect(Fingerprint(text.utf8).hex(digits: 8) == hex.suffix(8))
  }

  @Test func `zeros stand in front`() {
    let short = (0..<1000).map { Fingerprint("\($0)".utf8) }.filter { $0.value < 1 << 60 }
    #expect(!short.isEmpty)
    for one in short {
      #expect(one.hex().utf8.count == 16)
      #expect(UInt64(one.hex(), radix: 16) == one.value)
    }
  }
}
