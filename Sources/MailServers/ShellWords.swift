/// Outside text in commands that people copy into a shell.
extension String {
  /// Without line ends, for a snippet.
  var singleLine: String { String(filter { !$0.isNewline }) }

  /// Letters and digits only: safe as a shell word.
  var isQueueIDWord: Bool {
    !isEmpty && utf8.count <= 40
      && utf8.allSatisfy {
        ($0 >= 48 && $0 <= 57) || ($0 >= 65 && $0 <= 90) || ($0 >= 97 && $0 <= 122) || $0 == 45
      }
  }

  /// Letters, digits and `/._-` only: nothing that a shell or a sed script takes for more.
  var isPlainWord: Bool {
    !isEmpty && !hasPrefix("-")
      && utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "/._-".utf8.contains(byte)
        }
      }
  }

  /// One word to a shell, whatever it holds.
  var shellQuoted: String { "'" + replacing("'", with: "'\\''") + "'" }
}
