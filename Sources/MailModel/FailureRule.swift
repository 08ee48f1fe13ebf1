/// How much a text that a rule matches says; the most telling match wins.
package enum Specificity: Int, Comparable, CaseIterable, Sendable {
  case smtpCode = 0
  case enhancedStatus = 1
  case serverText = 2
  case alert = 3
  case libraryReason = 4
  case verifyError = 5

  package static func < (left: Specificity, right: Specificity) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What a text must look like for a rule to fire. ASCII case is ignored.
package indirect enum TextPattern: Hashable, Sendable {
  case contains(String)
  /// The text as a word, or words, of its own: no letter or digit before or behind it.
  case word(String)
  case startsWith(String)
  case all([TextPattern])
  case any([TextPattern])
  case not(TextPattern)
  /// An enhanced status code anywhere in the text (a nil detail matches each).
  case enhancedStatus(class: Int?, subject: Int, detail: Int?)
  /// A three-digit SMTP reply code as a word of its own.
  case replyCode(Int)
}

/// Whose words a text is.
package enum Voice: Hashable, Sendable {
  /// What a program says of its own session.
  case own
  /// What the other side replied, quoted.
  case peer
}

/// One entry of the failure catalogue: a text that servers write, and what it means.
package struct FailureRule: Sendable {
  /// Stored and stable: `tls.certificate-expired.openssl`.
  package var id: String
  /// The server whose texts it reads; nil for all.
  package var server: MailServerID?
  /// What the text reports; nil: the text looks like a failure and is none.
  package var failureClass: FailureClass?
  package var responsible: Responsible
  /// The side that writes such a line; nil for both.
  package var side: Side?
  /// Whose words it reads; nil for anyone's.
  package var voice: Voice?
  package var specificity: Specificity
  package var pattern: TextPattern
  /// A real line that must fire this rule.
  package var example: String
  /// What it means and who must act, one or two sentences.
  package var meaning: String

  package init(
    id: String,
    server: MailServerID? = nil,
    failureClass: FailureClass?,
    responsible: Responsible,
    side: Side? = nil,
    voice: Voice? = nil,
    specificity: Specificity,
    pattern: TextPattern,
    example: String,
    meaning: String
  ) {
    self.id = id
    self.server = server
    self.failureClass = failureClass
    self.responsible = responsible
    self.side = side
    self.voice = voice
    self.specificity = specificity
    self.pattern = pattern
    self.example = example
    self.meaning = meaning
  }
}
