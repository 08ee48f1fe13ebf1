import Experiment
import FoundationEssentials

/// How far each trial of a kept retry came, as `mailtriage.retry/1` tells.
struct RetryTrace: Codable, Hashable, Sendable {
  struct Trial: Codable, Hashable, Sendable {
    var stages: [Step]
  }

  struct Step: Codable, Hashable, Sendable {
    /// A ``Stage``'s name; a newer version may know more.
    var stage: String
  }

  /// Absent where nothing was tried.
  var trials: [Trial]?

  /// Nil where the text is no such document.
  init?(json: String) {
    guard let trace = try? JSONDecoder().decode(RetryTrace.self, from: Data(json.utf8)) else {
      return nil
    }
    self = trace
  }

  /// Whether there were sessions, and none came to an envelope: what fails before tells nothing of mail.
  var endsBeforeEnvelope: Bool {
    let stages = (trials ?? []).flatMap(\.stages)
    return !stages.isEmpty && !stages.contains { $0.stage == Stage.mail.rawValue }
  }
}
