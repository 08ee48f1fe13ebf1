import MailModel

/// Lines of Sendmail that say nothing about a result, told by how they begin. Source: the sm_syslog
/// calls of Sendmail 8.12 to 8.18.
enum SendmailChatter {
  /// Behind a queue id.
  static func isNote(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    begins(bytes, text, notes) || isServerLine(bytes, text) || isRefusal(bytes, text)
      || bytes.firstIndex(of: ": ", from: text.lowerBound, to: text.upperBound).map {
        // `address: cannot open …`, `milter-name: …`: what is told is behind a name.
        isServerLine(bytes, ($0 + 2)..<text.upperBound)
      } ?? false
  }

  /// `<bob@b.example>... User unknown`: said to a client at RCPT.
  private static func isRefusal(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    bytes.has("<", at: text.lowerBound, to: text.upperBound)
      && bytes.firstIndex(of: ">... ", from: text.lowerBound, to: text.upperBound) != nil
  }

  /// Without a queue id.
  static func isServerLine(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    begins(bytes, text, serverLines)
  }

  private static func begins(
    _ bytes: Span<UInt8>,
    _ text: Range<Int>,
    _ openings: [StaticString]
  ) -> Bool {
    for opening in openings where bytes.has(opening, at: text.lowerBound, to: text.upperBound) {
      return true
    }
    return false
  }

  private static let notes: [StaticString] = [
    "done; ", "split: ", "clone", "owner=", "SMTP outgoing connect", "--- ", "<-- ", "forward ",
    "alias ", "message-id=", "msgid=", "size=", "header", "add: ", "Add ", "quarantine",
    "unquarantine", "Milter",
    "milter", "lost input", "collect", "discarded", "truncated", "local addr", "return to sender",
    "unlock", "locked", "too many hops", "hops ", "dropped invalid", "postponed", "delayed",
    "skipping", "Authentication-Warning", "Insert ", "Change", "Delete", "dropenvelope", "runqueue",
    "makeconnection", "putbody", "deliver ", "smtpquit", "reply",
  ]

  private static let serverLines: [StaticString] = [
    "STARTTLS", "TLS: ", "tls_", "engine=", "ruleset=", "NOQUEUE", "SYSERR", "SYSLOG", "WARNING",
    "Warning", "error: ", "Error", "timeout ", "Timeout", "AUTH", "SASL", "starting ", "started ",
    "restarting ", "daemon ", "stopping ", "shutting ", "rejecting ", "accepting ", "grew ",
    "runqueue", "rebuild", "alias database", "aliasing", "network ", "problem ", "lost ",
    "Losing ", "losing ", "lock", "unable ", "cannot ", "can't ", "could not ", "getauthinfo",
    "gethostby", "hostname ", "My unqualified", "unable to qualify", "DNS", "dns_", "did not issue",
    "Null connection", "null connection", "possible SMTP", "connect", "Connection", "connection ",
    "low on ", "insufficient ", "deferring ", "MaxQueueRun", "max ", "too many ", "Domain of ",
    "dangerous ", "world writable", "group writable", "unsafe ", "File ", "file ", "option ",
    "config", "Config", "invalid ", "illegal ", "bad ", "unknown ", "Unknown ", "queue", "Queue",
    "mailer ", "Mailer", "persistent ", "deliver", "dfopen", "readqf", "orderq", "collect: ",
    "clearing ", "CRL", "Diffie", "TempFail", "--", "<--", "-->", "milter", "Milter", "socket",
    "safesasl", "seteuid", "setuid", "chown", "fchown", "ldap", "LDAP", "hash map", "dequote",
    "control ", "DaemonPortOptions", "delay_checks", "greet_pause", "rate ", "load average",
    "sm_", "sysexit", "opendaemonsocket", "getrequests", "[", "poststats", "/", "tcpwrappers ",
    "headers too large", "message size ", "gracefully ", "finis, ", "user ", "Deny ", "Aborting ",
    "Skipping ", "SECURITY ", "bogus ", "Saved ", "rewrite: ", "auth", "probable ", "SMTP ",
    "delaying ", "null host ", "xtrap", "ownership ", "filesys", "Authentication-Warning",
    "alias", "forward", "savemail", "returntosender", "Drop", "drop_", "restart ", "ERROR",
    "interface ", "startup ", "have been rejecting ",
  ]
}
