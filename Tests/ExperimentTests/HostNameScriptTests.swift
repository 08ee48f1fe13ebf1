import Experiment
import MailModel
import Testing

/// Names in any script, as an operator may type them.
struct HostNameScriptTests {
  /// Registered names, and a sample of RFC 3492 section 7.1.
  @Test(arguments: [
    ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.Example", "xn--bcher-kva.example"),
    ("münchen.de", "xn--mnchen-3ya.de"), ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ("президент.рф", "xn--d1abbgf6aiiy.xn--p1ai"), ("plain.example", "plain.example"),
    (
      "他们为什么不说中文.example",
      "xn--ihqwcrb4cv8a8dqg056pqjye.example"
    ),
  ])
  func `names in any script become A-labels`(_ text: String, _ name: String) {
    #expect(HostName(anyScript: text)?.description == name)
  }

  @Test(arguments: ["", "a b", "ü..example", "<ü>"])
  func `what is no name is none in any script`(_ text: String) {
    // Angle brackets and blanks are no letters of any label.
    let name = HostName(anyScript: text)
    #expect(name == nil || name?.description.utf8.allSatisfy { $0 != 32 && $0 != 60 } == true)
  }
}
