package import MailModel

/// What a single line, or a bare reply, says.
package struct LineExplanation: Hashable, Sendable {
  /// The server that wrote it, as people call it in lower case; nil where its shape does not tell.
  package var mta: String?
  package var side: Side?
  /// Nil where the line reports no failure.
  package var classification: Classification?

  package var isTLS: Bool { classification?.failureClass?.isTLS ?? false }
}

/// Explains lines of any mail server, one by one.
package struct LineExplainer: Sendable {
  private let classifier: FailureClassifier

  package init(classifier: FailureClassifier) { self.classifier = classifier }

  /// What one line says.
  package func explain(_ line: String) -> LineExplanation {
    let folded = FoldedText(line)
    func has(_ text: String) -> Bool { folded.contains(FoldedText(text).bytes) }
    let mta = LineExplainer.mta(folded)
    let side = LineExplainer.side(folded)
    var explanation = LineExplanation(mta: mta, side: side, classification: nil)
    guard !LineExplainer.reportsSuccess(folded) else { return explanation }
    let server = mta.map { MailServerID($0) }
    guard
      let found = classifier.classify(
        LineExplainer.sentence(line),
        side: side ?? .sending,
        server: server
      )
    else { return explanation }
    // Sessions of strangers that end early are daily noise on the receiving side unless TLS is named.
    if found.failureClass == nil { return explanation }
    explanation.classification = found
    return explanation
  }

  /// The part of a line that says what happened: addresses and host names in front of it can hold
  /// any word.
  private static func sentence(_ line: String) -> String {
    for marker in ["status=deferred (", "status=bounced (", "status=expired ("] {
      if let range = line.range(ofText: marker) { return String(line[range.upperBound...]) }
    }
    // qmail writes underscores for blanks in its reports.
    if line.range(ofText: "deferral: ") != nil || line.range(ofText: "failure: ") != nil {
      return String(line.map { $0 == "_" ? " " : $0 })
    }
    return line
  }

  private static func mta(_ text: FoldedText) -> String? {
    func has(_ needle: String) -> Bool { text.contains(Array(needle.utf8)) }
    let table: [(String, [String])] = [
      (
        "postfix",
        [
          "postfix", "/smtp[", "/smtpd[", "x-postfix", "server certificate not trusted",
          "server certificate not verified", "was not offered by host", "dsn=",
        ]
      ),
      (
        "sendmail",
        [
          "sm-mta", "sendmail[", "stat=deferred", "starttls=client", "starttls=server",
          "ruleset=tls",
        ]
      ),
      ("opensmtpd", ["smtpd[", "smtp-out:", "mta error reason", "smtp disconnected reason"]),
      (
        "exim",
        [
          "tls error on connection", "defer (-", "tls session:", "ssl verify error",
          " r=", "dane attempt failed", "retry time not reached", "hosts_require_tls",
        ]
      ),
      ("kumomta", ["kumod"]), ("haraka", ["haraka", "[core]"]),
      (
        "exchange",
        [
          "exchange", "sendconnector", "tls negotiation failed with error", "led=",
          "primary target ip address", "lastattemptedservername",
        ]
      ),
      ("stalwart", ["queueid ="]), ("qmail", ["deferral:", "connected_to", "#4.4.2"]),
    ]
    for (name, words) in table {
      if name == "opensmtpd", has("postfix") { continue }
      if words.contains(where: has) { return name }
    }
    return nil
  }

  private static func side(_ text: FoldedText) -> Side? {
    func has(_ needle: String) -> Bool { text.contains(Array(needle.utf8)) }
    let receiving = [
      "smtpd[", "postfix/smtpd", "/smtpd]", "ssl_accept", "tls error on connection from",
      "starttls=server", "postscreen", "smtp disconnected reason", "service=smtpd", "accept_tls",
      "default frontend", "lost connection after", "ciphertext read/write timeout", "_accept_",
      "ssl3_get_client_hello", "tls_post_process_client_hello", "tls_process_client_hello",
    ]
    if has("mta error") || has("smtp-out") { return .sending }
    if receiving.contains(where: has) { return .receiving }
    if has("[core] client") || has("connection from") { return .receiving }
    let sending = [
      "/smtp[", "postfix/smtp", "starttls=client", "stat=", "r=", "tls session:", "status=",
      "ssl_connect", "relay=", "mta ", "kumod", "ssl3_get_server",
    ]
    return sending.contains(where: has) ? .sending : nil
  }

  /// Lines that tell of a delivery or of a session that stood.
  private static func reportsSuccess(_ text: FoldedText) -> Bool {
    func has(_ needle: String) -> Bool { text.contains(Array(needle.utf8)) }
    if has("status=sent") || has("stat=sent") || has("negotiation succeeded") { return true }
    if has("tls connection established to") || has("tls connection reused to") { return true }
    if has("starttls=server") || has("starttls=client") {
      return !has("verify=fail") && !has("error") && !has("reject=") && !has("verifymsg=")
        && !has(" unsafe: ") && !has(" missing")
    }
    if has("ssl_accept:") || has("ssl_connect:") {
      return !has("error") && !has("closed by peer") && !has("failed")
    }
    return has(" => ") && has(" r=") && has(" t=")
  }
}

extension String {
  /// Where `text` first occurs, bytes compared.
  func range(ofText text: String) -> Range<String.Index>? {
    guard let first = text.utf8.first else { return nil }
    var at = startIndex
    while let hit = self[at...].utf8.firstIndex(of: first) {
      if self[hit...].utf8.starts(with: text.utf8) {
        return hit..<self.utf8.index(hit, offsetBy: text.utf8.count)
      }
      at = self.utf8.index(after: hit)
    }
    return nil
  }
}
