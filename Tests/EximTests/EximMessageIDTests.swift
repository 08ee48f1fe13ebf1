import Testing

@testable import MailServers

/// The two shapes of Exim's message ids.
struct EximMessageIDTests {
  @Test(arguments: [
    ("1xYCSA-0005sj-0P <= a@a.example", 16), ("1xYCSA-0005sj-0P", 16),
    ("1smkL5-00000000e65-24eQ => b@b.example", 23), ("1smkL5-00000000e65-24eQ", 23),
    // A character more or less, one that is none, a dash elsewhere.
    ("1xYCSA-0005sj-0Px <=", nil), ("1xYCSA-0005sj-0", nil), ("1xYCSA-0005s_-0P <=", nil),
    ("1xYCS--0005sj-0P <=", nil), ("1xYCSA-0005sj_0P <=", nil), ("1xYCSA-0005-sj0P <=", nil),
    ("1smkL5-00000000e65-24e <=", nil), ("1smkL5-00000000e65-24eQQ <=", nil),
    ("1smkL5-00000000e6-524eQ <=", nil), ("1smkL5-00000000e65_24eQ <=", nil),
    ("1smkL5-0000000\u{e9}e65-24eQ", nil), ("", nil),
  ])
  func `an id has its characters and its dashes, and ends with its word`(
    _ text: String,
    _ length: Int?
  ) {
    // With bytes before and behind: a line is a piece of a larger buffer.
    let bytes = Array(("- " + text + "AAAAAAAAAAAAAAAAAAAAAAAA").utf8)
    let end = 2 + text.utf8.count
    #expect(EximMessageID.at(2, in: bytes.span, to: end) == length.map { 2..<(2 + $0) })
  }
}
