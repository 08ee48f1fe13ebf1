/// A recipient's line in an `-H` file: the address alone, or with what else is known behind it.
///
///     bob@b.example
///     bob@b.example rfc822;bob@b.example 20,8 owner@a.example 15,-1#3
///
/// Behind the address: ORCPT, its length and the NOTIFY flags; the address for errors, its length and
/// the parent's number; and which of the two groups there are. Each text may hold blanks, so that a
/// line is read from its end. Source: Exim src/spool_out.c, spool_write_header().
struct EximRecipientLine {
  let address: String
  /// `NOTIFY=` of RFC 3461 as Exim keeps it; 0 where the client gave none.
  let notifyFlags: Int

  /// Without NOTIFY the sender is told of a delay; with it only where it says `DELAY`.
  var wantsDelayNotice: Bool {
    notifyFlags & EximRecipientLine.anyNotify == 0
      || notifyFlags & EximRecipientLine.notifyDelay != 0
  }

  /// NEVER, SUCCESS, FAILURE and DELAY. Source: Exim src/macros.h, rf_dsnflags.
  private static let anyNotify = 0x1e
  private static let notifyDelay = 0x10

  init(_ line: Substring) {
    guard let hash = line.lastIndex(of: "#"), let groups = Int(line[line.index(after: hash)...]),
      groups & 1 == 1, let errors = EximRecipientLine.group(line[..<hash])
    else {
      address = String(line)
      notifyFlags = 0
      return
    }
    guard groups & 2 == 2, let notify = EximRecipientLine.group(errors.before) else {
      address = String(errors.before)
      notifyFlags = 0
      return
    }
    address = String(notify.before)
    notifyFlags = notify.number
  }

  /// The last group of `… TEXT LENGTH,NUMBER`: what stands before it, and the number.
  private static func group(_ text: Substring) -> (before: Substring, number: Int)? {
    guard let blank = text.lastIndex(of: " ") else { return nil }
    let numbers = text[text.index(after: blank)...].split(separator: ",")
    guard numbers.count == 2, let length = Int(numbers[0]), let number = Int(numbers[1]),
      length >= 0, length < text.utf8.count
    else { return nil }
    let before = text[..<blank].utf8.dropLast(length + 1)
    return (Substring(before), number)
  }
}
