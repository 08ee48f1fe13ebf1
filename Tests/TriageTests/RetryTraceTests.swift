import Testing

@testable import Triage

/// What a kept retry tells of how far its trials came.
struct RetryTraceTests {
  @Test(arguments: [
    (#"{"trials":[{"stages":[{"ok":false,"stage":"connect"}]}]}"#, true),
    (#"{"trials":[{"stages":[{"stage":"ehlo"},{"stage":"handshake","detail":"mail"}]}]}"#, true),
    (#"{"trials":[{"stages":[{"stage":"ehlo"}]},{"stages":[{"stage":"mail"}]}]}"#, false),
    (#"{"trials":[{"stages":[{"stage":"of-tomorrow"},{"stage":"mail"}]}],"new":1}"#, false),
    (#"{"trials":[]}"#, false), ("{}", false),
  ])
  func `it is seen whether any came to the envelope`(_ json: String, _ endsBefore: Bool) {
    #expect(RetryTrace(json: json)?.endsBeforeEnvelope == endsBefore)
  }

  @Test(arguments: ["", "no JSON", "[]", #"{"trials":[{"stage":"mail"}]}"#])
  func `what is no such document tells nothing`(_ text: String) {
    #expect(RetryTrace(json: text) == nil)
  }
}
