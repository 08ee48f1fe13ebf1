import Intake
import MailModel

/// What an answer must say first where nothing of this run's input was understood: that no trouble was
/// found in it means nothing.
struct InputCaveat {
  let sentence: String

  /// `isMore`: the answer rests on what earlier runs have read. Nil where something was understood, or
  /// nothing was there to understand.
  init?(_ inputs: [InputReport], isMore: Bool) {
    let silent = inputs.filter { $0.kind == .log && $0.recognized == 0 && $0.lines > 0 }
    let told = inputs.contains { $0.kind == .log ? $0.recognized > 0 : $0.kind != .other }
    guard !silent.isEmpty, !told else { return nil }
    let names = silent.prefix(2).map { OutsideText($0.path).terminal(limit: 200) }
    let more = silent.count > 2 ? " and \(silent.count - 2) more" : ""
    sentence =
      "Nothing was understood of \(names.joined(separator: ", "))\(more)"
      + (isMore ? "; what is said here was known before." : ".")
  }
}
