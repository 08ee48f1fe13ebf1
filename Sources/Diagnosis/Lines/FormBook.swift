import MailModel

/// Tells by its form who wrote a line: servers with a folder of their own first, then the forms of
/// others, then what libraries and SMTP itself let see.
struct FormBook: Sendable {
  struct Reading {
    /// As people call the program, in lower case; nil where the form does not tell.
    var name: String?
    var lone: LoneLine
    var writesUnderscores = false
  }

  private struct NumberedForm {
    var form: SenderForm
    var marks: [Int]
    var sending: [Int]
    var receiving: [Int]
    var successes: [Int]
  }

  private let servers: [any MailServer]
  private let forms: [NumberedForm]
  private let anyones: NumberedForm
  private let index: TextIndex

  init(servers: [any MailServer]) {
    self.servers = servers
    var texts = TextIndex.Builder()
    func numbers(_ marks: [String]) -> [Int] { marks.map { texts.number(Array($0.utf8)) } }
    func numbered(_ form: SenderForm) -> NumberedForm {
      NumberedForm(
        form: form,
        marks: numbers(form.marks),
        sending: numbers(form.sending),
        receiving: numbers(form.receiving),
        successes: numbers(form.successes)
      )
    }
    forms = SenderForm.all.map(numbered)
    anyones = numbered(.anyone)
    index = TextIndex(texts)
  }

  func read(_ frame: LineFrame) -> Reading {
    let span = frame.bytes.span
    let found = index.search(frame.bytes)
    var reading = reading(frame, span, found)
    if reading.lone.side == nil {
      if anyones.receiving.contains(where: found.contains) {
        reading.lone.side = .receiving
      } else if anyones.sending.contains(where: found.contains) {
        reading.lone.side = .sending
      }
    }
    if anyones.successes.contains(where: found.contains) { reading.lone.isSuccess = true }
    return reading
  }

  private func reading(_ frame: LineFrame, _ span: Span<UInt8>, _ found: NumberSet) -> Reading {
    for server in servers {
      guard let lone = server.readLone(span, tag: frame.tag, text: frame.text) else { continue }
      return Reading(name: server.id.description, lone: lone)
    }
    for form in forms {
      guard
        form.form.tags.contains(where: { FormBook.equals(span, frame.tag, $0) })
          || form.marks.contains(where: found.contains)
      else { continue }
      let side: Side? =
        if form.sending.contains(where: found.contains) {
          .sending
        } else if form.receiving.contains(where: found.contains) {
          .receiving
        } else {
          form.form.usualSide
        }
      let lone = LoneLine(
        side: side,
        isSuccess: form.successes.contains(where: found.contains),
        statement: frame.text
      )
      return Reading(
        name: form.form.name,
        lone: lone,
        writesUnderscores: form.form.writesUnderscores
      )
    }
    return Reading(name: nil, lone: LoneLine(side: nil, statement: frame.text))
  }

  private static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: String) -> Bool {
    guard range.count == text.utf8.count else { return false }
    for (offset, byte) in text.utf8.enumerated() where bytes[range.lowerBound + offset] != byte {
      return false
    }
    return true
  }
}
